#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "client/interceptors.hpp"
#include "client/producer_impl.hpp"
#include "wire/batch_builder.hpp"

namespace moldau::client {

bytes_view intercepted_record::keep(bytes_view bytes) {
  kept_.push_back(std::make_unique<std::byte[]>(bytes.size()));
  if (!bytes.empty()) std::memcpy(kept_.back().get(), bytes.data(), bytes.size());
  return {kept_.back().get(), bytes.size()};
}

void intercepted_record::add_header(std::string_view key, std::optional<bytes_view> value) {
  if (headers_.data() != record_.headers.data()) headers_.assign(record_.headers.begin(), record_.headers.end());
  if (value) value = keep(*value);
  headers_.push_back({.key = as_text(keep(as_bytes(key))), .value = value});
  record_.headers = headers_;
}

result<void> producer::impl::send(const outgoing_record& record, std::uint64_t tag, const promise<delivery>* waiting) {
  outgoing_record given = record;
  if (options_.interceptors.empty()) return send_intercepted(given, tag, waiting);
  intercepted_record open(given);
  // Headers that one added may move when the next adds others.
  std::vector<std::vector<header_view>> restored;
  for (const auto& interceptor : options_.interceptors) {
    const outgoing_record before = given;
    std::vector<header_view> headers(given.headers.begin(), given.headers.end());
    const bool went_well = call_guest(
        "on_send", [&] { interceptor->on_send(open); }, [&](std::string text) { log_later(std::move(text)); });
    if (went_well) continue;
    given = before;
    given.headers = restored.emplace_back(std::move(headers));
  }
  auto sent = send_intercepted(given, tag, waiting);
  if (!sent) {
    tell_interceptors({.topic = given.topic,
                       .partition = given.partition.value_or(partition_id(-1)),
                       .timestamp_ms = given.timestamp_ms.value_or(-1),
                       .tag = tag,
                       .error = &sent.error()});
  }
  return sent;
}

result<void> producer::impl::send_intercepted(outgoing_record& record, std::uint64_t tag,
                                              const promise<delivery>* waiting) {
  if (closed_.load(std::memory_order_relaxed)) return moldau::fail(errc::closed, "the producer has been closed");
  const std::size_t size = wire::batch_builder::record_bytes_max(record.key, record.value, record.headers);
  if (size > options_.request_bytes_max) {
    return moldau::fail(errc::message_too_large, fmt::format("the record takes {} bytes, and max.request.size is {}",
                                                             size, options_.request_bytes_max));
  }
  if (!record.timestamp_ms) record.timestamp_ms = runtime_.world().wall_ms();
  producer_topic* topic = topics_.find(record.topic);
  if (topic == nullptr) topic = &topics_.add(record.topic);

  rt::time_point until{};
  while (true) {
    const lane_list* lanes = topic->lanes();
    partition_lane* const lane = lanes == nullptr ? nullptr : choose(*topic, *lanes, record, size);
    if (lane == nullptr) {
      if (auto kept = keep(*topic, record, tag, waiting, size)) {
        if (kept->has_value() || kept->error().code != errc::would_block) return *std::move(kept);
        MOLDAU_TRY(wait_for_memory(size, until));
      }
      continue;
    }
    auto added = accumulator_.append(*lane, {*record.timestamp_ms, record.key, record.value, record.headers},
                                     {.tag = tag, .waiting = waiting}, *this);
    if (added) {
      if (*added == accumulator::appended::wake) wake();
      return {};
    }
    if (added.error().code != errc::would_block) return std::unexpected(std::move(added).error());
    MOLDAU_TRY(wait_for_memory(wire::batch_layout::header_size + size, until));
  }
}

/// Waits until so much may be there. `until` is set by the first wait of a call.
result<void> producer::impl::wait_for_memory(std::size_t bytes, rt::time_point& until) {
  memory_budget& budget = accumulator_.budget();
  const auto full = [&] {
    return moldau::fail(errc::out_of_memory,
                        fmt::format("{} bytes wait to be sent already, and buffer.memory is {}: slow down, or send "
                                    "again when reports have come",
                                    budget.used(), options_.buffer_memory_bytes));
  };
  if (options_.when_full == when_full::fail || !runtime_.may_block()) {
    // What waits shouldn't linger now.
    wake();
    return full();
  }
  if (until == rt::time_point{}) until = now() + std::chrono::milliseconds(options_.max_block_ms);
  const memory_budget::waiter waiting(budget);
  wake();
  if (!budget.wait(bytes, until)) return full();
  return {};
}

void producer::impl::wake() {
  if (woken_.exchange(true)) return;
  runtime_.world().post([self = shared_from_this()] {
    self->woken_.store(false);
    self->pump();
  });
}

/// Null if the record asks for a partition that isn't known.
partition_lane* producer::impl::choose(producer_topic& topic, const lane_list& lanes, outgoing_record& record,
                                       std::size_t size) {
  const auto count = static_cast<std::int32_t>(lanes.size());
  std::int32_t chosen = 0;
  if (!record.partition && options_.choose_partition) record.partition = options_.choose_partition(record, count);
  if (record.partition) {
    chosen = record.partition->value();
  } else if (const auto of_key =
                 options_.ignore_keys ? std::nullopt : partition_of_key(options_.partitioner, record.key, count)) {
    chosen = of_key->value();
  } else {
    chosen = choose_without_key(topic, lanes, size);
  }
  if (chosen < 0 || chosen >= count) return nullptr;
  return lanes[static_cast<std::size_t>(chosen)];
}

std::int32_t producer::impl::choose_without_key(producer_topic& topic, const lane_list& lanes, std::size_t size) {
  const auto count = static_cast<std::uint32_t>(lanes.size());
  if (options_.partitioner == partitioner::round_robin) {
    return static_cast<std::int32_t>(topic.turn.fetch_add(1, std::memory_order_relaxed) % count);
  }
  if (options_.partitioner != partitioner::java) return static_cast<std::int32_t>(random_.next() % count);
  auto stuck = topic.sticky.current(options_.batch_bytes, [&](std::int32_t partition) {
    return static_cast<std::uint32_t>(partition) >= count ||
           lanes[static_cast<std::size_t>(partition)]->is_between_batches();
  });
  if (!stuck) {
    stuck = next_sticky(lanes);
    topic.sticky.change_to(*stuck);
  }
  topic.sticky.add(size);
  return *stuck;
}

std::int32_t producer::impl::next_sticky(const lane_list& lanes) {
  std::array<std::int32_t, 64> few;
  std::vector<std::int32_t> many(lanes.size() > few.size() ? lanes.size() : 0);
  const std::span<std::int32_t> queues = many.empty() ? std::span(few).first(lanes.size()) : std::span(many);
  for (std::size_t i = 0; i < lanes.size(); ++i) {
    queues[i] = lanes[i]->is_avoided() ? -1 : options_.adaptive_partitioning ? lanes[i]->queued() : 0;
  }
  return choose_by_load(queues, random_.next());
}

std::optional<result<void>> producer::impl::keep(producer_topic& topic, const outgoing_record& record,
                                                 std::uint64_t tag, const promise<delivery>* waiting,
                                                 std::size_t size) {
  const std::lock_guard held(topic.mutex);
  if (topic.is_shut) return moldau::fail(errc::closed, "the producer has been closed");
  const lane_list* lanes = topic.lanes();
  const bool is_there_now =
      lanes != nullptr && (!record.partition || (record.partition->value() >= 0 &&
                                                 record.partition->value() < static_cast<std::int32_t>(lanes->size())));
  if (is_there_now) return std::nullopt;
  if (!accumulator_.budget().try_take(size)) return moldau::fail(errc::would_block);
  kept_record kept = keep_record(record);
  kept.charged_bytes = size;
  kept.tag = tag;
  if (waiting != nullptr) kept.waiting = *waiting;
  topic.kept.push_back(std::move(kept));
  if (topic.kept.size() == 1) {
    runtime_.world().post([self = shared_from_this(), &topic] { self->look_up(topic); });
  }
  return result<void>();
}

}  // namespace moldau::client
