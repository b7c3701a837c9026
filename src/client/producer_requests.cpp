#include <fmt/format.h>

#include <algorithm>

#include "client/producer_impl.hpp"
#include "wire/protocol/produce_response.hpp"

namespace moldau::client {

using wire::protocol::produce_request;
using wire::protocol::produce_response;

namespace {

/// Version 13 names topics by id; by name a topic that was made anew in the meantime is still the one meant.
constexpr std::int16_t produce_version_max = 12;
/// Header, request's own fields and what a topic and a partition take around their records.
constexpr std::size_t overhead_bytes = 128;

}  // namespace

void producer::impl::call::add(batch_ptr batch) {
  const std::string_view topic = batch->lane->topic();
  // From the back: batches of one topic mostly come together.
  std::size_t at = topics;
  while (at > 0 && request.topic_data[at - 1].name != topic) --at;
  if (at == 0) {
    if (topics == request.topic_data.size()) request.topic_data.emplace_back();
    at = ++topics;
    request.topic_data[at - 1].name = topic;
    request.topic_data[at - 1].partition_data.clear();
  }
  request.topic_data[at - 1].partition_data.push_back(
      {.index = batch->lane->partition(),
       .records = wire::records_field::external(batch->bytes.size(), externals.size())});
  externals.push_back(batch->bytes);
  bytes += batch->bytes.size() + overhead_bytes;
  batches.push_back(std::move(batch));
}

producer::impl::call& producer::impl::take_call(broker_id leader, const node& to) {
  if (free_calls_.empty()) {
    calls_.push_back(std::make_unique<call>(*this));
    free_calls_.push_back(calls_.back().get());
  }
  call& out = *free_calls_.back();
  free_calls_.pop_back();
  out.leader = leader;
  out.version = to.produce_version;
  out.bytes = overhead_bytes;
  return out;
}

void producer::impl::recycle(call& what) {
  what.batches.clear();
  what.externals.clear();
  what.topics = 0;
  free_calls_.push_back(&what);
}

bool producer::impl::is_open(partition_lane& lane, std::size_t bytes) {
  const topic_view* topic = cluster_->view().topic(lane.topic());
  const partition_view* view = cluster_->view().partition(lane.topic(), lane.partition());
  if (topic == nullptr || topic->learned_ms == INT64_MIN) leader_missing_ = true;
  if (view == nullptr || view->leader == no_broker) {
    leader_missing_ = true;
    return false;
  }
  node& to = nodes_[view->leader];
  if (!is_ready(to, view->leader)) {
    note_blocked(to);
    return false;
  }
  if (to.loading != nullptr) {
    // What doesn't fit leaves with the next one.
    if (to.loading->batches.empty() || to.loading->bytes + bytes + overhead_bytes <= options_.request_bytes_max) {
      chosen_ = to.loading;
      return true;
    }
    return false;
  }
  if (to.in_flight >= options_.in_flight_max) {
    note_blocked(to);
    return false;
  }
  to.loading = chosen_ = &take_call(view->leader, to);
  return true;
}

/// KIP-794: whoever keeps ready batches waiting for long gets no more records without a key, for any of its partitions.
void producer::impl::note_blocked(node& to) {
  if (options_.availability_timeout_ms <= 0 || !options_.adaptive_partitioning || to.is_avoided) return;
  const auto at = now();
  if (!to.blocked_since) to.blocked_since = at;
  to.is_avoided = at - *to.blocked_since > std::chrono::milliseconds(options_.availability_timeout_ms);
  if (to.is_avoided) avoidance_changed_ = true;
}

bool producer::impl::is_ready(node& to, broker_id leader) {
  if (to.is_connecting) return false;
  if (!to.connection || !to.connection->is_open()) {
    to.is_connecting = true;
    running_.spawn(connect(leader));
    return false;
  }
  return to.throttled_until == rt::time_point{} || now() >= to.throttled_until;
}

rt::task<void> producer::impl::connect(broker_id leader) {
  const auto self = shared_from_this();
  auto to = co_await cluster_->broker(leader);
  node& known = nodes_[leader];
  if (to) {
    const auto version = (*to)->api_versions().choose(produce_request::api_key, "Produce",
                                                      {produce_request::min_version, produce_version_max});
    known.connection = *to;
    known.produce_version = version.value_or(0);
    known.refusal = version ? error{errc::none, {}} : version.error();
    known.is_connecting = false;
    pump();
    co_return;
  }
  // Its partitions may have found another leader.
  leader_missing_ = true;
  if (!cluster_->is_closed()) {
    pump();
    co_await runtime_.world().sleep_for(std::chrono::milliseconds(options_.client.retry_backoff_ms));
  }
  nodes_[leader].is_connecting = false;
  pump();
}

void producer::impl::load(batch_ptr batch) {
  chosen_->add(std::move(batch));
}

void producer::impl::send_loaded() {
  for (auto& [leader, to] : nodes_) {
    if (to.loading == nullptr) continue;
    call& what = *std::exchange(to.loading, nullptr);
    if (what.batches.empty()) {
      recycle(what);
    } else {
      start_call(to, what);
    }
  }
}

void producer::impl::start_call(node& to, call& what) {
  to.blocked_since.reset();
  if (std::exchange(to.is_avoided, false)) avoidance_changed_ = true;
  what.request.acks = static_cast<std::int16_t>(options_.acks);
  what.request.timeout_ms =
      static_cast<std::int32_t>(std::min<std::int64_t>(options_.client.request_timeout_ms, INT32_MAX));
  what.request.topic_data.resize(what.topics);
  const bool is_answered = options_.acks != acks::none;
  error outcome = to.refusal;
  if (outcome.code == errc::none) {
    ++to.in_flight;
    const connection_ptr through = to.connection;
    auto started = through->start(what.version, what.request, what.externals, is_answered ? &what : nullptr);
    if (started && is_answered) return;
    --to.in_flight;
    if (!started) outcome = started.error();
  }
  auto finished = finished_list();
  for (batch_ptr& batch : what.batches) give_outcome(std::move(batch), {.error = outcome}, finished);
  recycle(what);
  finish(std::move(finished));
}

void producer::impl::answered(call& what, result<shared_bytes> body) {
  const auto self = shared_from_this();
  node& from = nodes_[what.leader];
  --from.in_flight;
  auto finished = finished_list();
  if (body) {
    read_answer(what, *body, finished);
  } else {
    leader_missing_ = true;
  }
  for (batch_ptr& batch : what.batches) {
    if (!batch) continue;
    give_outcome(std::move(batch),
                 {.error = body ? error{errc::network_exception, "the broker's answer leaves this partition out"}
                                : body.error()},
                 finished);
  }
  recycle(what);
  finish(std::move(finished));
  pump();
}

/// Walks through the answer partition by partition, each read by the generated code into the same place, so that the
/// usual answer takes no memory.
void producer::impl::read_answer(call& what, const shared_bytes& body, std::vector<finished_batch>& finished) {
  wire::reader in(body);
  const bool flexible = what.version >= produce_response::first_flexible_version;
  std::size_t next = 0;
  const std::size_t topics = in.array_count(flexible, 6);
  for (std::size_t t = 0; t < topics && in.ok(); ++t) {
    const std::string_view topic = in.string(flexible);
    const std::size_t partitions = in.array_count(flexible, 22);
    for (std::size_t p = 0; p < partitions && in.ok(); ++p) {
      answer_.record_errors.clear();
      answer_.unknown_tags.clear();
      answer_.error_message.reset();
      answer_.current_leader = {};
      answer_.read(in, what.version);
      if (!in.ok()) break;
      const auto is_meant = [&](const batch_ptr& batch) {
        return batch && batch->lane->partition() == answer_.index && batch->lane->topic() == topic;
      };
      // They are answered in the order in which they were asked, as a rule.
      auto place = what.batches.begin() + static_cast<std::ptrdiff_t>(std::min(next, what.batches.size()));
      if (place == what.batches.end() || !is_meant(*place)) place = std::ranges::find_if(what.batches, is_meant);
      if (place == what.batches.end()) continue;
      next = static_cast<std::size_t>(place - what.batches.begin()) + 1;
      auto outcome = outcome_of(**place, answer_);
      give_outcome(std::move(*place), std::move(outcome), finished);
    }
    if (flexible && in.ok()) {
      for (wire::tag_reader tags(in); tags.next();) static_cast<void>(tags.value().raw(tags.value().remaining()));
    }
  }
  const std::int32_t throttle_ms = in.ok() && what.version >= 1 ? in.i32() : 0;
  if (in.ok() && throttle_ms > 0) {
    node& from = nodes_[what.leader];
    from.throttled_until = now() + std::chrono::milliseconds(throttle_ms);
    from.throttle_timer = runtime_.world().post_at(from.throttled_until, [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->pump();
    });
  }
}

batch_outcome producer::impl::outcome_of(const producer_batch& batch,
                                         const produce_response::partition_produce_response& answer) {
  batch_outcome out{
      .error = {errc::none, {}}, .base_offset = answer.base_offset, .log_append_time_ms = answer.log_append_time_ms};
  if (answer.error_code == errc::none) return out;
  const partition_lane& lane = *batch.lane;
  std::string message = answer.error_message
                            ? std::string(*answer.error_message)
                            : fmt::format("the broker refused the record: {}", moldau::name(answer.error_code));
  if (!answer.record_errors.empty()) {
    const auto& first = answer.record_errors.front();
    message += fmt::format(" (record {} of {} in its batch{}{})", first.batch_index, batch.count(),
                           first.batch_index_error_message ? ": " : "", first.batch_index_error_message.value_or(""));
  }
  out.error = {answer.error_code, fmt::format("{}-{}: {}", lane.topic(), lane.partition().value(), message)};
  // KIP-951: the broker may name the new leader itself.
  if (answer.current_leader.leader_id != no_broker) {
    cluster_->view().set_leader(lane.topic(), lane.partition(), answer.current_leader.leader_id,
                                answer.current_leader.leader_epoch);
  }
  if (is_retriable(answer.error_code)) {
    cluster_->view().forget(lane.topic());
    leader_missing_ = true;
  }
  return out;
}

void producer::impl::give_outcome(batch_ptr batch, batch_outcome outcome, std::vector<finished_batch>& finished) {
  const auto again = outcome.error.code == errc::none ? rt::time_point{} : retry_at(batch->attempts);
  accumulator_.on_outcome(std::move(batch), std::move(outcome), again, finished);
}

rt::time_point producer::impl::retry_at(int attempts) const {
  const std::int64_t wait_ms = std::min(options_.client.retry_backoff_max_ms,
                                        options_.client.retry_backoff_ms << std::clamp(attempts - 1, 0, 10));
  return now() + std::chrono::milliseconds(wait_ms);
}

}  // namespace moldau::client
