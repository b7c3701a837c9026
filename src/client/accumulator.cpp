#include "client/accumulator.hpp"

#include <algorithm>
#include <limits>

#include "wire/record_batch.hpp"
#include "wire/record_reader.hpp"

namespace moldau::client {

namespace {

constexpr std::int64_t looks_now = std::numeric_limits<std::int64_t>::min();

error timed_out_error(bool was_sent) {
  return {errc::timed_out, was_sent ? "the record wasn't acknowledged within delivery.timeout.ms; whether it was "
                                      "appended isn't known"
                                    : "the record couldn't be sent within delivery.timeout.ms"};
}

/// Whether the broker may, or does, accept the same batch later. After an answer that can't be read it is asked over
/// another connection.
bool can_repeat(errc code) {
  return is_retriable(code) || code == errc::closed || code == errc::broker_not_available || code == errc::io_error ||
         code == errc::malformed;
}

}  // namespace

accumulator::accumulator(const options& chosen)
    : options_(chosen),
      budget_(chosen.buffer_memory_bytes),
      pool_(chosen.buffer_memory_bytes),
      looks_at_(std::numeric_limits<std::int64_t>::max()) {}

accumulator::~accumulator() = default;

bool accumulator::is_open_due(const partition_lane& lane, rt::time_point now) const {
  const std::int64_t since = lane.open_since_.load();
  if (since == 0) return false;
  return flushes_ > 0 || budget_.is_exhausted() || now.time_since_epoch().count() - since >= options_.linger.count();
}

/// Takes the news in, and lets go of lanes that have nothing left.
void accumulator::gather() {
  std::erase_if(active_, [](partition_lane* lane) {
    const bool is_empty = lane->waiting_.empty() && lane->repeats_.empty() && lane->in_flight_.empty() &&
                          lane->closed_count_.load() == 0 && lane->open_since_.load() == 0;
    if (is_empty) lane->is_active_ = false;
    return is_empty;
  });
  partition_lane* newest = news_.exchange(nullptr);
  const auto known = static_cast<std::ptrdiff_t>(active_.size());
  while (newest != nullptr) {
    partition_lane* const lane = newest;
    newest = lane->next_with_news_;
    // From here on it may be put into the list again.
    lane->has_news_.store(false);
    if (!std::exchange(lane->is_active_, true)) active_.push_back(lane);
  }
  // The list has the newest first.
  std::reverse(active_.begin() + known, active_.end());
  for (partition_lane* lane : active_) fetch_closed(*lane);
}

void accumulator::fetch_closed(partition_lane& lane) {
  if (lane.closed_count_.load() == 0) return;
  const std::lock_guard held(lane.mutex_);
  lane.waiting_.append(lane.closed_);
  lane.closed_count_.store(0);
}

/// The open batch, behind what was closed before it; null if there is none.
batch_ptr accumulator::take_open(partition_lane& lane) {
  const std::lock_guard held(lane.mutex_);
  if (lane.open_) close_batch(lane);
  lane.waiting_.append(lane.closed_);
  lane.closed_count_.store(0);
  return lane.waiting_.empty() ? nullptr : lane.waiting_.pop_front();
}

void accumulator::expire(partition_lane& lane, rt::time_point now, std::vector<finished_batch>& finished) {
  const auto is_over = [&](rt::time_point since) { return now - since >= options_.delivery_timeout; };
  for (producer_batch* batch : lane.in_flight_) {
    if (!is_over(batch->created_at)) break;
    if (!batch->is_abandoned) finish(abandon(*batch), {.error = timed_out_error(true)}, finished);
  }
  const auto drop = [&](batch_queue& from) {
    while (!from.empty() && is_over(from.front()->created_at)) {
      batch_ptr batch = from.pop_front();
      lane.queued_.fetch_sub(1, std::memory_order_relaxed);
      const bool was_sent = batch->attempts > 0;
      finish(std::move(batch), {.error = timed_out_error(was_sent)}, finished);
    }
  };
  drop(lane.repeats_);
  drop(lane.waiting_);
  // One that still takes records has waited as long, where its partition has had no leader.
  const std::int64_t since = lane.open_since_.load();
  if (since != 0 && is_over(rt::time_point(rt::duration(since)))) {
    if (batch_ptr batch = take_open(lane)) {
      lane.queued_.fetch_sub(1, std::memory_order_relaxed);
      finish(std::move(batch), {.error = timed_out_error(false)}, finished);
    }
  }
}

void accumulator::expire(rt::time_point now, std::vector<finished_batch>& finished) {
  gather();
  for (partition_lane* lane : active_) expire(*lane, now, finished);
}

void accumulator::set_identity(producer_identity identity) {
  identity_ = identity;
  needs_identity_ = false;
}

void accumulator::lose_identity(const partition_lane& lane) {
  if (lane.identity_.id != identity_.id) return;
  identity_ = {};
  needs_identity_ = true;
}

void accumulator::number(partition_lane& lane, producer_batch& batch) {
  batch.order = lane.next_order_;
  lane.next_order_ += static_cast<std::uint64_t>(batch.count());
  if (!options_.idempotence) return;
  batch.identity = lane.identity_;
  batch.base_sequence = lane.next_sequence_;
  lane.next_sequence_ = wire::advance_sequence(lane.next_sequence_, batch.count());
}

/// Makes the bytes that go out. The numbers are under the checksum, so it is computed once, here.
result<void> accumulator::seal(producer_batch& batch) {
  if (batch.bytes.empty()) {
    batch.builder.set_producer(batch.identity.id, batch.identity.epoch, batch.base_sequence);
    MOLDAU_TRY_ASSIGN(batch.bytes, batch.builder.finish_kept(codecs_, batch.compressed));
    return {};
  }
  wire::set_producer(batch.bytes.writable(), batch.identity.id, batch.identity.epoch, batch.base_sequence, false);
  return {};
}

/// KIP-360: a lane begins a new epoch, or takes over a new identity, once nothing of the old one can come back.
void accumulator::renumber_if_due(partition_lane& lane) {
  if (!lane.in_flight_.empty() || identity_.id == no_producer_id) return;
  const bool is_of_another = lane.identity_.id != identity_.id;
  if (!lane.must_restart_ && !(is_of_another && lane.repeats_.empty())) return;
  if (is_of_another) {
    lane.identity_ = identity_;
  } else if (lane.identity_.epoch.value() < std::numeric_limits<std::int16_t>::max()) {
    lane.identity_.epoch = producer_epoch(static_cast<std::int16_t>(lane.identity_.epoch.value() + 1));
  } else {
    return lose_identity(lane);
  }
  lane.must_restart_ = false;
  lane.is_known_ = false;
  lane.next_sequence_ = 0;
  for (producer_batch* batch = lane.repeats_.front(); batch != nullptr; batch = batch->next) {
    batch->identity = lane.identity_;
    batch->base_sequence = lane.next_sequence_;
    lane.next_sequence_ = wire::advance_sequence(lane.next_sequence_, batch->count());
  }
}

std::size_t accumulator::take_ready(rt::time_point now, road& roads, std::vector<finished_batch>& finished) {
  looks_at_.store(looks_now);
  gather();
  std::size_t taken = 0;
  const std::size_t first = active_.empty() ? 0 : turn_ % active_.size();
  bool is_any_refused = false;
  std::size_t last = first;
  for (std::size_t i = 0; i < active_.size(); ++i) {
    const std::size_t index = (first + i) % active_.size();
    partition_lane* const lane = active_[index];
    expire(*lane, now, finished);
    bool is_refused = false;
    batch_ptr batch = take_from(*lane, now, roads, is_refused);
    is_any_refused = is_any_refused || is_refused;
    if (!batch) continue;
    lane->queued_.fetch_sub(1, std::memory_order_relaxed);
    if (auto sealed = seal(*batch); !sealed) {
      finish(std::move(batch), {.error = std::move(sealed).error()}, finished);
      continue;
    }
    lane->in_flight_.push_back(batch.get());
    std::uint64_t& counted = batch->attempts == 0 ? lane->counts_.batches : lane->counts_.retries;
    ++counted;
    ++batch->attempts;
    ++taken;
    last = index;
    roads.load(std::move(batch));
  }
  // Where there isn't room for all, those who came off worst are first the next time.
  if (is_any_refused && taken > 0) turn_ = last + 1;
  return taken;
}

batch_ptr accumulator::take_from(partition_lane& lane, rt::time_point now, road& roads, bool& is_refused) {
  if (options_.idempotence) {
    renumber_if_due(lane);
    if (lane.must_restart_ || lane.identity_.id == no_producer_id || identity_.id == no_producer_id) return nullptr;
  }
  if (!lane.repeats_.empty()) {
    const producer_batch& next = *lane.repeats_.front();
    const bool may_leave = lane.in_flight_.empty() && now >= lane.repeat_after_;
    is_refused = may_leave && !roads.is_open(lane, next.builder.uncompressed_bytes());
    return may_leave && !is_refused ? lane.repeats_.pop_front() : nullptr;
  }
  const bool goes_alone = options_.idempotence && !lane.is_known_;
  if (lane.in_flight_.size() >= (goes_alone ? 1 : options_.in_flight_max)) return nullptr;
  if (lane.waiting_.empty() && !is_open_due(lane, now)) return nullptr;
  // What an open batch has by now isn't known here, only the most that it may.
  const std::size_t bytes =
      lane.waiting_.empty() ? options_.batch_bytes : lane.waiting_.front()->builder.uncompressed_bytes();
  is_refused = !roads.is_open(lane, bytes);
  if (is_refused) return nullptr;
  batch_ptr batch = lane.waiting_.empty() ? take_open(lane) : lane.waiting_.pop_front();
  if (batch) number(lane, *batch);
  return batch;
}

void accumulator::repeat(batch_ptr batch, rt::time_point after) {
  partition_lane& lane = *batch->lane;
  lane.repeat_after_ = std::max(lane.repeat_after_, after);
  lane.queued_.fetch_add(1, std::memory_order_relaxed);
  lane.repeats_.insert_by_order(std::move(batch));
}

void accumulator::on_outcome(batch_ptr batch, batch_outcome outcome, rt::time_point retry_after,
                             std::vector<finished_batch>& finished) {
  partition_lane& lane = *batch->lane;
  const auto place = std::ranges::find(lane.in_flight_, batch.get());
  const bool is_first =
      place == lane.in_flight_.begin() && (lane.repeats_.empty() || lane.repeats_.front()->order > batch->order);
  lane.in_flight_.erase(place);

  // A duplicate is there, only the broker has forgotten where.
  if (outcome.error.code == errc::duplicate_sequence_number) outcome.error = {errc::none, {}};
  const errc code = outcome.error.code;
  if (code == errc::none && batch->identity == lane.identity_) lane.is_known_ = true;
  if (code == errc::none || batch->is_abandoned) return finish(std::move(batch), std::move(outcome), finished);

  bool repeats = can_repeat(code);
  if (options_.idempotence) {
    if (code == errc::out_of_order_sequence_number || code == errc::unknown_producer_id) {
      // One that failed before it is repeated first: this one's number will be right then. If there is none, what came
      // before is missing for good, and this one isn't there either.
      if (is_first) lane.must_restart_ = true;
      repeats = true;
    } else if (code == errc::invalid_producer_epoch || code == errc::invalid_producer_id_mapping) {
      lane.must_restart_ = true;
      lose_identity(lane);
      repeats = true;
    }
  }
  if (code == errc::message_too_large && batch->count() > 1) {
    if (auto halved = split(*batch); halved) {
      pool_.put(std::move(batch), options_.batch_bytes);
      return;
    }
  }
  if (repeats && batch->attempts <= options_.retries) return repeat(std::move(batch), retry_after);
  finish(std::move(batch), std::move(outcome), finished);
}

/// In two of half the records each, with the same numbers, to be sent in its place.
result<void> accumulator::split(producer_batch& batch) {
  const wire::batch_header header{.last_offset_delta = batch.count() - 1,
                                  .base_timestamp_ms = batch.base_timestamp_ms,
                                  .record_count = batch.count()};
  auto records = wire::record_reader::over(header, batch.builder.records());
  const std::int32_t middle = batch.count() / 2;
  batch_ptr halves[2] = {pool_.take(), pool_.take()};
  for (const batch_ptr& half : halves) {
    half->builder.begin({.compression = options_.compression});
    half->lane = batch.lane;
    half->created_at = batch.created_at;
    half->identity = batch.identity;
    half->attempts = batch.attempts;
    half->flush_round = batch.flush_round;
  }
  for (std::int32_t i = 0; i < batch.count(); ++i) {
    producer_batch& half = *halves[i < middle ? 0 : 1];
    record_view record;
    MOLDAU_TRY_ASSIGN(const bool is_there, records.next(record));
    if (!is_there) return fail(errc::corrupt_message, "the batch holds fewer records than were put there");
    if (half.tags.empty()) half.base_timestamp_ms = record.timestamp_ms;
    MOLDAU_TRY(half.builder.append(record.timestamp_ms, record.key, record.value, record.headers));
    half.tags.push_back(batch.tags[static_cast<std::size_t>(i)]);
    half.timestamp_deltas.push_back(static_cast<std::int32_t>(record.timestamp_ms - half.base_timestamp_ms));
  }
  for (auto& [index, waiting] : batch.waiting) {
    halves[index < middle ? 0 : 1]->waiting.emplace_back(index < middle ? index : index - middle, std::move(waiting));
  }
  halves[0]->order = batch.order;
  halves[1]->order = batch.order + static_cast<std::uint64_t>(middle);
  if (options_.idempotence) {
    halves[0]->base_sequence = batch.base_sequence;
    halves[1]->base_sequence = wire::advance_sequence(batch.base_sequence, middle);
  }
  for (auto& [round, count] : flush_counts_) count += round == batch.flush_round ? 1 : 0;
  halves[0]->charged_bytes = batch.charged_bytes / 2;
  halves[1]->charged_bytes = batch.charged_bytes - batch.charged_bytes / 2;
  for (batch_ptr& half : halves) repeat(std::move(half), {});
  return {};
}

/// The records of a batch that is on its way, without its bytes: those belong to whoever sends them.
batch_ptr accumulator::abandon(producer_batch& batch) {
  batch_ptr out = pool_.take();
  out->lane = batch.lane;
  out->created_at = batch.created_at;
  out->base_timestamp_ms = batch.base_timestamp_ms;
  out->tags.swap(batch.tags);
  out->timestamp_deltas.swap(batch.timestamp_deltas);
  out->waiting.swap(batch.waiting);
  out->flush_round = std::exchange(batch.flush_round, 0);
  batch.is_abandoned = true;
  return out;
}

void accumulator::finish(batch_ptr batch, batch_outcome outcome, std::vector<finished_batch>& finished) {
  if (batch->flush_round != 0) {
    for (auto& [round, count] : flush_counts_) count -= round == batch->flush_round ? 1 : 0;
    std::erase_if(flush_counts_, [](const auto& entry) { return entry.second == 0; });
  }
  lane_counts& counts = batch->lane->counts_;
  const auto records = static_cast<std::uint64_t>(batch->count());
  if (outcome.error.code != errc::none) {
    counts.failed_records += records;
  } else if (!batch->is_abandoned) {
    counts.sent_records += records;
    counts.sent_bytes += batch->bytes.size();
  }
  finished.push_back({std::move(batch), std::move(outcome)});
}

void accumulator::mark_for_flush(batch_queue& queue, std::size_t& marked) const {
  for (producer_batch* batch = queue.front(); batch != nullptr; batch = batch->next) {
    if (batch->flush_round != 0) continue;
    batch->flush_round = flush_round_;
    ++marked;
  }
}

std::uint64_t accumulator::begin_flush() {
  ++flushes_;
  ++flush_round_;
  gather();
  std::size_t marked = 0;
  for (partition_lane* lane : active_) {
    if (lane->open_since_.load() != 0) {
      const std::lock_guard held(lane->mutex_);
      if (lane->open_) close_batch(*lane);
    }
    fetch_closed(*lane);
    mark_for_flush(lane->waiting_, marked);
    mark_for_flush(lane->repeats_, marked);
    for (producer_batch* batch : lane->in_flight_) {
      if (batch->flush_round != 0 || batch->is_abandoned) continue;
      batch->flush_round = flush_round_;
      ++marked;
    }
  }
  if (marked > 0) flush_counts_.emplace_back(flush_round_, marked);
  return flush_round_;
}

bool accumulator::is_flushed(std::uint64_t round) const {
  return flush_counts_.empty() || flush_counts_.front().first > round;
}

bool accumulator::is_idle() {
  gather();
  return active_.empty();
}

std::optional<rt::time_point> accumulator::next_deadline(rt::time_point now) {
  std::optional<rt::time_point> out;
  const auto earlier = [&](rt::time_point at) {
    if (!out || at < *out) out = at;
  };
  for (const partition_lane* lane : active_) {
    if (const std::int64_t since = lane->open_since_.load(); since != 0) {
      // Once it has lingered, it is news from the brokers that it waits for.
      const rt::time_point begun{rt::duration(since)};
      earlier(is_open_due(*lane, now) ? begun + options_.delivery_timeout : begun + options_.linger);
    }
    if (!lane->repeats_.empty()) {
      if (lane->repeat_after_ > now) earlier(lane->repeat_after_);
      earlier(lane->repeats_.front()->created_at + options_.delivery_timeout);
    }
    if (!lane->waiting_.empty()) earlier(lane->waiting_.front()->created_at + options_.delivery_timeout);
    for (const producer_batch* batch : lane->in_flight_) {
      if (!batch->is_abandoned) earlier(batch->created_at + options_.delivery_timeout);
    }
  }
  looks_at_.store(out ? out->time_since_epoch().count() : std::numeric_limits<std::int64_t>::max());
  return out;
}

void accumulator::drop_waiting(const error& why, std::vector<finished_batch>& finished) {
  gather();
  for (partition_lane* lane : active_) {
    while (batch_ptr batch = take_open(*lane)) {
      lane->queued_.fetch_sub(1, std::memory_order_relaxed);
      finish(std::move(batch), {.error = why}, finished);
    }
    while (!lane->repeats_.empty()) {
      lane->queued_.fetch_sub(1, std::memory_order_relaxed);
      finish(lane->repeats_.pop_front(), {.error = why}, finished);
    }
  }
}

void accumulator::abandon_in_flight(const error& why, std::vector<finished_batch>& finished) {
  for (partition_lane* lane : active_) {
    for (producer_batch* batch : lane->in_flight_) {
      if (!batch->is_abandoned) finish(abandon(*batch), {.error = why}, finished);
    }
  }
}

void accumulator::shut() {
  is_shut_ = true;
  for (const auto& lane : lanes_) {
    const std::lock_guard held(lane->mutex_);
    lane->is_shut_ = true;
  }
  budget_.stop_waiting();
}

const std::vector<partition_lane*>& accumulator::active_lanes() {
  gather();
  return active_;
}

bool accumulator::has_waiting(const partition_lane& lane) {
  return !lane.waiting_.empty() || !lane.repeats_.empty() || lane.open_since_.load() != 0;
}

}  // namespace moldau::client
