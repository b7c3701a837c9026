#include "client/consumer_impl.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "client/offset_calls.hpp"

namespace moldau::client {

namespace {

error closed_error() {
  return {errc::closed, "the consumer has been closed"};
}

}  // namespace

consumer::impl::impl(consumer_options options)
    : options_(std::move(options)),
      runtime_(options_.client),
      cluster_(std::make_shared<cluster>(runtime_.world(), options_.client)),
      assignors_(options_.assignors) {
  if (assignors_.empty()) assignors_ = {range_assignor(), cooperative_sticky_assignor()};
}

consumer::impl::~impl() = default;

consumed_partition* consumer::impl::state_of(const partition_key& of, std::uint64_t round) {
  const auto found = assigned_.find(of);
  return found == assigned_.end() || found->second.round() != round ? nullptr : &found->second;
}

result<consumed_partition*> consumer::impl::assigned(const topic_partition& of) {
  if (closing_) return std::unexpected(closed_error());
  const auto found = assigned_.find(of);
  if (found == assigned_.end()) {
    return fail(errc::invalid_argument,
                fmt::format("partition {} of '{}' isn't assigned to this consumer", of.partition.value(), of.topic));
  }
  return &found->second;
}

void consumer::impl::fail_with(error why) {
  if (!failure_) failure_ = std::move(why);
  news_.notify_all();
}

std::vector<topic_partition> consumer::impl::held() const {
  std::vector<topic_partition> out;
  out.reserve(assigned_.size());
  for (const auto& [partition, state] : assigned_) out.push_back(partition);
  return out;
}

void consumer::impl::drop_partitions(const std::vector<topic_partition>& which) {
  for (const topic_partition& partition : which) {
    assigned_.erase(partition);
    std::erase(ends_, partition);
  }
}

rt::time_point consumer::impl::after_ms(std::int64_t ms) const {
  return runtime_.world().now() + std::chrono::milliseconds(ms);
}

/// Looks again at that time at the latest.
void consumer::impl::run_at(rt::time_point at) {
  if (retry_timer_ && retry_at_ <= at && retry_at_ > runtime_.world().now()) return;
  retry_at_ = at;
  retry_timer_ = runtime_.world().post_at(at, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->pump();
  });
}

/// Wakes the polls that wait at that time at the latest.
void consumer::impl::wake_polls_at(rt::time_point at) {
  if (poll_timer_ && poll_at_ <= at && poll_at_ > runtime_.world().now()) return;
  poll_at_ = at;
  poll_timer_ = runtime_.world().post_at(at, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->news_.notify_all();
  });
}

rt::task<void> consumer::impl::wait_ms(std::int64_t ms) {
  if (closing_) co_return;
  const auto timer = runtime_.world().post_at(after_ms(ms), [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->closing_news_.notify_all();
  });
  co_await closing_news_.wait();
}

rt::task<result<void>> consumer::impl::assign(std::map<topic_partition, std::optional<offset>> positions) {
  const auto self = shared_from_this();
  if (closing_) co_return std::unexpected(closed_error());
  if (is_subscribed()) {
    co_return fail(errc::invalid_argument, "the consumer is subscribed: assign and subscribe exclude each other");
  }
  std::set<std::string> topics;
  for (const auto& [partition, from] : positions) topics.insert(partition.topic);
  for (const std::string& name : topics) {
    MOLDAU_CO_TRY_ASSIGN(const topic_view* topic, co_await cluster_->topic(name, options_.allow_auto_create_topics,
                                                                           options_.client.api_timeout_ms));
    for (const auto& [partition, from] : positions) {
      if (partition.topic == name && !topic->partitions.contains(partition.partition)) {
        co_return fail(errc::unknown_topic_or_partition,
                       fmt::format("topic '{}' has {} partitions, there is no {}", name, topic->partitions.size(),
                                   partition.partition.value()));
      }
    }
  }
  failure_.reset();
  std::erase_if(assigned_, [&](const auto& entry) { return !positions.contains(entry.first); });
  next_auto_commit_ = after_ms(options_.auto_commit_interval_ms);
  for (const auto& [partition, from] : positions) {
    const auto [at, is_new] = assigned_.try_emplace(partition, partition);
    if (from) {
      at->second.seek({.offset = *from}, next_round_++);
    } else if (is_new) {
      at->second.start(next_round_++);
    }
  }
  pump();
  co_return result<void>();
}

