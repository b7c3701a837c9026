#include "client/consumer_impl.hpp"

namespace moldau::client {

void consumer::impl::add_to(client::statistics& into) const {
  into.prefetched_bytes = buffered_bytes_;
  into.rebalances = rebalances_;
  into.group_id = options_.group_id.value_or("");
  if (session_) into.group_state = name(session_->membership().current());
  for (const auto& [partition, state] : assigned_) {
    const partition_view* view = cluster_->view().partition(partition.topic, partition.partition);
    into.partitions.push_back({.partition = partition,
                               .leader = view != nullptr ? view->leader : no_broker,
                               .received_records = state.received.records,
                               .received_bytes = state.received.bytes,
                               .position = state.has_position() ? state.position().offset : no_offset,
                               .committed = state.committed,
                               .high_watermark = state.high_watermark,
                               .lag = lag_of(state).value_or(-1)});
  }
}

rt::task<result<client::statistics>> consumer::impl::statistics() {
  client::statistics out = cluster_->count("consumer");
  add_to(out);
  co_return out;
}

void consumer::impl::report_statistics() {
  cluster_->report_statistics("consumer", [weak = weak_from_this()](client::statistics& into) {
    if (const auto self = weak.lock()) self->add_to(into);
  });
}

}  // namespace moldau::client
