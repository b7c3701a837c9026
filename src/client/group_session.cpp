#include "client/group_session.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "wire/protocol/heartbeat_request.hpp"
#include "wire/protocol/heartbeat_response.hpp"
#include "wire/protocol/join_group_request.hpp"
#include "wire/protocol/leave_group_request.hpp"
#include "wire/protocol/leave_group_response.hpp"
#include "wire/protocol/sync_group_request.hpp"
#include "wire/protocol/sync_group_response.hpp"

namespace moldau::client {

using namespace wire::protocol;
using step = group_membership::step;

namespace {

std::optional<std::string_view> viewed(const std::optional<std::string>& text) {
  return text ? std::optional<std::string_view>(*text) : std::nullopt;
}

}  // namespace

group_session::group_session(std::shared_ptr<cluster> of, options chosen, group_user& user)
    : cluster_(std::move(of)),
      options_(std::move(chosen)),
      user_(user),
      membership_({.heartbeat_interval = std::chrono::milliseconds(options_.heartbeat_interval_ms),
                   .session_timeout = std::chrono::milliseconds(options_.session_timeout_ms),
                   .poll_interval_max = std::chrono::milliseconds(options_.poll_interval_max_ms),
                   .retry_backoff = std::chrono::milliseconds(cluster_->options().retry_backoff_ms)}) {
  membership_.on_poll(cluster_->world().now());
}

bool group_session::start(std::shared_ptr<void> keep) {
  if (running_.running() > 0) {
    run_news_.notify_all();
    return !failed_;
  }
  failed_ = false;
  running_.spawn(run(keep));
  running_.spawn(beat(keep));
  return true;
}

void group_session::stop() {
  stopped_ = true;
  run_news_.notify_all();
  beat_news_.notify_all();
}

void group_session::on_poll() {
  membership_.on_poll(cluster_->world().now());
  run_news_.notify_all();
}

void group_session::rejoin(std::string reason) {
  membership_.rejoin(std::move(reason));
  run_news_.notify_all();
}

void group_session::on_commit_refused(errc code, const group_membership::identity& of) {
  membership_.on_commit_refused(code, of);
  run_news_.notify_all();
}

group_metadata group_session::metadata() const {
  return {.group_id = options_.group_id,
          .generation = membership_.generation(),
          .member_id = membership_.member_id(),
          .instance_id = options_.instance_id};
}

/// The broker waits for the other members as long as the slowest may take.
std::int64_t group_session::round_timeout_ms() const {
  return std::max(cluster_->options().request_timeout_ms, options_.rebalance_timeout_ms + 5'000);
}

rt::task<void> group_session::wait_for_news(rt::event& news) {
  const auto now = cluster_->world().now();
  const auto timer = cluster_->world().post_at(membership_.wake_at(now), [&news] { news.notify_all(); });
  co_await news.wait();
}

rt::task<void> group_session::run([[maybe_unused]] std::shared_ptr<void> keep) {
  const auto self = shared_from_this();
  while (!is_over()) {
    switch (membership_.next(cluster_->world().now())) {
      case step::prepare: {
        const bool was_lost = membership_.lost();
        membership_.on_preparing();
        if (was_lost) {
          co_await user_.lost();
        } else {
          co_await user_.prepare();
        }
        membership_.on_prepared();
        break;
      }
      case step::join:
        co_await join();
        beat_news_.notify_all();
        break;
      case step::leave:
      case step::nothing:
        co_await wait_for_news(run_news_);
        break;
    }
  }
}

/// Heartbeats, beside the rounds; and the end of a member whose user has gone quiet.
rt::task<void> group_session::beat([[maybe_unused]] std::shared_ptr<void> keep) {
  const auto self = shared_from_this();
  while (!is_over()) {
    const auto now = cluster_->world().now();
    if (membership_.next(now) == step::leave) {
      co_await leave("max.poll.interval.ms has passed without a poll", false);
      if (is_over()) break;
      co_await user_.lost();
    } else if (membership_.heartbeat_due(now)) {
      membership_.on_heartbeat_sent(now);
      co_await heartbeat();
      run_news_.notify_all();
    } else {
      co_await wait_for_news(beat_news_);
    }
  }
}

void group_session::fail_with(const error& why) {
  if (is_over()) return;
  failed_ = true;
  run_news_.notify_all();
  beat_news_.notify_all();
  user_.failed(why);
}

void group_session::unreachable(const error& why) {
  cluster_->forget_coordinator(options_.group_id);
  membership_.on_unreachable(cluster_->world().now());
  if (!may_retry(why.code)) fail_with(why);
}

void group_session::answered(errc code) {
  if (code == errc::not_coordinator || code == errc::coordinator_not_available) {
    cluster_->forget_coordinator(options_.group_id);
  }
}

rt::task<void> group_session::join() {
  auto to = co_await cluster_->coordinator(options_.group_id, link_use::coordinator);
  if (is_over()) co_return;
  if (!to) {
    unreachable(to.error());
    co_return;
  }
  const std::vector<group_protocol> offered = user_.protocols();
  const std::string my_id = membership_.member_id();
  const std::string reason = membership_.reason();
  join_group_request request{.group_id = options_.group_id,
                             .session_timeout_ms = static_cast<std::int32_t>(options_.session_timeout_ms),
                             .rebalance_timeout_ms = static_cast<std::int32_t>(options_.rebalance_timeout_ms),
                             .member_id = my_id,
                             .group_instance_id = viewed(options_.instance_id),
                             .protocol_type = options_.protocol_type};
  if (!reason.empty()) request.reason = reason;
  for (const group_protocol& protocol : offered) {
    request.protocols.push_back({.name = protocol.name, .metadata = protocol.metadata});
  }
  membership_.on_join_sent();
  const auto got = co_await (*to)->call<join_group_response>(std::move(request), {.timeout_ms = round_timeout_ms()});
  if (is_over()) co_return;
  if (!got) {
    unreachable(got.error());
    co_return;
  }
  const join_group_response& answer = got->message;
  answered(answer.error_code);
  const bool leads = answer.error_code == errc::none && answer.leader == answer.member_id;
  const auto joined = membership_.on_join(answer.error_code, std::string(answer.member_id), answer.generation_id, leads,
                                          cluster_->world().now());
  if (!joined) {
    fail_with(joined.error());
    co_return;
  }
  if (membership_.current() != group_membership::state::syncing) co_return;
  beat_news_.notify_all();
  std::optional<std::vector<group_peer>> members;
  if (leads) {
    members.emplace();
    for (const auto& member : answer.members) {
      members->push_back({.id = std::string(member.member_id),
                          .instance_id = member.group_instance_id
                                             ? std::optional<std::string>(*member.group_instance_id)
                                             : std::nullopt,
                          .metadata = shared_bytes::copy_of(member.metadata)});
    }
    if (answer.skip_assignment) {
      const group_membership::identity who = membership_.who();
      co_await user_.lead_on(*std::exchange(members, std::nullopt));
      if (is_over() || membership_.who() != who) co_return;
    }
  }
  co_await sync(std::string(answer.protocol_name.value_or("")), std::move(members));
}

rt::task<void> group_session::sync(std::string protocol, std::optional<std::vector<group_peer>> members) {
  const group_membership::identity who = membership_.who();
  std::map<std::string, shared_bytes> parts;
  if (members) {
    auto led = co_await user_.lead(protocol, *std::move(members));
    if (is_over() || membership_.who() != who) co_return;
    if (!led) {
      if (may_retry(led.error().code)) {
        membership_.on_unreachable(cluster_->world().now());
      } else {
        fail_with(led.error());
      }
      co_return;
    }
    parts = *std::move(led);
  }
  auto to = co_await cluster_->coordinator(options_.group_id, link_use::coordinator);
  if (is_over() || membership_.who() != who) co_return;
  if (!to) {
    unreachable(to.error());
    co_return;
  }
  sync_group_request request{.group_id = options_.group_id,
                             .generation_id = who.generation,
                             .member_id = who.member_id,
                             .group_instance_id = viewed(options_.instance_id),
                             .protocol_type = options_.protocol_type,
                             .protocol_name = protocol};
  for (const auto& [id, bytes] : parts) request.assignments.push_back({.member_id = id, .assignment = bytes});
  const auto got = co_await (*to)->call<sync_group_response>(std::move(request), {.timeout_ms = round_timeout_ms()});
  if (is_over() || membership_.who() != who) co_return;
  if (!got) {
    unreachable(got.error());
    co_return;
  }
  const errc code = (*got)->error_code;
  answered(code);
  auto synced = membership_.on_sync(code, cluster_->world().now());
  if (synced && code == errc::none) {
    synced =
        co_await user_.joined(std::move(protocol), membership_.is_leader(), shared_bytes::copy_of((*got)->assignment));
  }
  if (!synced) fail_with(synced.error());
}

rt::task<void> group_session::heartbeat() {
  const group_membership::identity who = membership_.who();
  auto to = co_await cluster_->coordinator(options_.group_id, link_use::coordinator);
  if (is_over()) co_return;
  if (!to) {
    unreachable(to.error());
    co_return;
  }
  const auto got =
      co_await (*to)->call<heartbeat_response>(heartbeat_request{.group_id = options_.group_id,
                                                                 .generation_id = who.generation,
                                                                 .member_id = who.member_id,
                                                                 .group_instance_id = viewed(options_.instance_id)});
  if (is_over()) co_return;
  if (!got) {
    unreachable(got.error());
    co_return;
  }
  answered((*got)->error_code);
  if (const auto known = membership_.on_heartbeat((*got)->error_code, who, cluster_->world().now()); !known) {
    fail_with(known.error());
  }
}

rt::task<void> group_session::leave(std::string reason, bool even_if_static) {
  const auto self = shared_from_this();
  const std::string my_id = membership_.member_id();
  membership_.on_left();
  if (my_id.empty() || (options_.instance_id && !even_if_static)) co_return;
  auto to = co_await cluster_->coordinator(options_.group_id, link_use::coordinator);
  if (!to) co_return;
  const auto version =
      (*to)->api_versions().choose(leave_group_request::api_key, leave_group_request::message_name,
                                   {leave_group_request::min_version, leave_group_request::max_stable_version});
  if (!version) co_return;
  leave_group_request request{.group_id = options_.group_id};
  if (*version >= 3) {
    request.members = {{.member_id = my_id, .group_instance_id = viewed(options_.instance_id)}};
    if (*version >= 5) request.members.front().reason = reason;
  } else {
    request.member_id = my_id;
  }
  // Whether it arrives or not: the session's end says the same.
  static_cast<void>(co_await (*to)->call_at<leave_group_response>(*version, std::move(request), {.timeout_ms = 5'000}));
}

}  // namespace moldau::client
