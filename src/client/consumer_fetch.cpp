#include <fmt/format.h>

#include <algorithm>

#include "client/consumer_impl.hpp"
#include "client/offset_calls.hpp"
#include "wire/protocol/fetch_request.hpp"

namespace moldau::client {

using wire::protocol::fetch_request;
using wire::protocol::fetch_response;

consumer::impl::partition_state* consumer::impl::state_of(const topic_partition& of, std::uint64_t round) {
  const auto found = assigned_.find(of);
  return found == assigned_.end() || found->second.round != round ? nullptr : &found->second;
}

/// Asks for what may be asked for: positions that aren't known, then records, one request a broker at a time.
void consumer::impl::pump() {
  if (closed_ || failure_) return;
  const auto now = runtime_.world().now();
  std::vector<topic_partition> unresolved;
  std::map<broker_id, std::map<topic_partition, std::uint64_t>> by_leader;
  std::set<std::string> leaderless;
  std::optional<rt::time_point> again;
  for (auto& [partition, state] : assigned_) {
    if (state.not_before > now) {
      again = again ? std::min(*again, state.not_before) : state.not_before;
      continue;
    }
    if (!state.position) {
      if (!state.resolving) {
        state.resolving = true;
        unresolved.push_back(partition);
      }
      continue;
    }
    if (state.paused || state.fetching || fetched_bytes_ >= options_.prefetch_bytes_max) continue;
    const topic_view* topic = cluster_->view().topic(partition.topic);
    const partition_view* view = cluster_->view().partition(partition.topic, partition.partition);
    if (view == nullptr || view->leader == no_broker || topic->learned_ms == INT64_MIN) {
      leaderless.insert(partition.topic);
      continue;
    }
    if (!fetching_.contains(view->leader)) by_leader[view->leader][partition] = state.round;
  }
  if (!unresolved.empty()) running_.spawn(resolve(std::move(unresolved)));
  for (auto& [leader, asked] : by_leader) {
    fetching_.insert(leader);
    for (const auto& [partition, round] : asked) assigned_[partition].fetching = true;
    running_.spawn(fetch(leader, asked));
  }
  if (!leaderless.empty() && !refreshing_) {
    refreshing_ = true;
    running_.spawn(refresh_leaders(std::move(leaderless)));
  }
  if (again) {
    retry_timer_ = runtime_.world().post_at(*again, [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->pump();
    });
  }
}

rt::task<void> consumer::impl::refresh_leaders(std::set<std::string> topics) {
  const auto self = shared_from_this();
  retry_timer timer(runtime_.world(), options_.client, options_.client.api_timeout_ms);
  while (!closed_) {
    const auto asked = co_await cluster_->refresh(topics);
    const bool led = asked && std::ranges::all_of(assigned_, [&](const auto& entry) {
                       if (!topics.contains(entry.first.topic)) return true;
                       const auto* view = cluster_->view().partition(entry.first.topic, entry.first.partition);
                       return view != nullptr && view->leader != no_broker;
                     });
    if (led) break;
    if (!co_await timer.wait()) {
      failure_ = error{errc::leader_not_available,
                       asked ? "partitions have had no leader for default.api.timeout.ms" : asked.error().message};
      news_.notify_all();
      break;
    }
  }
  refreshing_ = false;
  pump();
}

/// Finds where to begin: the group's commit, or what `offset_reset` says.
rt::task<void> consumer::impl::resolve(std::vector<topic_partition> which) {
  const auto self = shared_from_this();
  std::map<topic_partition, std::uint64_t> rounds;
  for (const auto& partition : which) {
    if (const auto found = assigned_.find(partition); found != assigned_.end()) rounds[partition] = found->second.round;
  }
  std::map<topic_partition, committed_offset> committed;
  result<void> done;
  if (options_.group_id) {
    auto got = co_await fetch_committed(cluster_, *options_.group_id, which);
    if (got) {
      committed = *std::move(got);
    } else {
      done = std::unexpected(got.error());
    }
  }
  std::map<topic_partition, std::int64_t> times;
  for (const auto& [partition, round] : rounds) {
    if (committed.contains(partition)) continue;
    times[partition] = options_.offset_reset == offset_reset::earliest ? -2 : -1;
    if (done && options_.offset_reset == offset_reset::none) {
      done = fail(errc::offset_out_of_range, fmt::format("partition {} of '{}' has no committed offset, and "
                                                         "auto.offset.reset is none",
                                                         partition.partition.value(), partition.topic));
    }
  }
  outcomes<topic_partition, listed_offset> listed;
  if (done && !times.empty()) {
    auto got = co_await list_offsets(cluster_, times, options_.isolation);
    if (got) {
      done = first_failure(*got);
      listed = *std::move(got);
    } else {
      done = std::unexpected(got.error());
    }
  }
  for (const auto& [partition, round] : rounds) {
    partition_state* state = state_of(partition, round);
    if (state == nullptr) continue;
    state->resolving = false;
    if (!done) continue;
    const auto from = committed.find(partition);
    state->fetch_from = from != committed.end() ? from->second.offset : listed.at(partition)->offset;
    state->position = state->fetch_from;
  }
  if (!done && !closed_) {
    failure_ = done.error();
  }
  news_.notify_all();
  pump();
}

rt::task<void> consumer::impl::fetch(broker_id leader, std::map<topic_partition, std::uint64_t> asked) {
  const auto self = shared_from_this();
  auto to = co_await cluster_->broker(leader);
  result<peer::reply<fetch_response>> got = std::unexpected(to ? error{} : to.error());
  if (to) {
    fetch_request request{.max_wait_ms = options_.fetch_max_wait_ms,
                          .min_bytes = options_.fetch_min_bytes,
                          .max_bytes = options_.fetch_max_bytes,
                          .isolation_level = static_cast<std::int8_t>(options_.isolation),
                          .rack_id = options_.rack};
    for (const auto& [partition, round] : asked) {
      const partition_state* state = state_of(partition, round);
      if (state == nullptr) continue;
      if (request.topics.empty() || request.topics.back().topic != partition.topic) {
        request.topics.push_back({.topic = partition.topic});
      }
      request.topics.back().partitions.push_back({.partition = partition.partition,
                                                  .fetch_offset = state->fetch_from,
                                                  .partition_max_bytes = options_.partition_fetch_max_bytes});
    }
    // From version 13 on topics are named by id; by name a topic that was made anew is still the one meant.
    if (!request.topics.empty()) {
      got = co_await (*to)->call<fetch_response>(
          std::move(request),
          {.timeout_ms = options_.client.request_timeout_ms + options_.fetch_max_wait_ms, .version_max = 12});
    }
  }
  fetching_.erase(leader);
  for (const auto& [partition, round] : asked) {
    if (partition_state* state = state_of(partition, round)) state->fetching = false;
  }
  if (closed_) co_return;
  if (got && got->message.error_code == errc::none) {
    take_answer(*got, asked);
  } else {
    const auto later = runtime_.world().now() + std::chrono::milliseconds(options_.client.retry_backoff_ms);
    for (const auto& [partition, round] : asked) {
      cluster_->view().forget(partition.topic);
      if (partition_state* state = state_of(partition, round)) state->not_before = later;
    }
  }
  news_.notify_all();
  pump();
}

void consumer::impl::take_answer(const peer::reply<fetch_response>& answer,
                                 const std::map<topic_partition, std::uint64_t>& asked) {
  for (const auto& topic : answer->responses) {
    for (const auto& data : topic.partitions) {
      const topic_partition partition{std::string(topic.topic), data.partition_index};
      const auto known = asked.find(partition);
      if (known == asked.end()) continue;
      if (partition_state* state = state_of(partition, known->second)) {
        take_partition(partition, *state, data, answer.bytes);
      }
    }
  }
}

void consumer::impl::take_partition(const topic_partition& of, partition_state& state,
                                    const fetch_response::partition_data& data, const shared_bytes& bytes) {
  const auto later = runtime_.world().now() + std::chrono::milliseconds(options_.client.retry_backoff_ms);
  switch (data.error_code) {
    case errc::none:
      break;
    case errc::offset_out_of_range:
      if (options_.offset_reset == offset_reset::none) {
        failure_ = error{data.error_code, fmt::format("partition {} of '{}' has no offset {}", of.partition.value(),
                                                      of.topic, state.fetch_from.value())};
      } else {
        // Not the group's commit again: that is what has gone.
        state.position.reset();
        state.resolving = true;
        running_.spawn([](std::shared_ptr<impl> self, topic_partition p, std::uint64_t round) -> rt::task<void> {
          std::map<topic_partition, std::int64_t> when;
          when[p] = self->options_.offset_reset == offset_reset::earliest ? -2 : -1;
          const auto got = co_await list_offsets(self->cluster_, std::move(when), self->options_.isolation);
          if (partition_state* waiting = self->state_of(p, round)) {
            waiting->resolving = false;
            if (got && got->at(p)) {
              waiting->fetch_from = got->at(p)->offset;
              waiting->position = waiting->fetch_from;
            } else {
              waiting->not_before =
                  self->runtime_.world().now() + std::chrono::milliseconds(self->options_.client.retry_backoff_max_ms);
            }
          }
          self->pump();
        }(shared_from_this(), of, state.round));
      }
      return;
    default:
      if (!may_retry(data.error_code)) {
        failure_ = error{data.error_code, fmt::format("partition {} of '{}' can't be read: {}", of.partition.value(),
                                                      of.topic, name(data.error_code))};
        return;
      }
      cluster_->view().forget(of.topic);
      if (data.current_leader.leader_id != no_broker) {
        cluster_->view().set_leader(of.topic, of.partition, data.current_leader.leader_id,
                                    data.current_leader.leader_epoch);
      }
      state.not_before = later;
      return;
  }
  const offset end = options_.isolation == isolation::read_committed ? data.last_stable_offset : data.high_watermark;
  const offset next = end_of_batches(data.records.bytes(), state.fetch_from);
  if (next == state.fetch_from && !data.records.bytes().empty()) {
    failure_ = error{errc::corrupt_message, fmt::format("partition {} of '{}' at offset {}: the broker sent no whole "
                                                        "batch",
                                                        of.partition.value(), of.topic, state.fetch_from.value())};
    return;
  }
  const bool is_end = next >= end;
  if (next == state.fetch_from) {
    if (is_end && state.position == next && state.reported_end != next) {
      state.reported_end = next;
      ends_.push_back(of);
    }
    return;
  }
  fetched_bytes_ += data.records.size();
  fetched_.push_back(
      {.of = of,
       .round = state.round,
       .bytes = data.records.size(),
       .part = fetched_partition(of, bytes.slice(data.records.bytes()), state.fetch_from, data.high_watermark,
                                 data.aborted_transactions.value_or(std::vector<fetch_response::aborted_transaction>()),
                                 options_.isolation),
       .is_end = is_end});
  state.fetch_from = next;
}

/// Opens what has come. A batch that can't be opened is left where it is, behind those that can.
result<void> consumer::impl::open_fetched(polled& into) {
  while (!fetched_.empty()) {
    fetched_part& next = fetched_.front();
    partition_state* state = state_of(next.of, next.round);
    if (state == nullptr) {
      fetched_bytes_ -= next.bytes;
      fetched_.pop_front();
      continue;
    }
    if (state->paused) break;
    while (true) {
      auto batch = next.part.next(codecs_);
      if (!batch) {
        if (!into.batches.empty()) return {};
        return std::unexpected(batch.error());
      }
      if (!*batch) break;
      state->position = (*batch)->next_offset;
      if (!(*batch)->records.empty()) into.batches.emplace_back(*std::move(batch));
    }
    if (next.is_end && state->reported_end != state->position) {
      state->reported_end = state->position;
      ends_.push_back(next.of);
    }
    fetched_bytes_ -= next.bytes;
    fetched_.pop_front();
  }
  return {};
}

}  // namespace moldau::client
