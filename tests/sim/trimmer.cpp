#include "tests/sim/trimmer.hpp"

#include <fmt/format.h>

#include "wire/protocol/delete_records_request.hpp"
#include "wire/protocol/delete_records_response.hpp"
#include "wire/protocol/list_offsets_request.hpp"
#include "wire/protocol/list_offsets_response.hpp"

namespace moldau::scenarios {
namespace {

namespace protocol = wire::protocol;

constexpr std::int16_t delete_records_version = 2;
constexpr std::int16_t list_offsets_version = 7;
constexpr std::int64_t latest = -1;
constexpr std::int64_t earliest = -2;

}  // namespace

trimmer::trimmer(client_context& context, std::string name, std::vector<topic_partition> of)
    : context_(context),
      name_(std::move(name)),
      of_(std::move(of)),
      session_(name_, context.world, context.broker, context.out) {}

rt::task<void> trimmer::run() {
  while (!context_.stopping) {
    co_await context_.pause(300);
    if (!session_.connected() && !co_await session_.connect()) continue;
    static_cast<void>(co_await trim(of_[context_.below(of_.size())]));
  }
  session_.close();
}

rt::task<offset> trimmer::ask(const topic_partition& one, std::int64_t timestamp) {
  protocol::list_offsets_request request;
  request.replica_id = no_broker;
  auto& topic = request.topics.emplace_back();
  topic.name = one.topic;
  topic.partitions.push_back({.partition_index = one.partition, .timestamp = timestamp});
  const auto got = co_await session_.call<protocol::list_offsets_response>(request, list_offsets_version);
  if (!got) co_return no_offset;
  const auto& answer = got->message.topics.front().partitions.front();
  if (answer.error_code == errc::none) co_return answer.offset;
  if (!is_retriable(answer.error_code)) {
    context_.out.fail(fmt::format("{}: ListOffsets of {} gave {}", name_, one.topic, moldau::name(answer.error_code)));
  }
  co_return no_offset;
}

rt::task<bool> trimmer::trim(const topic_partition& one) {
  const std::uint64_t life = context_.records.life();
  const offset start = co_await ask(one, earliest);
  if (start == no_offset) co_return false;
  const offset end = co_await ask(one, latest);
  if (end == no_offset) co_return false;
  context_.records.saw_start(name_, life, one, start);
  const offset below = start + static_cast<std::int64_t>(context_.below(static_cast<std::uint64_t>(end - start) + 1));
  context_.records.may_go(one, below);

  protocol::delete_records_request request;
  request.timeout_ms = 30'000;
  auto& topic = request.topics.emplace_back();
  topic.name = one.topic;
  topic.partitions.push_back({.partition_index = one.partition, .offset = below});
  const auto got = co_await session_.call<protocol::delete_records_response>(request, delete_records_version);
  if (!got) co_return false;
  const auto& answer = got->message.topics.front().partitions.front();
  if (answer.error_code != errc::none) {
    if (!is_retriable(answer.error_code)) {
      context_.out.fail(fmt::format("{}: deleting what is below {} of {}-{} gave {}", name_, below.value(), one.topic,
                                    one.partition.value(), moldau::name(answer.error_code)));
    }
    co_return false;
  }
  context_.records.went(name_, life, one, below, answer.low_watermark);
  // One that is asked at once knows of it.
  const offset now = co_await ask(one, earliest);
  if (now != no_offset) context_.records.saw_start(name_, life, one, now);
  co_return true;
}

}  // namespace moldau::scenarios
