#include <fmt/format.h>

#include <algorithm>

#include "client/consumer_impl.hpp"
#include "client/offset_calls.hpp"
#include "wire/protocol/offset_for_leader_epoch_request.hpp"
#include "wire/protocol/offset_for_leader_epoch_response.hpp"

namespace moldau::client {

using wire::protocol::offset_for_leader_epoch_request;
using wire::protocol::offset_for_leader_epoch_response;

/// The time that `offset_reset` means now.
std::int64_t consumer::impl::policy_time() const {
  switch (options_.offset_reset) {
    case offset_reset::earliest:
      return earliest_time;
    case offset_reset::by_duration:
      return std::max<std::int64_t>(0, runtime_.world().wall_ms() - options_.offset_reset_duration_ms);
    case offset_reset::latest:
    case offset_reset::none:
      break;
  }
  return latest_time;
}

/// Goes where `offset_reset` says, or fails with `why`.
void consumer::impl::reset_by_policy(consumed_partition& state, errc why, std::string what) {
  if (options_.offset_reset != offset_reset::none) {
    state.reset(policy_time(), next_round_++);
    return;
  }
  // Until the application seeks, or asks again.
  state.not_before = after_ms(options_.client.retry_backoff_max_ms);
  fail_with({why, fmt::format("partition {} of '{}' {}, and auto.offset.reset is none", state.of().partition.value(),
                              state.of().topic, what)});
}

/// Asks for the group's commits; what has none goes where `offset_reset` says.
rt::task<void> consumer::impl::find_commits(rounds which) {
  const auto self = shared_from_this();
  std::vector<topic_partition> partitions;
  for (const auto& [partition, round] : which) partitions.push_back(partition);
  result<committed_offsets> got = committed_offsets();
  if (options_.group_id) got = co_await fetch_committed(cluster_, *options_.group_id, std::move(partitions), true);
  if (closed_) co_return;
  for (const auto& [partition, round] : which) {
    consumed_partition* state = state_of(partition, round);
    if (state == nullptr) continue;
    state->busy = false;
    if (!got) {
      state->not_before = after_ms(options_.client.retry_backoff_ms);
    } else if (const auto from = got->find(partition); from != got->end()) {
      state->resolved({from->second.offset, from->second.leader_epoch});
      state->committed = from->second.offset;
    } else {
      reset_by_policy(*state, errc::offset_out_of_range, "has no committed offset");
    }
  }
  if (!got && !may_retry(got.error().code)) fail_with(got.error());
  news_.notify_all();
  pump();
}

/// Asks for offsets by time; where no record is that late, for the end.
rt::task<void> consumer::impl::find_offsets(rounds which, std::map<topic_partition, std::int64_t> times) {
  const auto self = shared_from_this();
  auto got = co_await list_offsets(cluster_, std::move(times), options_.isolation);
  if (got) {
    std::map<topic_partition, std::int64_t> to_the_end;
    for (const auto& [partition, at] : *got) {
      if (at && at->offset == no_offset) to_the_end[partition] = latest_time;
    }
    if (!to_the_end.empty()) {
      const auto ends = co_await list_offsets(cluster_, std::move(to_the_end), options_.isolation);
      for (const auto& [partition, at] : ends.value_or(outcomes<topic_partition, listed_offset>()))
        got->at(partition) = at;
    }
  }
  if (closed_) co_return;
  for (const auto& [partition, round] : which) {
    consumed_partition* state = state_of(partition, round);
    if (state == nullptr) continue;
    state->busy = false;
    const result<listed_offset> at = got ? got->at(partition) : std::unexpected(got.error());
    if (at && at->offset != no_offset) {
      state->reset_done({at->offset, at->leader_epoch});
      continue;
    }
    state->not_before = after_ms(options_.client.retry_backoff_ms);
    if (!at && !may_retry(at.error().code)) fail_with(at.error());
  }
  news_.notify_all();
  pump();
}

/// KIP-320: asks a new leader how far its log goes in the epoch of the last record that was read.
rt::task<void> consumer::impl::validate(broker_id leader, rounds which) {
  const auto self = shared_from_this();
  offset_for_leader_epoch_request request{.replica_id = no_broker};
  std::map<topic_partition, leader_epoch> leaders;
  for (const auto& [partition, round] : which) {
    const consumed_partition* state = state_of(partition, round);
    const partition_view* view = cluster_->view().partition(partition.topic, partition.partition);
    if (state == nullptr || view == nullptr) continue;
    leaders[partition] = view->leader_epoch;
    if (request.topics.empty() || request.topics.back().topic != partition.topic) {
      request.topics.push_back({.topic = partition.topic});
    }
    request.topics.back().partitions.push_back({.partition = partition.partition,
                                                .current_leader_epoch = view->leader_epoch,
                                                .leader_epoch = state->fetch_position().epoch});
  }
  auto to = co_await cluster_->broker(leader);
  if (closed_) co_return;
  constexpr std::int16_t first_version_for_consumers = 3;
  const bool can_tell =
      to && (*to)
                ->api_versions()
                .choose(offset_for_leader_epoch_request::api_key, offset_for_leader_epoch_request::message_name,
                        {first_version_for_consumers, offset_for_leader_epoch_request::max_stable_version})
                .has_value();
  result<peer::reply<offset_for_leader_epoch_response>> got = std::unexpected(to ? error{} : to.error());
  if (can_tell && !request.topics.empty()) {
    got = co_await (*to)->call<offset_for_leader_epoch_response>(std::move(request),
                                                                 {.version_min = first_version_for_consumers});
  }
  if (closed_) co_return;
  for (const auto& [partition, round] : which) {
    if (consumed_partition* state = state_of(partition, round)) {
      state->busy = false;
      // Those that are answered are judged below, the others again later.
      state->not_before = after_ms(options_.client.retry_backoff_ms);
      if (to && !can_tell) state->skip_validation(leaders[partition]);
    }
  }
  if (got) {
    for (const auto& topic : (*got)->topics) {
      for (const auto& p : topic.partitions) {
        const auto asked = which.find(topic_partition{std::string(topic.topic), p.partition});
        if (asked == which.end()) continue;
        if (p.error_code == errc::none) {
          judge_end(asked->first, asked->second, {p.end_offset, p.leader_epoch}, leaders[asked->first]);
        } else {
          cluster_->view().forget(topic.topic);
          if (!may_retry(p.error_code)) {
            fail_with({p.error_code, fmt::format("the position in partition {} of '{}' can't be confirmed: {}",
                                                 p.partition.value(), topic.topic, moldau::name(p.error_code))});
          }
        }
      }
    }
  } else if (!can_tell && !to) {
    for (const auto& [partition, round] : which) cluster_->view().forget(partition.topic);
  }
  news_.notify_all();
  pump();
}

void consumer::impl::judge_end(const topic_partition& of, std::uint64_t round, log_position end, leader_epoch by) {
  consumed_partition* state = state_of(of, round);
  if (state == nullptr || state->current() != phase::validating) return;
  state->not_before = {};
  const offset stood = state->position().offset;
  if (state->validated(end, by, next_round_++) != verdict::truncated) return;
  cluster_->world().log().named("client").warn("the log of partition {} of '{}' was cut at offset {}, below {}",
                                               of.partition.value(), of.topic, end.offset.value(), stood.value());
  const bool end_is_known = end.offset >= offset(0) && end.epoch >= leader_epoch(0);
  if (options_.offset_reset == offset_reset::none) {
    state->not_before = after_ms(options_.client.retry_backoff_max_ms);
    fail_with(
        {errc::log_truncated,
         fmt::format("the log of partition {} of '{}' was cut{} since offset {} was read, and auto.offset.reset "
                     "is none",
                     of.partition.value(), of.topic,
                     end_is_known ? fmt::format(" at offset {}", end.offset.value()) : std::string(), stood.value())});
  } else if (end_is_known) {
    state->seek(end, next_round_++);
    state->skip_validation(by);
  } else {
    state->reset(policy_time(), next_round_++);
  }
}

}  // namespace moldau::client
