#include "tests/sim/group_member.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "wire/protocol/consumer_protocol_assignment.hpp"
#include "wire/protocol/consumer_protocol_subscription.hpp"
#include "wire/protocol/find_coordinator_request.hpp"
#include "wire/protocol/find_coordinator_response.hpp"
#include "wire/protocol/heartbeat_request.hpp"
#include "wire/protocol/heartbeat_response.hpp"
#include "wire/protocol/join_group_request.hpp"
#include "wire/protocol/leave_group_request.hpp"
#include "wire/protocol/leave_group_response.hpp"
#include "wire/protocol/offset_commit_request.hpp"
#include "wire/protocol/offset_commit_response.hpp"
#include "wire/protocol/offset_fetch_request.hpp"
#include "wire/protocol/offset_fetch_response.hpp"
#include "wire/protocol/sync_group_request.hpp"
#include "wire/protocol/sync_group_response.hpp"

namespace moldau::scenarios {
namespace {

namespace protocol = wire::protocol;

constexpr std::int16_t find_version = 3;
constexpr std::int16_t join_version = 5;
constexpr std::int16_t sync_version = 3;
constexpr std::int16_t heartbeat_version = 3;
constexpr std::int16_t leave_version = 3;
constexpr std::int16_t commit_version = 7;
constexpr std::int16_t fetch_version = 7;
/// Kafka's least, `group.min.session.timeout.ms`.
constexpr std::int32_t session_timeout_ms = 6000;
constexpr std::int32_t rebalance_timeout_ms = 3000;

/// Kafka's consumers put the version before their messages.
template <typename Message>
std::string encoded(const Message& message) {
  std::string out(2 + message.encoded_size(0), '\0');
  wire::writer to(mutable_bytes(reinterpret_cast<std::byte*>(out.data()), out.size()));
  to.i16(0);
  message.encode(to, 0);
  return out;
}

protocol::offset_commit_request commit_of(const std::string& group, const topic_partition& of, offset at,
                                          std::string_view metadata) {
  protocol::offset_commit_request out;
  out.group_id = group;
  auto& topic = out.topics.emplace_back();
  topic.name = of.topic;
  auto& partition = topic.partitions.emplace_back();
  partition.partition_index = of.partition;
  partition.committed_offset = at;
  partition.committed_metadata = metadata;
  return out;
}

}  // namespace

rt::task<committed_answer> ask_committed(client_context& context, session& over, offset_ledger& ledger,
                                         const std::string& group, const topic_partition& of) {
  protocol::offset_fetch_request request;
  request.group_id = group;
  auto& topic = request.topics.emplace().emplace_back();
  topic.name = of.topic;
  topic.partition_indexes.push_back(of.partition);
  const auto asked = ledger.asking(group, of);
  const auto got = co_await over.call<protocol::offset_fetch_response>(request, fetch_version);
  if (!got) co_return committed_answer{};
  const auto& answer = got->message;
  const errc code = answer.error_code != errc::none || answer.topics.empty()
                        ? answer.error_code
                        : answer.topics.front().partitions.front().error_code;
  if (code != errc::none) {
    if (!is_retriable(code)) context.out.fail(fmt::format("{}: OffsetFetch gave {}", group, moldau::name(code)));
    co_return committed_answer{};
  }
  const auto& partition = answer.topics.front().partitions.front();
  committed_answer out{.answered = true};
  if (partition.committed_offset != no_offset) out.at = partition.committed_offset;
  ledger.told(group, of, asked, out.at, partition.metadata.value_or(""), context.true_time());
  co_return out;
}

rt::task<void> await_coordinator(client_context& context, std::string group) {
  session over("finder", context.world, context.broker, context.out);
  protocol::find_coordinator_request request;
  request.key = group;
  for (;;) {
    if (over.connected() || co_await over.connect()) {
      const auto got = co_await over.call<protocol::find_coordinator_response>(request, find_version);
      if (got && got->message.error_code == errc::none) co_return;
      if (got && !is_retriable(got->message.error_code)) {
        context.out.fail(fmt::format("FindCoordinator gave {}", moldau::name(got->message.error_code)));
        co_return;
      }
    }
    co_await context.pause(backoff_ms);
  }
}

group_member::group_member(client_context& context, std::string name, std::string group, std::string topic,
                           std::int32_t partitions, offset_ledger& ledger)
    : context_(context),
      name_(std::move(name)),
      group_(std::move(group)),
      topic_(std::move(topic)),
      partitions_(partitions),
      ledger_(ledger),
      session_(name_, context.world, context.broker, context.out) {}

rt::task<void> group_member::run() {
  while (!context_.stopping) {
    if (!co_await step()) co_await context_.pause(backoff_ms);
    co_await context_.pause(150);
  }
  if (is_member_ && session_.connected()) static_cast<void>(co_await leave());
  session_.close();
}

rt::task<bool> group_member::stay(rt::duration time) {
  const rt::time_point end = context_.world.now() + time;
  rt::time_point heard = context_.world.now();
  while (context_.world.now() < end) {
    const bool fine =
        (session_.connected() || co_await session_.connect()) && co_await (is_member_ ? heartbeat() : join());
    if (fine) heard = context_.world.now();
    if (context_.world.now() > heard + patience) co_return false;
    co_await context_.world.sleep_for(std::chrono::seconds(1));
  }
  for (std::int32_t i = 0; i < partitions_; ++i) {
    const auto got =
        co_await ask_committed(context_, session_, ledger_, group_, topic_partition{topic_, partition_id(i)});
    if (!got.answered) co_return false;
  }
  session_.close();
  co_return true;
}

void group_member::begin_anew() {
  is_member_ = false;
  member_id_.clear();
  owned_.clear();
}

rt::task<bool> group_member::step() {
  if (!session_.connected()) {
    begin_anew();
    if (!co_await session_.connect()) co_return false;
  }
  if (!is_member_) co_return co_await join();
  if (context_.one_in(40)) co_return co_await leave();
  if (context_.one_in(4)) co_return co_await heartbeat();
  if (context_.one_in(4)) {
    const topic_partition any{
        topic_, partition_id(static_cast<std::int32_t>(context_.below(static_cast<std::uint64_t>(partitions_))))};
    co_return (co_await ask_committed(context_, session_, ledger_, group_, any)).answered;
  }
  co_return owned_.empty() ? co_await heartbeat() : co_await commit();
}

bool group_member::takes(errc code, std::string_view what) {
  if (code == errc::none) return true;
  is_member_ = false;
  if (code == errc::rebalance_in_progress || code == errc::member_id_required) return false;
  begin_anew();
  if (code != errc::illegal_generation && code != errc::unknown_member_id && !is_retriable(code)) {
    context_.out.fail(fmt::format("{}: {} gave {}", name_, what, moldau::name(code)));
  }
  return false;
}

rt::task<bool> group_member::join() {
  owned_.clear();
  protocol::consumer_protocol_subscription subscription;
  subscription.topics.push_back(topic_);
  const std::string metadata = encoded(subscription);
  protocol::join_group_request request;
  request.group_id = group_;
  request.session_timeout_ms = session_timeout_ms;
  request.rebalance_timeout_ms = rebalance_timeout_ms;
  request.member_id = member_id_;
  request.protocol_type = "consumer";
  request.protocols.push_back({.name = "dealt", .metadata = as_bytes(metadata)});
  const auto got = co_await session_.call<protocol::join_group_response>(request, join_version);
  if (!got) co_return false;
  const auto& answer = got->message;
  if (answer.error_code == errc::none || answer.error_code == errc::member_id_required) {
    member_id_ = std::string(answer.member_id);
  }
  if (!takes(answer.error_code, "JoinGroup")) co_return answer.error_code == errc::member_id_required;
  generation_ = answer.generation_id;
  co_return co_await sync(answer) && co_await take_over();
}

rt::task<bool> group_member::sync(const protocol::join_group_response& joined) {
  std::vector<std::string> parts;
  protocol::sync_group_request request;
  request.group_id = group_;
  request.generation_id = generation_;
  request.member_id = member_id_;
  if (joined.leader == joined.member_id) {
    const std::size_t members = joined.members.size();
    parts.reserve(members);
    for (std::size_t i = 0; i < members; ++i) {
      protocol::consumer_protocol_assignment part;
      auto& topic = part.assigned_partitions.emplace_back();
      topic.topic = topic_;
      for (auto p = static_cast<std::int32_t>(i); p < partitions_; p += static_cast<std::int32_t>(members)) {
        topic.partitions.push_back(partition_id(p));
      }
      parts.push_back(encoded(part));
      request.assignments.push_back({.member_id = joined.members[i].member_id, .assignment = as_bytes(parts.back())});
    }
  }
  const rt::time_point asked = context_.true_time();
  const auto got = co_await session_.call<protocol::sync_group_response>(request, sync_version);
  if (!got) {
    begin_anew();
    co_return false;
  }
  if (!takes(got->message.error_code, "SyncGroup")) co_return false;
  is_member_ = true;
  ledger_.in_use(group_, asked);
  wire::reader from(got->message.assignment);
  const std::int16_t version = from.i16();
  const auto mine = protocol::consumer_protocol_assignment::decode(from, version);
  if (!mine) {
    context_.out.fail(fmt::format("{}: the assignment isn't what the leader gave", name_));
    co_return false;
  }
  for (const auto& topic : mine->assigned_partitions) {
    for (const partition_id p : topic.partitions) owned_.push_back({.of = {std::string(topic.topic), p}});
  }
  co_return true;
}

rt::task<bool> group_member::take_over() {
  for (owned& one : owned_) {
    const auto got = co_await ask_committed(context_, session_, ledger_, group_, one.of);
    if (!got.answered) {
      // It may not commit where it doesn't know from where on.
      begin_anew();
      co_return false;
    }
    one.next = got.at ? *got.at + 1 : ledger_.fresh(group_, one.of);
  }
  co_return true;
}

rt::task<bool> group_member::commit() {
  owned& one = owned_[context_.below(owned_.size())];
  const auto metadata = fmt::format("{}/{}", name_, commits_++);
  auto request = commit_of(group_, one.of, one.next, metadata);
  request.generation_id_or_member_epoch = generation_;
  request.member_id = member_id_;
  const rt::time_point asked = context_.true_time();
  ledger_.sending(group_, one.of, one.next, metadata, asked);
  const auto got = co_await session_.call<protocol::offset_commit_response>(request, commit_version);
  if (!got) {
    begin_anew();
    co_return false;
  }
  if (!takes(got->message.topics.front().partitions.front().error_code, "OffsetCommit")) co_return false;
  ledger_.committed(group_, one.of, one.next);
  ledger_.in_use(group_, asked);
  one.next = one.next + 1 + static_cast<std::int64_t>(context_.below(5));
  co_return true;
}

rt::task<bool> group_member::heartbeat() {
  protocol::heartbeat_request request;
  request.group_id = group_;
  request.generation_id = generation_;
  request.member_id = member_id_;
  const rt::time_point asked = context_.true_time();
  const auto got = co_await session_.call<protocol::heartbeat_response>(request, heartbeat_version);
  if (!got) {
    begin_anew();
    co_return false;
  }
  if (!takes(got->message.error_code, "Heartbeat")) co_return false;
  ledger_.in_use(group_, asked);
  co_return true;
}

rt::task<bool> group_member::leave() {
  protocol::leave_group_request request;
  request.group_id = group_;
  request.members.emplace_back().member_id = member_id_;
  const auto got = co_await session_.call<protocol::leave_group_response>(request, leave_version);
  begin_anew();
  if (!got) co_return false;
  const errc code = got->message.error_code != errc::none || got->message.members.empty()
                        ? got->message.error_code
                        : got->message.members.front().error_code;
  if (code != errc::none && code != errc::unknown_member_id && !is_retriable(code)) {
    context_.out.fail(fmt::format("{}: LeaveGroup gave {}", name_, moldau::name(code)));
  }
  co_return code == errc::none;
}

lone_committer::lone_committer(client_context& context, std::string name, topic_partition of, offset_ledger& ledger)
    : context_(context),
      name_(std::move(name)),
      of_(std::move(of)),
      ledger_(ledger),
      session_(name_, context.world, context.broker, context.out) {}

rt::task<void> lone_committer::run() {
  while (!context_.stopping) {
    co_await context_.pause(800);
    if (!session_.connected() && !co_await session_.connect()) continue;
    if (groups_ == 0 || context_.one_in(3)) {
      co_await commit();
    } else {
      const auto which = static_cast<int>(context_.below(static_cast<std::uint64_t>(groups_)));
      co_await ask_committed(context_, session_, ledger_, fmt::format("{}-{}", name_, which), of_);
    }
  }
  session_.close();
}

rt::task<bool> lone_committer::commit() {
  const auto group = fmt::format("{}-{}", name_, groups_++);
  const auto request = commit_of(group, of_, offset(groups_), name_);
  const rt::time_point asked = context_.true_time();
  ledger_.sending(group, of_, offset(groups_), name_, asked);
  const auto got = co_await session_.call<protocol::offset_commit_response>(request, commit_version);
  if (!got) co_return false;
  const errc code = got->message.topics.front().partitions.front().error_code;
  if (code != errc::none) {
    if (!is_retriable(code)) context_.out.fail(fmt::format("{}: OffsetCommit gave {}", group, moldau::name(code)));
    co_return false;
  }
  ledger_.in_use(group, asked);
  ledger_.committed(group, of_, offset(groups_));
  co_return true;
}

rt::task<bool> lone_committer::check_gone() {
  const rt::time_point deadline = context_.world.now() + patience;
  for (int i = 0; i < groups_; ++i) {
    const auto group = fmt::format("{}-{}", name_, i);
    for (;;) {
      if (session_.connected() || co_await session_.connect()) {
        const auto got = co_await ask_committed(context_, session_, ledger_, group, of_);
        if (got.answered) {
          ledger_.told_after_retention(group, of_, got.at);
          break;
        }
      }
      if (context_.world.now() > deadline) co_return false;
      co_await context_.pause(backoff_ms);
    }
  }
  session_.close();
  co_return true;
}

}  // namespace moldau::scenarios
