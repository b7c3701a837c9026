#include "tests/sim/consumer.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "wire/protocol/fetch_request.hpp"
#include "wire/protocol/list_offsets_request.hpp"
#include "wire/protocol/list_offsets_response.hpp"
#include "wire/record_batch.hpp"
#include "wire/record_reader.hpp"

namespace moldau::scenarios {
namespace {

using wire::protocol::fetch_request;
using wire::protocol::fetch_response;
using wire::protocol::list_offsets_request;
using wire::protocol::list_offsets_response;

constexpr std::int16_t fetch_version = 12;
constexpr std::int16_t list_offsets_version = 7;
constexpr std::int64_t latest = -1;

std::string named(const topic_partition& of) {
  return fmt::format("{}-{}", of.topic, of.partition.value());
}

/// The few answers of a partition that a broker in order may give while it starts.
bool is_passing(errc code) {
  return code == errc::not_leader_or_follower || code == errc::kafka_storage_error ||
         code == errc::leader_not_available;
}

}  // namespace

consumer::consumer(client_context& context, std::string name, std::vector<topic_partition> from)
    : context_(context), name_(std::move(name)), session_(name_, context.world, context.broker, context.out) {
  for (topic_partition& one : from) positions_.push_back({.of = std::move(one)});
}

rt::task<void> consumer::run() {
  while (!context_.stopping) {
    if (!co_await fetch(static_cast<std::int32_t>(context_.below(500)))) {
      co_await context_.pause(backoff_ms);
      continue;
    }
    if (context_.one_in(4)) co_await context_.pause(100);
    if (context_.one_in(8)) co_await ask_offsets();
    // A new session now and then, and a new connection.
    if (context_.one_in(20)) session_epoch_ = session_id_ = 0;
    if (context_.one_in(40)) session_.close();
  }
  session_.close();
}

rt::task<bool> consumer::read_all() {
  const rt::time_point deadline = context_.world.now() + patience;
  for (;;) {
    if (!co_await fetch(0)) {
      if (context_.world.now() > deadline) co_return false;
      co_await context_.pause(backoff_ms);
      continue;
    }
    if (std::ranges::all_of(positions_, [](const position& p) { return p.next == p.high_watermark; })) break;
  }
  for (const position& one : positions_) {
    context_.records.all_was_read(one.of, one.log_start, one.high_watermark);
  }
  session_.close();
  co_return true;
}

void consumer::begin_anew_after_loss() {
  if (!context_.records.may_be_gone(asked_in_life_)) return;
  session_epoch_ = session_id_ = 0;
  for (position& one : positions_) one = {.of = std::move(one.of)};
}

rt::task<bool> consumer::fetch(std::int32_t max_wait_ms) {
  if (!session_.connected()) {
    if (!co_await session_.connect()) co_return false;
    // A session belongs to whoever knows its id: half of the time it goes on over the new connection.
    if (context_.one_in(2)) session_epoch_ = session_id_ = 0;
  }
  begin_anew_after_loss();
  asked_in_life_ = context_.records.life();
  fetch_request request;
  request.replica_id = no_broker;
  request.max_wait_ms = max_wait_ms;
  request.min_bytes = 1;
  request.max_bytes = static_cast<std::int32_t>(1000 + context_.below(200'000));
  request.session_id = session_id_;
  request.session_epoch = session_epoch_;
  for (const position& one : positions_) {
    if (session_epoch_ != 0 && !one.changed) continue;
    auto* topic =
        request.topics.empty() || request.topics.back().topic != one.of.topic ? nullptr : &request.topics.back();
    if (topic == nullptr) {
      topic = &request.topics.emplace_back();
      topic->topic = one.of.topic;
    }
    auto& partition = topic->partitions.emplace_back();
    partition.partition = one.of.partition;
    partition.fetch_offset = one.next;
    partition.partition_max_bytes = static_cast<std::int32_t>(100 + context_.below(60'000));
  }
  const auto got = co_await session_.call<fetch_response>(request, fetch_version);
  if (!got || context_.records.may_be_gone(asked_in_life_)) {
    // Whether the session's epoch has moved isn't known.
    session_epoch_ = session_id_ = 0;
    co_return false;
  }
  co_return take(got->message);
}

bool consumer::take(const fetch_response& answer) {
  if (answer.error_code != errc::none) {
    if (answer.error_code != errc::fetch_session_id_not_found &&
        answer.error_code != errc::invalid_fetch_session_epoch) {
      context_.out.fail(fmt::format("{}: a fetch gave {}", name_, moldau::name(answer.error_code)));
    }
    session_epoch_ = session_id_ = 0;
    return false;
  }
  if (session_epoch_ == 0) session_id_ = answer.session_id;
  session_epoch_ = session_id_ == 0 ? 0 : session_epoch_ + 1;
  for (position& one : positions_) one.changed = false;
  bool fine = true;
  for (const auto& topic : answer.responses) {
    for (const auto& data : topic.partitions) {
      const auto at = std::ranges::find_if(positions_, [&](const position& p) {
        return p.of.topic == topic.topic && p.of.partition == data.partition_index;
      });
      if (at == positions_.end()) {
        context_.out.fail(fmt::format("{}: nobody asked for {}-{}", name_, topic.topic, data.partition_index.value()));
        continue;
      }
      if (is_passing(data.error_code)) {
        at->changed = true;
        fine = false;
      } else {
        take_partition(*at, data);
      }
    }
  }
  return fine;
}

void consumer::take_partition(position& at, const fetch_response::partition_data& data) {
  if (data.error_code == errc::offset_out_of_range && data.log_start_offset > at.next) {
    // Retention was faster.
    at.next = at.log_start = data.log_start_offset;
    at.changed = true;
    return;
  }
  if (data.error_code != errc::none) {
    context_.out.fail(fmt::format("{}: reading {} at {} gave {} (log start {}, high watermark {})", name_, named(at.of),
                                  at.next.value(), moldau::name(data.error_code), data.log_start_offset.value(),
                                  data.high_watermark.value()));
    at.changed = true;
    return;
  }
  at.high_watermark = data.high_watermark;
  at.log_start = data.log_start_offset;
  context_.records.saw_bounds(name_, asked_in_life_, at.of, data.log_start_offset, data.high_watermark);
  const offset before = at.next;
  take_records(at, data.records.bytes());
  at.changed = at.changed || at.next != before;
  if (at.next > data.high_watermark) {
    context_.out.fail(fmt::format("{}: {} gave records up to {}, above its high watermark {}", name_, named(at.of),
                                  at.next.value(), data.high_watermark.value()));
  }
}

void consumer::take_records(position& at, bytes_view bytes) {
  wire::batch_iterator batches(bytes);
  for (;;) {
    const auto batch = batches.next();
    if (!batch || (*batch && !(*batch)->is_crc_ok())) {
      context_.out.fail(fmt::format("{}: {} gave a broken batch at {}", name_, named(at.of), at.next.value()));
      return;
    }
    if (!*batch) return;
    auto reader = wire::record_reader::open(**batch, codecs_);
    record_view record;
    while (reader) {
      const auto more = reader->next(record);
      if (!more) {
        context_.out.fail(fmt::format("{}: {} has an unreadable record at {}: {}", name_, named(at.of), at.next.value(),
                                      more.error().message));
        return;
      }
      if (!*more) break;
      if (record.offset < at.next) continue;
      if (record.offset != at.next) {
        context_.out.fail(fmt::format("{}: {} was read at {} and gave {}", name_, named(at.of), at.next.value(),
                                      record.offset.value()));
      }
      const std::string_view value = record.value ? as_text(*record.value) : std::string_view();
      context_.records.saw(at.of, record.offset, value);
      if (on_record) on_record(at.of, record.offset, value);
      at.next = record.offset + 1;
    }
  }
}

rt::task<bool> consumer::ask_offsets() {
  list_offsets_request request;
  request.replica_id = no_broker;
  for (const position& one : positions_) {
    auto& topic = request.topics.emplace_back();
    topic.name = one.of.topic;
    topic.partitions.push_back({.partition_index = one.of.partition, .timestamp = latest});
  }
  const auto got = co_await session_.call<list_offsets_response>(request, list_offsets_version);
  if (!got || context_.records.may_be_gone(asked_in_life_)) {
    session_epoch_ = session_id_ = 0;
    co_return false;
  }
  for (const auto& topic : got->message.topics) {
    for (const auto& one : topic.partitions) {
      const auto at = std::ranges::find_if(positions_, [&](const position& p) {
        return p.of.topic == topic.name && p.of.partition == one.partition_index;
      });
      if (at == positions_.end() || is_passing(one.error_code)) continue;
      if (one.error_code != errc::none) {
        context_.out.fail(
            fmt::format("{}: ListOffsets of {} gave {}", name_, named(at->of), moldau::name(one.error_code)));
      } else if (one.offset < at->high_watermark) {
        context_.out.fail(fmt::format("{}: {} ends at {}, though its high watermark was {}", name_, named(at->of),
                                      one.offset.value(), at->high_watermark.value()));
      }
    }
  }
  co_return true;
}

}  // namespace moldau::scenarios
