#include <mutex>

#include "client/producer_impl.hpp"

namespace moldau::client {

std::vector<partition_statistics> accumulator::count() const {
  std::vector<partition_statistics> out;
  out.reserve(lanes_.size());
  for (const auto& lane : lanes_) {
    const lane_counts& counts = lane->counts_;
    partition_statistics& in =
        out.emplace_back(partition_statistics{.partition = {std::string(lane->topic_), lane->partition_},
                                              .sent_records = counts.sent_records,
                                              .sent_bytes = counts.sent_bytes,
                                              .failed_records = counts.failed_records,
                                              .batches = counts.batches,
                                              .retries = counts.retries});
    const auto add = [&in](const producer_batch& batch) {
      if (batch.is_abandoned) return;
      in.queued_records += static_cast<std::uint64_t>(batch.count());
      in.queued_bytes += batch.builder.uncompressed_bytes();
    };
    const auto add_all = [&add](const batch_queue& from) {
      for (const producer_batch* batch = from.front(); batch != nullptr; batch = batch->next) add(*batch);
    };
    {
      const std::lock_guard held(lane->mutex_);
      if (lane->open_) add(*lane->open_);
      add_all(lane->closed_);
    }
    add_all(lane->waiting_);
    add_all(lane->repeats_);
    for (const producer_batch* batch : lane->in_flight_) add(*batch);
  }
  return out;
}

void producer::impl::add_to(client::statistics& into) {
  into.partitions = accumulator_.count();
  into.failed_records = failed_kept_;
  for (partition_statistics& each : into.partitions) {
    const partition_view* view = cluster_->view().partition(each.partition.topic, each.partition.partition);
    if (view != nullptr) each.leader = view->leader;
    into.buffered_records += each.queued_records;
    into.failed_records += each.failed_records;
  }
  for (producer_topic* topic : topics_.all()) {
    const std::lock_guard held(topic->mutex);
    into.buffered_records += topic->kept.size();
  }
  into.buffered_bytes = accumulator_.budget().used();
  into.delivery_time = delivery_time_;
}

rt::task<result<client::statistics>> producer::impl::statistics() {
  const auto self = shared_from_this();
  client::statistics out = cluster_->count("producer");
  add_to(out);
  co_return out;
}

void producer::impl::report_statistics() {
  cluster_->report_statistics("producer", [weak = weak_from_this()](client::statistics& into) {
    if (const auto self = weak.lock()) self->add_to(into);
  });
}

}  // namespace moldau::client