rt::task<result<void>> consumer::impl::subscribe(std::vector<std::string> topics, std::optional<std::regex> pattern,
                                                 rebalance_listener listener) {
  const auto self = shared_from_this();
  if (closing_) co_return std::unexpected(closed_error());
  if (!options_.group_id || options_.group_id->empty()) {
    co_return fail(errc::invalid_argument, "subscribing needs a group.id");
  }
  if (!is_subscribed() && !assigned_.empty()) {
    co_return fail(errc::invalid_argument,
                   "the consumer has partitions by assign: assign and subscribe exclude each other");
  }
  std::ranges::sort(topics);
  topics.erase(std::ranges::unique(topics).begin(), topics.end());
  listener_ = std::move(listener);
  topics_ = std::move(topics);
  pattern_ = std::move(pattern);
  failure_.reset();
  group_failure_.reset();
  next_auto_commit_ = after_ms(options_.auto_commit_interval_ms);
  if (pattern_) co_await learn_topics();
  if (closing_) co_return std::unexpected(closed_error());
  if (!session_) {
    session_ =
        std::make_shared<group_session>(cluster_,
                                        group_session::options{.group_id = *options_.group_id,
                                                               .instance_id = options_.instance_id,
                                                               .protocol_type = std::string(consumer_protocol_type),
                                                               .session_timeout_ms = options_.session_timeout_ms,
                                                               .rebalance_timeout_ms = options_.max_poll_interval_ms,
                                                               .heartbeat_interval_ms = options_.heartbeat_interval_ms,
                                                               .poll_interval_max_ms = options_.max_poll_interval_ms},
                                        *this);
  } else {
    session_->rejoin("the subscription was changed");
  }
  if (!std::exchange(watching_, true)) running_.spawn(watch());
  watch_news_.notify_all();
  session_->start(self);
  co_return result<void>();
}

rt::task<result<void>> consumer::impl::unsubscribe() {
  const auto self = shared_from_this();
  if (closing_) co_return std::unexpected(closed_error());
  if (session_) {
    const auto session = session_;
    session->stop();
    if (may_auto_commit()) co_await auto_commit();
    const auto gone = held();
    co_await give_up(gone);
    co_await session->leave("the consumer was unsubscribed", false);
    if (session_ == session) session_.reset();
    poll_news_.notify_all();
    watch_news_.notify_all();
    co_await session->stopped();
  }
  assigned_.clear();
  topics_.clear();
  pattern_.reset();
  failure_.reset();
  co_return result<void>();
}

rt::task<result<std::vector<topic_partition>>> consumer::impl::assignment() {
  co_return held();
}

rt::task<result<std::vector<std::string>>> consumer::impl::subscription() {
  co_return topics_;
}

rt::task<result<polled>> consumer::impl::poll(std::chrono::milliseconds timeout) {
  const auto self = shared_from_this();
  if (closing_) co_return std::unexpected(closed_error());
  const auto now = runtime_.world().now();
  const auto deadline = now + timeout;
  // What was polled before is done with: it may be committed, and given up.
  ++polling_;
  if (may_auto_commit() && now >= next_auto_commit_ && !auto_committing_) running_.spawn(auto_commit());
  if (session_) {
    recover_membership();
    session_->on_poll();
    poll_news_.notify_all();
  }
  polled out;
  result<void> outcome;
  while (true) {
    if (closing_) outcome = std::unexpected(closed_error());
    if (outcome) outcome = give(out);
    if (!outcome) break;
    if (!options_.interceptors.empty() && !out.batches.empty()) {
      intercept(out);
      if (out.empty()) {
        // They took all of it. There may be more, and there is room now.
        pump();
        continue;
      }
    }
    if (!out.empty() || std::exchange(woken_, false)) break;
    if (failure_) {
      outcome = std::unexpected(*std::exchange(failure_, std::nullopt));
      break;
    }
    if (runtime_.world().now() >= deadline) break;
    wake_polls_at(deadline);
    co_await news_.wait();
  }
  --polling_;
  if (!closing_) pump();
  if (!outcome) co_return std::unexpected(std::move(outcome).error());
  co_return out;
}

void consumer::impl::wakeup() {
  runtime_.world().post([weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self) return;
    self->woken_ = true;
    self->news_.notify_all();
  });
}

rt::task<result<void>> consumer::impl::seek(topic_partition partition, log_position to) {
  MOLDAU_CO_TRY_ASSIGN(consumed_partition* const state, assigned(partition));
  if (to.offset < offset(0)) co_return fail(errc::invalid_argument, "an offset to seek to can't be negative");
  state->seek(to, next_round_++);
  pump();
  co_return result<void>();
}

rt::task<result<void>> consumer::impl::seek_to_times(std::map<topic_partition, std::int64_t> times) {
  for (const auto& [partition, time] : times) MOLDAU_CO_TRY(assigned(partition));
  for (const auto& [partition, time] : times) assigned_.at(partition).reset(time, next_round_++);
  pump();
  co_return result<void>();
}

rt::task<result<void>> consumer::impl::pause(std::vector<topic_partition> partitions, bool paused) {
  for (const topic_partition& partition : partitions) MOLDAU_CO_TRY(assigned(partition));
  for (const topic_partition& partition : partitions) assigned_.at(partition).paused = paused;
  news_.notify_all();
  pump();
  co_return result<void>();
}

