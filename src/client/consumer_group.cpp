#include <fmt/format.h>

#include <algorithm>

#include "client/consumer_impl.hpp"
#include "client/offset_calls.hpp"
#include "wire/protocol/heartbeat_request.hpp"
#include "wire/protocol/heartbeat_response.hpp"
#include "wire/protocol/join_group_request.hpp"
#include "wire/protocol/leave_group_request.hpp"
#include "wire/protocol/leave_group_response.hpp"
#include "wire/protocol/sync_group_request.hpp"
#include "wire/protocol/sync_group_response.hpp"

namespace moldau::client {

using namespace wire::protocol;

void consumer::impl::tell(const std::function<void(const std::vector<topic_partition>&)>& whom,
                          std::vector<topic_partition> what) {
  if (!whom) return;
  if (runtime_.handlers() == nullptr) {
    whom(what);
  } else {
    runtime_.handlers()->post([whom, what = std::move(what)] { whom(what); });
  }
}

/// Does what the membership's state machine says until the consumer is closed or unsubscribed.
rt::task<void> consumer::impl::membership() {
  const auto self = shared_from_this();
  while (!closed_ && member_) {
    const auto now = runtime_.world().now();
    switch (const auto step = member_->next(now)) {
      case group_member::step::join:
        co_await give_up_partitions();
        if (closed_ || !member_) break;
        member_->sent(step, now);
        co_await join();
        break;
      case group_member::step::sync:
        member_->sent(step, now);
        co_await sync(std::nullopt);
        break;
      case group_member::step::heartbeat:
        member_->sent(step, now);
        co_await heartbeat();
        break;
      case group_member::step::leave:
        co_await give_up_partitions();
        co_await leave();
        break;
      case group_member::step::nothing: {
        const auto timer = runtime_.world().post_at(member_->wake_at(now), [weak = weak_from_this()] {
          if (const auto me = weak.lock()) me->member_news_.notify_all();
        });
        co_await member_news_.wait();
        break;
      }
    }
    if (failure_) break;
  }
  membership_runs_ = false;
}

void consumer::impl::unreachable(const error& why) {
  if (!member_) return;
  const auto now = runtime_.world().now();
  cluster_->forget_coordinator(*options_.group_id);
  member_->on_unreachable(now, now + std::chrono::milliseconds(options_.client.retry_backoff_ms));
  if (!may_retry(why.code)) {
    failure_ = why;
    news_.notify_all();
  }
}

/// Before the group divides its partitions anew, this member ends its work on those it has.
rt::task<void> consumer::impl::give_up_partitions() {
  if (assigned_.empty()) co_return;
  std::vector<topic_partition> held;
  for (const auto& [partition, state] : assigned_) held.push_back(partition);
  if (member_ && !member_->lost() && options_.auto_commit) co_await auto_commit();
  set_assignment({});
  tell(listener_.on_revoked, std::move(held));
}

rt::task<void> consumer::impl::join() {
  const std::string group = *options_.group_id;
  auto to = co_await cluster_->coordinator(group);
  if (!to) {
    unreachable(to.error());
    co_return;
  }
  const shared_bytes subscription = encode_subscription({.topics = topics_, .owned = {}, .rack = options_.rack});
  join_group_request request{.group_id = group,
                             .session_timeout_ms = static_cast<std::int32_t>(options_.session_timeout_ms),
                             .rebalance_timeout_ms = static_cast<std::int32_t>(options_.max_poll_interval_ms),
                             .member_id = member_->member_id(),
                             .protocol_type = "consumer",
                             .protocols = {{.name = "range", .metadata = subscription}}};
  if (options_.instance_id) request.group_instance_id = *options_.instance_id;
  const std::string my_id = member_->member_id();
  request.member_id = my_id;
  const auto got = co_await (*to)->call<join_group_response>(
      std::move(request), {.timeout_ms = options_.max_poll_interval_ms + options_.client.request_timeout_ms});
  if (!member_) co_return;
  if (!got) {
    unreachable(got.error());
    co_return;
  }
  const join_group_response& answer = got->message;
  if (answer.error_code == errc::not_coordinator || answer.error_code == errc::coordinator_not_available) {
    cluster_->forget_coordinator(group);
  }
  const bool leads = answer.error_code == errc::none && answer.leader == answer.member_id;
  if (auto joined = member_->on_join(answer.error_code, std::string(answer.member_id), answer.generation_id, leads,
                                     runtime_.world().now());
      !joined) {
    failure_ = joined.error();
    news_.notify_all();
    co_return;
  }
  if (answer.error_code != errc::none) co_return;
  protocol_ = answer.protocol_name.value_or("");
  std::vector<group_member_view> members;
  for (const auto& member : answer.members) {
    auto said = decode_subscription(member.metadata);
    if (!said) continue;
    members.push_back(
        {.id = std::string(member.member_id),
         .instance_id = member.group_instance_id ? std::optional<std::string>(*member.group_instance_id) : std::nullopt,
         .subscription = *std::move(said)});
  }
  member_->sent(group_member::step::sync, runtime_.world().now());
  co_await sync(leads && !answer.skip_assignment ? std::optional(std::move(members)) : std::nullopt);
}

rt::task<result<std::map<std::string, std::vector<topic_partition>>>> consumer::impl::divide(
    std::vector<group_member_view> members) {
  std::set<std::string> topics;
  for (const auto& member : members) {
    topics.insert(member.subscription.topics.begin(), member.subscription.topics.end());
  }
  MOLDAU_CO_TRY(co_await cluster_->refresh(topics));
  std::map<std::string, std::int32_t> counts;
  for (const std::string& topic : topics) {
    const topic_view* view = cluster_->view().topic(topic);
    if (view != nullptr && view->code == errc::none) counts[topic] = static_cast<std::int32_t>(view->partitions.size());
  }
  co_return assign_range(std::move(members), counts);
}

rt::task<void> consumer::impl::sync(std::optional<std::vector<group_member_view>> members) {
  const std::string group = *options_.group_id;
  std::map<std::string, shared_bytes> shares;
  if (members) {
    auto divided = co_await divide(*std::move(members));
    if (!divided) {
      unreachable(divided.error());
      co_return;
    }
    for (const auto& [id, partitions] : *divided) shares[id] = encode_assignment(partitions);
  }
  auto to = co_await cluster_->coordinator(group);
  if (!to || !member_) {
    if (!to) unreachable(to.error());
    co_return;
  }
  const std::string my_id = member_->member_id();
  sync_group_request request{.group_id = group,
                             .generation_id = member_->generation(),
                             .member_id = my_id,
                             .protocol_type = "consumer",
                             .protocol_name = protocol_};
  if (options_.instance_id) request.group_instance_id = *options_.instance_id;
  for (const auto& [id, bytes] : shares) request.assignments.push_back({.member_id = id, .assignment = bytes});
  const auto got = co_await (*to)->call<sync_group_response>(
      std::move(request), {.timeout_ms = options_.max_poll_interval_ms + options_.client.request_timeout_ms});
  if (!member_) co_return;
  if (!got) {
    unreachable(got.error());
    co_return;
  }
  const errc code = (*got)->error_code;
  if (code == errc::not_coordinator || code == errc::coordinator_not_available) cluster_->forget_coordinator(group);
  auto synced = member_->on_sync(code, runtime_.world().now());
  result<std::vector<topic_partition>> mine = std::vector<topic_partition>();
  if (synced && code == errc::none) {
    mine = decode_assignment((*got)->assignment);
    if (!mine) synced = std::unexpected(mine.error());
  }
  if (!synced) {
    failure_ = synced.error();
    news_.notify_all();
    co_return;
  }
  if (code != errc::none) co_return;
  std::map<topic_partition, std::optional<offset>> positions;
  for (const topic_partition& partition : *mine) positions[partition] = std::nullopt;
  set_assignment(positions);
  tell(listener_.on_assigned, *std::move(mine));
  pump();
}

rt::task<void> consumer::impl::heartbeat() {
  const std::string group = *options_.group_id;
  auto to = co_await cluster_->coordinator(group);
  if (!to || !member_) {
    if (!to) unreachable(to.error());
    co_return;
  }
  const std::string my_id = member_->member_id();
  heartbeat_request request{.group_id = group, .generation_id = member_->generation(), .member_id = my_id};
  if (options_.instance_id) request.group_instance_id = *options_.instance_id;
  const auto got = co_await (*to)->call<heartbeat_response>(std::move(request));
  if (!member_) co_return;
  if (!got) {
    unreachable(got.error());
    co_return;
  }
  const errc code = (*got)->error_code;
  if (code == errc::not_coordinator || code == errc::coordinator_not_available) cluster_->forget_coordinator(group);
  if (auto known = member_->on_heartbeat(code, runtime_.world().now()); !known) {
    failure_ = known.error();
    news_.notify_all();
  }
}

/// A static member stays: its partitions wait for it until the session ends.
rt::task<void> consumer::impl::leave() {
  if (!member_) co_return;
  const std::string my_id = member_->member_id();
  member_->on_left();
  if (my_id.empty() || options_.instance_id) co_return;
  const std::string group = *options_.group_id;
  auto to = co_await cluster_->coordinator(group);
  if (!to) co_return;
  const auto version = (*to)->api_versions().choose(
      leave_group_request::api_key, "LeaveGroup", {leave_group_request::min_version, leave_group_request::max_version});
  if (!version) co_return;
  leave_group_request request{.group_id = group};
  if (*version >= 3) {
    request.members = {{.member_id = my_id, .reason = "the consumer is being closed"}};
    if (*version < 5) request.members.front().reason.reset();
  } else {
    request.member_id = my_id;
  }
  // Whether it arrives or not: the session's end says the same.
  static_cast<void>(co_await (*to)->call_at<leave_group_response>(*version, std::move(request), {.timeout_ms = 5'000}));
}

rt::task<void> consumer::impl::auto_commit() {
  if (auto_committing_) co_return;
  auto_committing_ = true;
  next_auto_commit_ = runtime_.world().now() + std::chrono::milliseconds(options_.auto_commit_interval_ms);
  if (auto done = co_await commit_positions(); !done) {
    cluster_->world().log().named("client").warn("positions weren't committed: {}", done.error().message);
  }
  auto_committing_ = false;
}

rt::task<result<void>> consumer::impl::commit_positions() {
  std::map<topic_partition, committed_offset> offsets;
  for (const auto& [partition, state] : assigned_) {
    if (state.position) offsets[partition] = {.offset = *state.position, .metadata = {}};
  }
  co_return co_await commit(std::move(offsets));
}

rt::task<result<void>> consumer::impl::commit(std::map<topic_partition, committed_offset> offsets) {
  const auto self = shared_from_this();
  if (!options_.group_id) co_return fail(errc::invalid_argument, "committing needs a group.id");
  if (offsets.empty()) co_return result<void>();
  MOLDAU_CO_TRY_ASSIGN(const auto who, co_await group_metadata());
  MOLDAU_CO_TRY_ASSIGN(const auto done, co_await commit_offsets(cluster_, who, std::move(offsets)));
  for (const auto& [partition, outcome] : done) {
    if (outcome) continue;
    if (member_) {
      member_->on_commit_refused(outcome.error().code);
      member_news_.notify_all();
    }
    co_return std::unexpected(outcome.error());
  }
  co_return result<void>();
}

}  // namespace moldau::client
