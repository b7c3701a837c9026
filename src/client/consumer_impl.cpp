#include "client/consumer_impl.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "client/offset_calls.hpp"

namespace moldau::client {

consumer::impl::impl(consumer_options options)
    : options_(std::move(options)),
      runtime_(options_.client),
      cluster_(std::make_shared<cluster>(runtime_.world(), options_.client)) {}

consumer::impl::~impl() = default;

void consumer::impl::set_assignment(const std::map<topic_partition, std::optional<offset>>& positions) {
  assigned_.clear();
  ends_.clear();
  for (const auto& [partition, from] : positions) {
    partition_state state;
    state.round = next_round_++;
    if (from) {
      state.position = from;
      state.fetch_from = *from;
    }
    assigned_[partition] = std::move(state);
  }
}

rt::task<result<void>> consumer::impl::assign(std::map<topic_partition, std::optional<offset>> positions) {
  const auto self = shared_from_this();
  if (closed_) co_return fail(errc::closed, "the consumer has been closed");
  if (member_)
    co_return fail(errc::invalid_argument, "the consumer is subscribed: assign and subscribe exclude each other");
  std::set<std::string> topics;
  for (const auto& [partition, from] : positions) topics.insert(partition.topic);
  for (const std::string& name : topics) {
    MOLDAU_CO_TRY_ASSIGN(const topic_view* topic,
                         co_await cluster_->topic(name, false, options_.client.api_timeout_ms));
    for (const auto& [partition, from] : positions) {
      if (partition.topic == name && !topic->partitions.contains(partition.partition)) {
        co_return fail(errc::unknown_topic_or_partition,
                       fmt::format("topic '{}' has {} partitions, there is no {}", name, topic->partitions.size(),
                                   partition.partition.value()));
      }
    }
  }
  failure_.reset();
  set_assignment(positions);
  pump();
  co_return result<void>();
}

rt::task<result<void>> consumer::impl::subscribe(std::vector<std::string> topics, rebalance_listener listener) {
  const auto self = shared_from_this();
  if (closed_) co_return fail(errc::closed, "the consumer has been closed");
  if (!options_.group_id || options_.group_id->empty()) {
    co_return fail(errc::invalid_argument, "subscribing needs a group.id");
  }
  if (!member_ && !assigned_.empty()) {
    co_return fail(errc::invalid_argument,
                   "the consumer has partitions by assign: assign and subscribe exclude each other");
  }
  std::ranges::sort(topics);
  listener_ = std::move(listener);
  topics_ = std::move(topics);
  failure_.reset();
  const auto now = runtime_.world().now();
  next_auto_commit_ = now + std::chrono::milliseconds(options_.auto_commit_interval_ms);
  if (member_) {
    member_->rejoin();
  } else {
    member_.emplace(group_member::options{std::chrono::milliseconds(options_.heartbeat_interval_ms),
                                          std::chrono::milliseconds(options_.session_timeout_ms),
                                          std::chrono::milliseconds(options_.max_poll_interval_ms)});
    member_->polled(now);
  }
  if (!std::exchange(membership_runs_, true)) {
    running_.spawn(membership());
  } else {
    member_news_.notify_all();
  }
  co_return result<void>();
}

rt::task<result<std::vector<topic_partition>>> consumer::impl::assignment() {
  std::vector<topic_partition> out;
  for (const auto& [partition, state] : assigned_) out.push_back(partition);
  co_return out;
}

rt::task<result<polled>> consumer::impl::poll(std::chrono::milliseconds timeout) {
  const auto self = shared_from_this();
  const auto now = runtime_.world().now();
  const auto deadline = now + timeout;
  if (member_) {
    member_->polled(now);
    member_news_.notify_all();
    if (options_.auto_commit && member_->is_stable() && now >= next_auto_commit_ && !auto_committing_) {
      running_.spawn(auto_commit());
    }
  }
  std::unique_ptr<rt::timer> timer;
  polled out;
  while (true) {
    if (closed_) co_return fail(errc::closed, "the consumer has been closed");
    MOLDAU_CO_TRY(open_fetched(out));
    out.ends = std::exchange(ends_, {});
    pump();
    if (!out.empty() || std::exchange(woken_, false)) co_return out;
    if (failure_) co_return std::unexpected(*std::exchange(failure_, std::nullopt));
    if (runtime_.world().now() >= deadline) co_return out;
    if (!timer) {
      timer = runtime_.world().post_at(deadline, [weak = weak_from_this()] {
        if (const auto me = weak.lock()) me->news_.notify_all();
      });
    }
    co_await news_.wait();
  }
}

void consumer::impl::wakeup() {
  runtime_.world().post([weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self) return;
    self->woken_ = true;
    self->news_.notify_all();
  });
}