rt::task<result<std::vector<topic_partition>>> consumer::impl::paused() {
  std::vector<topic_partition> out;
  for (const auto& [partition, state] : assigned_) {
    if (state.paused) out.push_back(partition);
  }
  co_return out;
}

rt::task<result<offset>> consumer::impl::position(topic_partition partition) {
  const auto self = shared_from_this();
  const auto deadline = after_ms(options_.client.api_timeout_ms);
  const auto timer = runtime_.world().post_at(deadline, [weak = weak_from_this()] {
    if (const auto me = weak.lock()) me->news_.notify_all();
  });
  while (true) {
    MOLDAU_CO_TRY_ASSIGN(const consumed_partition* const state, assigned(partition));
    if (state->has_position()) co_return state->position().offset;
    if (failure_) co_return std::unexpected(*failure_);
    if (runtime_.world().now() >= deadline) {
      co_return fail(errc::timed_out, fmt::format("the position of partition {} of '{}' couldn't be found out in time",
                                                  partition.partition.value(), partition.topic));
    }
    co_await news_.wait();
  }
}

rt::task<result<std::optional<std::int64_t>>> consumer::impl::current_lag(topic_partition partition) {
  MOLDAU_CO_TRY_ASSIGN(const consumed_partition* const state, assigned(partition));
  co_return lag_of(*state);
}

/// Behind the end that this consumer may read up to, by the last fetch.
std::optional<std::int64_t> consumer::impl::lag_of(const consumed_partition& state) const {
  const offset end = options_.isolation == isolation::read_committed ? state.last_stable_offset : state.high_watermark;
  if (end == no_offset || !state.has_position()) return std::nullopt;
  return std::max<std::int64_t>(0, end - state.position().offset);
}

rt::task<result<std::map<topic_partition, std::int64_t>>> consumer::impl::lag() {
  const auto self = shared_from_this();
  std::map<topic_partition, std::int64_t> times;
  for (const auto& [partition, state] : assigned_) times[partition] = latest_time;
  MOLDAU_CO_TRY_ASSIGN(const auto ends, co_await offsets_at(times));
  std::map<topic_partition, std::int64_t> out;
  for (const auto& [partition, end] : ends) {
    const auto at = assigned_.find(partition);
    if (at != assigned_.end() && at->second.has_position()) {
      out[partition] = std::max<std::int64_t>(0, end - at->second.position().offset);
    }
  }
  co_return out;
}

rt::task<result<std::map<topic_partition, offset>>> consumer::impl::offsets_at(
    std::map<topic_partition, std::int64_t> times) {
  const auto self = shared_from_this();
  if (closing_) co_return std::unexpected(closed_error());
  MOLDAU_CO_TRY_ASSIGN(const auto listed, co_await list_offsets(cluster_, std::move(times), options_.isolation));
  MOLDAU_CO_TRY(first_failure(listed));
  std::map<topic_partition, offset> out;
  for (const auto& [partition, at] : listed) {
    if (at->offset != no_offset) out[partition] = at->offset;
  }
  co_return out;
}

rt::task<result<std::vector<partition_id>>> consumer::impl::partitions_of(std::string topic) {
  const auto self = shared_from_this();
  if (closing_) co_return std::unexpected(closed_error());
  MOLDAU_CO_TRY_ASSIGN(const topic_view* known,
                       co_await cluster_->topic(std::move(topic), false, options_.client.api_timeout_ms));
  std::vector<partition_id> out;
  for (const auto& [id, view] : known->partitions) out.push_back(id);
  co_return out;
}

rt::task<result<client::group_metadata>> consumer::impl::group_metadata() {
  if (!options_.group_id) co_return fail(errc::invalid_argument, "the consumer has no group.id");
  if (session_) co_return session_->metadata();
  co_return client::group_metadata{
      .group_id = *options_.group_id, .member_id = {}, .instance_id = options_.instance_id};
}

rt::task<result<void>> consumer::impl::enforce_rebalance(std::string reason) {
  if (closing_) co_return std::unexpected(closed_error());
  if (!session_) co_return fail(errc::invalid_argument, "only a subscribed consumer can have its group rebalanced");
  session_->rejoin(std::move(reason));
  co_return result<void>();
}

void consumer::impl::rewind(const committed_offsets& unread) {
  for (const auto& [partition, at] : unread) {
    const auto found = assigned_.find(partition);
    if (found == assigned_.end() || !found->second.has_position()) continue;
    if (found->second.position().offset > at.offset) {
      const leader_epoch known = found->second.leader();
      found->second.seek({at.offset, at.leader_epoch}, next_round_++);
      // It was read a moment ago.
      found->second.skip_validation(known);
    }
  }
}

}  // namespace moldau::client
