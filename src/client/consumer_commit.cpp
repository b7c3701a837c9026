#include <fmt/format.h>

#include <algorithm>

#include "client/consumer_impl.hpp"
#include "client/offset_calls.hpp"
#include "wire/protocol/fetch_request.hpp"
#include "wire/protocol/fetch_response.hpp"

namespace moldau::client {

bool consumer::impl::may_auto_commit() const {
  if (!options_.auto_commit || !options_.group_id || assigned_.empty()) return false;
  return !session_ || (session_->membership().generation() >= 0 && !session_->membership().lost());
}

committed_offsets consumer::impl::positions_to_commit() const {
  committed_offsets out;
  for (const auto& [partition, state] : assigned_) {
    if (!state.has_position()) continue;
    out[partition] = {.offset = state.position().offset, .leader_epoch = state.position().epoch, .metadata = {}};
  }
  return out;
}

rt::task<void> consumer::impl::auto_commit() {
  auto_committing_ = true;
  next_auto_commit_ = after_ms(options_.auto_commit_interval_ms);
  committed_offsets offsets = positions_to_commit();
  std::erase_if(offsets, [&](const auto& entry) { return assigned_.at(entry.first).committed == entry.second.offset; });
  if (const auto done = co_await commit(std::move(offsets)); !done) {
    cluster_->world().log().named("client").warn("positions weren't committed: {}", done.error().message);
  }
  auto_committing_ = false;
}

rt::task<result<void>> consumer::impl::commit_positions(committed_offsets unread) {
  committed_offsets offsets = positions_to_commit();
  for (auto& [partition, at] : unread) {
    const auto found = offsets.find(partition);
    if (found != offsets.end() && found->second.offset > at.offset) found->second = std::move(at);
  }
  co_return co_await commit(std::move(offsets));
}

/// One after the other: one that has to be tried again mustn't come behind a later one and set the group back.
rt::task<result<void>> consumer::impl::commit(committed_offsets offsets) {
  const auto self = shared_from_this();
  if (closed_) co_return fail(errc::closed, "the consumer has been closed");
  if (!options_.group_id) co_return fail(errc::invalid_argument, "committing needs a group.id");
  if (offsets.empty()) co_return result<void>();
  client::group_metadata who{.group_id = *options_.group_id, .member_id = {}};
  group_membership::identity member;
  const auto session = session_;
  if (session) {
    who = session->metadata();
    member = session->membership().who();
    if (who.generation < 0) {
      co_return fail(errc::unknown_member_id, "this consumer isn't a member of its group now: it commits once it is");
    }
  }
  while (committing_) co_await commit_news_.wait();
  committing_ = true;
  const auto done = co_await commit_offsets(cluster_, who, offsets);
  committing_ = false;
  result<void> outcome = done ? first_failure(*done) : result<void>(std::unexpected(done.error()));
  if (done) {
    committed_offsets taken;
    for (const auto& [partition, each] : *done) {
      const auto asked = offsets.find(partition);
      // An answer may name what nobody asked for.
      if (!each || asked == offsets.end()) continue;
      taken.insert(*asked);
      if (const auto at = assigned_.find(partition); at != assigned_.end()) at->second.committed = asked->second.offset;
    }
    tell_committed(taken);
    if (!outcome && session) session->on_commit_refused(outcome.error().code, member);
  }
  commit_news_.notify_all();
  co_return outcome;
}

rt::task<result<committed_offsets>> consumer::impl::committed(std::vector<topic_partition> partitions) {
  const auto self = shared_from_this();
  if (closing_) co_return fail(errc::closed, "the consumer has been closed");
  if (!options_.group_id) co_return fail(errc::invalid_argument, "commits belong to a group: set group.id");
  co_return co_await fetch_committed(cluster_, *options_.group_id, std::move(partitions), true);
}

/// Tells brokers that their fetch sessions aren't needed any more. They find out by themselves too, only later.
rt::task<void> consumer::impl::end_fetch_sessions() {
  for (auto& [id, broker] : brokers_) {
    if (broker.busy || !broker.session.is_open()) continue;
    wire::protocol::fetch_request request{.max_wait_ms = 0, .min_bytes = 0, .max_bytes = 0};
    broker.session.end(request);
    const auto to = co_await cluster_->broker(id, link_use::fetch);
    if (to) {
      static_cast<void>(
          co_await (*to)->call<wire::protocol::fetch_response>(std::move(request), {.version_max = fetch_version_max}));
    }
  }
}

/// What is said at the end: the last commit, the partitions given up, the group left. Nothing of it is tried for long.
rt::task<void> consumer::impl::say_goodbye(close_options how) {
  // A coordinator that can't be reached now has nothing to be told.
  const bool has_news = options_.group_id && (session_ || may_auto_commit());
  const bool is_reachable = has_news && (co_await cluster_->coordinator(*options_.group_id)).has_value();
  if (is_reachable && may_auto_commit()) co_await auto_commit();
  if (session_) {
    auto gone = held();
    const bool was_lost = session_->membership().lost();
    if (!gone.empty() && !was_lost && listener_.before_revoked) co_await give_up(gone);
    gone = held();
    drop_partitions(gone);
    if (!gone.empty()) {
      co_await tell(was_lost && listener_.on_lost ? listener_.on_lost : listener_.on_revoked, std::move(gone));
    }
    if (is_reachable && how.stay != group_stay::remain) {
      co_await session_->leave("the consumer is being closed", how.stay == group_stay::leave);
    }
  }
  co_await end_fetch_sessions();
}

rt::task<result<void>> consumer::impl::close(close_options how) {
  const auto self = shared_from_this();
  const auto within = how.within.count() > 0 ? how.within : std::chrono::milliseconds(options_.close_timeout_ms);
  const auto deadline = runtime_.world().now() + within;
  const auto timer = runtime_.world().post_at(deadline, [weak = weak_from_this()] {
    const auto me = weak.lock();
    if (!me) return;
    // Whatever still waits for a broker fails now.
    me->cluster_->close();
    me->closed_ = true;
    me->closing_news_.notify_all();
  });
  if (!std::exchange(closing_, true)) {
    if (session_) session_->stop();
    news_.notify_all();
    poll_news_.notify_all();
    watch_news_.notify_all();
    closing_news_.notify_all();
    retry_timer_.reset();
    poll_timer_.reset();
    // Beside this call: whatever the application keeps waiting, the deadline holds.
    rt::spawn(end(how));
  }
  while (!ended_ && runtime_.world().now() < deadline) co_await closing_news_.wait();
  if (!ended_) co_return fail(errc::timed_out, "the consumer was closed, but not everything had ended by the deadline");
  co_return result<void>();
}

rt::task<void> consumer::impl::end(close_options how) {
  const auto self = shared_from_this();
  co_await say_goodbye(how);
  cluster_->close();
  closed_ = true;
  closing_news_.notify_all();
  if (session_) co_await session_->stopped();
  if (running_.running() > 0) co_await running_.drained();
  ended_ = true;
  closing_news_.notify_all();
}

}  // namespace moldau::client