rt::task<result<void>> consumer::impl::seek(topic_partition partition, offset to) {
  const auto found = assigned_.find(partition);
  if (found == assigned_.end()) {
    co_return fail(errc::invalid_argument, fmt::format("partition {} of '{}' isn't assigned to this consumer",
                                                       partition.partition.value(), partition.topic));
  }
  partition_state& state = found->second;
  state = {.position = to, .fetch_from = to, .round = next_round_++, .paused = state.paused};
  pump();
  co_return result<void>();
}

rt::task<result<void>> consumer::impl::pause(std::vector<topic_partition> partitions, bool paused) {
  for (const topic_partition& partition : partitions) {
    const auto found = assigned_.find(partition);
    if (found == assigned_.end()) continue;
    partition_state& state = found->second;
    if (state.paused == paused) continue;
    // What was fetched ahead is fetched again later: it mustn't hold up other partitions.
    state = {.position = state.position,
             .fetch_from = state.position.value_or(offset(0)),
             .round = next_round_++,
             .paused = paused};
  }
  pump();
  co_return result<void>();
}

rt::task<result<offset>> consumer::impl::position(topic_partition partition) {
  const auto self = shared_from_this();
  while (true) {
    const auto found = assigned_.find(partition);
    if (found == assigned_.end()) {
      co_return fail(errc::invalid_argument, fmt::format("partition {} of '{}' isn't assigned to this consumer",
                                                         partition.partition.value(), partition.topic));
    }
    if (found->second.position) co_return *found->second.position;
    if (closed_) co_return fail(errc::closed, "the consumer has been closed");
    if (failure_) co_return std::unexpected(*failure_);
    co_await news_.wait();
  }
}

rt::task<result<std::map<topic_partition, committed_offset>>> consumer::impl::committed(
    std::vector<topic_partition> partitions) {
  const auto self = shared_from_this();
  if (!options_.group_id) co_return fail(errc::invalid_argument, "commits belong to a group: set group.id");
  co_return co_await fetch_committed(cluster_, *options_.group_id, std::move(partitions));
}

rt::task<result<std::map<topic_partition, offset>>> consumer::impl::offsets_at(
    std::map<topic_partition, std::int64_t> times) {
  const auto self = shared_from_this();
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
  MOLDAU_CO_TRY_ASSIGN(const topic_view* known,
                       co_await cluster_->topic(std::move(topic), false, options_.client.api_timeout_ms));
  std::vector<partition_id> out;
  for (const auto& [id, view] : known->partitions) out.push_back(id);
  co_return out;
}

rt::task<result<client::group_metadata>> consumer::impl::group_metadata() {
  if (!options_.group_id) co_return fail(errc::invalid_argument, "the consumer has no group.id");
  client::group_metadata out{.group_id = *options_.group_id, .member_id = {}, .instance_id = options_.instance_id};
  if (member_) {
    out.generation = member_->generation();
    out.member_id = member_->member_id();
  }
  co_return out;
}

rt::task<result<void>> consumer::impl::close() {
  const auto self = shared_from_this();
  if (!std::exchange(closed_, true)) {
    if (member_) {
      // The membership loop may be inside a call; from here on it does nothing more.
      if (options_.auto_commit && member_->is_stable()) co_await auto_commit();
      co_await leave();
      member_news_.notify_all();
    }
    cluster_->close();
    retry_timer_.reset();
    news_.notify_all();
  }
  if (running_.running() > 0) co_await running_.drained();
  co_return result<void>();
}

}  // namespace moldau::client
