#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>

#include "base/topic_name.hpp"
#include "broker/handlers.hpp"
#include "broker/long_poll.hpp"
#include "broker/node.hpp"
#include "broker/serve.hpp"
#include "broker/shard.hpp"
#include "broker/wiring/metadata_reader.hpp"
#include "wire/protocol/fetch_request.hpp"
#include "wire/protocol/fetch_response.hpp"

namespace moldau::broker {
namespace {

using wire::protocol::fetch_request;
using wire::protocol::fetch_response;

/// From here on a response tells where its leader is.
constexpr std::int16_t endpoints_since = 17;

/// Observers read the metadata log by Fetch as KIP-595 has it: one partition, no sessions, and every answer names the
/// leader.
///
/// Only what is committed is given. In a quorum of one no reader's fetch helps to commit anything, so there is nothing
/// to be told of earlier; a reader that has all records waits for the high watermark to move past what it knows
/// (KIP-1166).
class metadata_fetch_call {
 public:
  metadata_fetch_call(shard& at, request& what, const fetch_request& message)
      : shard_(at),
        what_(what),
        message_(message),
        deadline_(what.received + std::chrono::milliseconds(std::max(message.max_wait_ms, 0))) {}

  rt::task<result<response>> run() {
    if (message_.cluster_id && *message_.cluster_id != shard_.owner().cluster_id()) {
      co_return refuse(errc::inconsistent_cluster_id);
    }
    if (!names_the_metadata_log()) co_return refuse(errc::invalid_request);
    const auto on_core_0 = [this](auto act) { return shard_.world().call_on(0, std::move(act)); };
    for (;;) {
      co_await on_core_0([this] { return read(); });
      if (must_answer_now()) break;
      auto poll = std::make_shared<long_poll>();
      // Made and destroyed on core 0, where it is called.
      std::optional<rt::callback> hook;
      co_await on_core_0([&]() -> rt::task<void> {
        metadata_service& metadata = shard_.owner().metadata();
        if (high_watermark(metadata) != high_watermark_) {
          poll->woken = true;
        } else {
          metadata.on_committed(hook.emplace([&home = shard_.world(), poll] { home.post([poll] { poll->wake(); }); }));
        }
        co_return;
      });
      co_await long_poll::sleep(poll, shard_, what_, deadline_);
      co_await on_core_0([&]() -> rt::task<void> {
        hook.reset();
        co_return;
      });
    }
    co_return encode();
  }

 private:
  result<response> refuse(errc why) {
    fetch_response out;
    out.error_code = why;
    return encode_response(what_, out);
  }
  /// There is one partition of one topic, and it goes by its id.
  [[nodiscard]] bool names_the_metadata_log() const {
    return message_.topics.size() == 1 && message_.topics.front().topic_id == metadata_topic_id &&
           message_.topics.front().partitions.size() == 1 && asked().partition == partition_id(0);
  }
  [[nodiscard]] const fetch_request::fetch_partition& asked() const {
    return message_.topics.front().partitions.front();
  }
  [[nodiscard]] static offset high_watermark(const metadata_service& of) {
    return of.quorum().high_watermark().value_or(no_offset);
  }

  rt::task<void> read();
  rt::task<errc> read_from(metadata_service& metadata);
  [[nodiscard]] bool must_answer_now() const;
  result<response> encode();

  shard& shard_;
  request& what_;
  const fetch_request& message_;
  rt::time_point deadline_;
  fetch_response response_;
  raft::fetch_direction direction_;
  errc error_ = errc::none;
  offset high_watermark_ = no_offset;
  storage::read_result records_;
};

rt::task<void> metadata_fetch_call::read() {
  metadata_service& metadata = shard_.owner().metadata();
  response_ = {};
  auto& topic = response_.responses.emplace_back();
  topic.topic = base::metadata_topic;
  topic.topic_id = metadata_topic_id;
  auto& partition = topic.partitions.emplace_back();
  partition.partition_index = asked().partition;
  tell_leader(metadata, what_.peer->listener, what_.api_version >= endpoints_since, what_.arena, response_, partition);
  partition.log_start_offset = metadata.log().log_start();
  error_ = co_await read_from(metadata);
  partition.error_code = error_;
  partition.high_watermark = error_ == errc::none ? high_watermark_ : no_offset;
  if (direction_.diverging) {
    partition.diverging_epoch = {.epoch = direction_.diverging->epoch, .end_offset = direction_.diverging->end};
  }
  if (direction_.snapshot) {
    partition.snapshot_id = {.end_offset = direction_.snapshot->end_offset, .epoch = direction_.snapshot->epoch};
  }
}

rt::task<errc> metadata_fetch_call::read_from(metadata_service& metadata) {
  if (message_.max_wait_ms < 0 || asked().fetch_offset < offset(0) || asked().last_fetched_epoch < leader_epoch(0) ||
      asked().last_fetched_epoch > asked().current_leader_epoch) {
    co_return errc::invalid_request;
  }
  if (const errc known = metadata.quorum().check_epoch(asked().current_leader_epoch); known != errc::none) {
    co_return known;
  }
  high_watermark_ = high_watermark(metadata);
  direction_ = direct(metadata, {.offset = asked().fetch_offset, .last_fetched_epoch = asked().last_fetched_epoch});
  if (!direction_.reads() || asked().fetch_offset >= high_watermark_) co_return errc::none;
  const storage::read_options wanted{
      .from = asked().fetch_offset,
      .max_bytes = std::min(static_cast<std::uint32_t>(std::max(message_.max_bytes, 0)), metadata_fetch_bytes_max),
      .min_one_batch = true,
      .upper_bound = high_watermark_};
  storage::log& log = metadata.log();
  auto records = log.try_read(wanted);
  if (!records && records.error().code == errc::would_block) records = co_await log.read(wanted);
  if (!records) co_return records.error().code;
  records_ = *std::move(records);
  co_return errc::none;
}

bool metadata_fetch_call::must_answer_now() const {
  return error_ != errc::none || !direction_.reads() || records_.size_bytes > 0 ||
         // KIP-1166: news of the high watermark are worth an answer to those who tell which they know.
         high_watermark_ > asked().high_watermark || shard_.stopping() || what_.peer->gone ||
         shard_.world().now() >= deadline_;
}

result<response> metadata_fetch_call::encode() {
  auto& partition = response_.responses.front().partitions.front();
  std::vector<std::vector<rt::chunk>> externals;
  partition.records = bytes_view{};
  if (records_.size_bytes > 0) {
    partition.records = wire::records_field::external(records_.size_bytes, 0);
    externals.push_back(std::move(records_.chunks));
  }
  return encode_response(what_, response_, externals);
}

}  // namespace

rt::task<answer> fetch_metadata(shard& at, request& what, const fetch_request& message) {
  metadata_fetch_call call(at, what, message);
  co_return answer_with(at, what, co_await call.run());
}

}  // namespace moldau::broker
