#include "client/accumulator.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "wire/record_batch.hpp"

namespace moldau::client {

namespace {

error timed_out_error() {
  return {errc::timed_out, "the record wasn't acknowledged within delivery.timeout.ms"};
}

/// Whether the broker may, or does, accept the same batch later.
bool can_repeat(errc code) {
  return is_retriable(code) || code == errc::closed || code == errc::broker_not_available || code == errc::io_error;
}

}  // namespace

result<void> accumulator::append(const topic_partition& to, queued_record& record, rt::time_point now) {
  partition_queue& queue = queues_[to];
  const std::size_t more = wire::batch_builder::record_bytes_max(record.key, record.value, record.headers);
  if (queue.open && queue.builder.uncompressed_bytes() + more > options_.batch_bytes) MOLDAU_TRY(close_batch(queue));
  if (!queue.open) {
    queue.open = std::make_unique<producer_batch>();
    queue.open->to = to;
    queue.open->created_at = now;
    queue.builder.begin({.compression = options_.compression});
  }
  MOLDAU_TRY(queue.builder.append(record.timestamp_ms, record.key, record.value, record.headers));
  queue.open->created_at = std::min(queue.open->created_at, record.queued_at);
  queue.open->size_bytes += record.size_bytes;
  queue.open->reports.push_back(std::move(record.report));
  queue.open->timestamps_ms.push_back(record.timestamp_ms);
  if (queue.builder.uncompressed_bytes() >= options_.batch_bytes) MOLDAU_TRY(close_batch(queue));
  return {};
}

result<void> accumulator::close_batch(partition_queue& queue) {
  MOLDAU_TRY_ASSIGN(queue.open->bytes, queue.builder.finish(codecs_));
  queue.waiting.push_back(std::move(queue.open));
  return {};
}

bool accumulator::is_due(const partition_queue& queue, rt::time_point now) const {
  if (!queue.waiting.empty()) return true;
  return queue.open && (flushing_ || now - queue.open->created_at >= options_.linger);
}

void accumulator::expire(partition_queue& queue, rt::time_point now, std::vector<finished_batch>& finished) {
  const auto drop = [&](std::deque<batch_ptr>& from, bool was_sent) {
    while (!from.empty() && now - from.front()->created_at >= options_.delivery_timeout) {
      // Whether it was appended isn't known, so the numbers behind it mean nothing any more.
      if (was_sent) lose_sequence(queue);
      finished.push_back({std::move(from.front()), {.error = timed_out_error()}});
      from.pop_front();
    }
  };
  drop(queue.repeats, true);
  drop(queue.waiting, false);
  // One that still takes records has waited as long, where its partition has had no leader.
  if (queue.open && now - queue.open->created_at >= options_.delivery_timeout) {
    finished.push_back({std::move(queue.open), {.error = timed_out_error()}});
  }
}

void accumulator::expire(rt::time_point now, std::vector<finished_batch>& finished) {
  for (auto& [partition, queue] : queues_) expire(queue, now, finished);
}

void accumulator::lose_sequence(partition_queue& queue) {
  if (!options_.idempotence) return;
  queue.lost = true;
  if (queue.identity == identity_) needs_identity_ = true;
}

void accumulator::set_identity(producer_identity identity) {
  identity_ = identity;
  needs_identity_ = false;
}

void accumulator::number(partition_queue& queue, producer_batch& batch) {
  batch.id = queue.identity.id;
  batch.epoch = queue.identity.epoch;
  batch.base_sequence = queue.next_sequence;
  queue.next_sequence = wire::advance_sequence(queue.next_sequence, batch.count());
  wire::set_producer(batch.bytes.writable(), batch.id, batch.epoch, batch.base_sequence, false);
}

std::vector<batch_ptr> accumulator::take_ready(rt::time_point now,
                                               const std::function<bool(const topic_partition&)>& can_send,
                                               std::vector<finished_batch>& finished) {
  std::vector<batch_ptr> out;
  for (auto& [partition, queue] : queues_) {
    expire(queue, now, finished);
    const bool has_identity = !options_.idempotence || identity_.id != no_producer_id;
    if (!has_identity) continue;

    if (options_.idempotence && queue.in_flight == 0 && (queue.lost ? !needs_identity_ : queue.repeats.empty()) &&
        (queue.lost || queue.identity != identity_)) {
      queue.identity = identity_;
      queue.next_sequence = 0;
      queue.lost = false;
      for (batch_ptr& batch : queue.repeats) number(queue, *batch);
    }
    if (queue.lost || (options_.idempotence && queue.identity.id == no_producer_id)) continue;

    if (!queue.repeats.empty()) {
      if (queue.in_flight > 0 || now < queue.repeat_after || !can_send(partition)) continue;
      batch_ptr next = std::move(queue.repeats.front());
      queue.repeats.pop_front();
      queue.in_flight = 1;
      queue.in_flight_sequences.push_back(next->base_sequence);
      ++next->attempts;
      out.push_back(std::move(next));
      continue;
    }
    if (!is_due(queue, now) || queue.in_flight >= options_.in_flight_max || !can_send(partition)) continue;
    if (queue.waiting.empty()) {
      if (auto closed = close_batch(queue); !closed) {
        finished.push_back({std::move(queue.open), {.error = closed.error()}});
        continue;
      }
    }
    batch_ptr next = std::move(queue.waiting.front());
    queue.waiting.pop_front();
    if (options_.idempotence) number(queue, *next);
    ++queue.in_flight;
    queue.in_flight_sequences.push_back(next->base_sequence);
    ++next->attempts;
    out.push_back(std::move(next));
  }
  return out;
}

void accumulator::on_outcome(batch_ptr batch, batch_outcome outcome, rt::time_point retry_after,
                             std::vector<finished_batch>& finished) {
  partition_queue& queue = queues_[batch->to];
  --queue.in_flight;
  const bool was_first =
      !queue.in_flight_sequences.empty() && queue.in_flight_sequences.front() == batch->base_sequence;
  std::erase(queue.in_flight_sequences, batch->base_sequence);

  errc code = outcome.error.code;
  if (code == errc::duplicate_sequence_number) {
    // It is there, only the broker has forgotten where.
    outcome.error.code = code = errc::none;
  }
  if (code == errc::none) {
    finished.push_back({std::move(batch), std::move(outcome)});
    return;
  }
  const bool is_ahead =
      code == errc::out_of_order_sequence_number && options_.idempotence && (!was_first || !queue.repeats.empty());
  if (is_ahead || can_repeat(code)) {
    // One that failed before it is repeated first: this one's number will be right then.
    const auto place = std::ranges::find_if(
        queue.repeats, [&](const batch_ptr& other) { return other->base_sequence - batch->base_sequence > 0; });
    queue.repeats.insert(place, std::move(batch));
    queue.repeat_after = std::max(queue.repeat_after, retry_after);
    return;
  }
  if (options_.idempotence && batch->base_sequence >= 0) lose_sequence(queue);
  finished.push_back({std::move(batch), std::move(outcome)});
}

bool accumulator::is_idle() const {
  return std::ranges::all_of(queues_, [](const auto& entry) {
    const partition_queue& queue = entry.second;
    return queue.waiting.empty() && !queue.open && queue.repeats.empty() && queue.in_flight == 0;
  });
}

std::optional<rt::time_point> accumulator::next_deadline(rt::time_point now) const {
  std::optional<rt::time_point> out;
  const auto earlier = [&](rt::time_point at) {
    if (!out || at < *out) out = at;
  };
  for (const auto& [partition, queue] : queues_) {
    if (queue.open) {
      // Once it has lingered, it is news from the brokers that it waits for.
      const auto lingered = queue.open->created_at + options_.linger;
      earlier(lingered > now && !flushing_ ? lingered : queue.open->created_at + options_.delivery_timeout);
    }
    if (!queue.repeats.empty()) {
      if (queue.repeat_after > now) earlier(queue.repeat_after);
      earlier(queue.repeats.front()->created_at + options_.delivery_timeout);
    }
    if (!queue.waiting.empty()) earlier(queue.waiting.front()->created_at + options_.delivery_timeout);
  }
  return out;
}

void accumulator::drop_waiting(const error& why, std::vector<finished_batch>& finished) {
  for (auto& [partition, queue] : queues_) {
    for (batch_ptr& batch : queue.waiting) finished.push_back({std::move(batch), {.error = why}});
    queue.waiting.clear();
    if (queue.open) finished.push_back({std::move(queue.open), {.error = why}});
    if (!queue.repeats.empty()) lose_sequence(queue);
    for (batch_ptr& batch : queue.repeats) finished.push_back({std::move(batch), {.error = why}});
    queue.repeats.clear();
  }
}

std::vector<topic_partition> accumulator::waiting_partitions() const {
  std::vector<topic_partition> out;
  for (const auto& [partition, queue] : queues_) {
    if (!queue.waiting.empty() || queue.open || !queue.repeats.empty()) out.push_back(partition);
  }
  return out;
}

bool accumulator::is_between_batches(const topic_partition& of) const {
  const auto found = queues_.find(of);
  return found == queues_.end() || !found->second.open;
}

}  // namespace moldau::client
