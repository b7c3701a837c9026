#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "client/consumer_impl.hpp"
#include "client/offset_calls.hpp"
#include "wire/protocol/fetch_request.hpp"

namespace moldau::client {

using wire::protocol::fetch_request;

/// Begins whatever may be begun: finding positions that aren't known, then fetching, one request a broker at a time.
void consumer::impl::pump() {
  if (closing_) return;
  const auto now = runtime_.world().now();
  rounds without_commit;
  rounds without_offset;
  std::map<topic_partition, std::int64_t> times;
  std::map<broker_id, rounds> to_validate;
  bool some_leaderless = false;
  std::optional<rt::time_point> again;
  if (buffered_bytes_ >= options_.prefetch_bytes_max) make_room();
  const bool has_room = buffered_bytes_ < options_.prefetch_bytes_max;
  for (auto& [id, broker] : brokers_) broker.asks.clear();
  for (auto& [partition, state] : assigned_) {
    if (state.busy) continue;
    if (state.not_before > now) {
      again = again ? std::min(*again, state.not_before) : state.not_before;
      continue;
    }
    if (state.current() == phase::unresolved) {
      state.busy = true;
      without_commit[partition] = state.round();
      continue;
    }
    if (state.current() == phase::resetting) {
      state.busy = true;
      without_offset[partition] = state.round();
      times[partition] = state.reset_time();
      continue;
    }
    const topic_view* topic = cluster_->view().topic(partition.topic);
    const partition_view* view = cluster_->view().partition(partition.topic, partition.partition);
    if (view == nullptr || view->leader == no_broker || topic->learned_ms == INT64_MIN) {
      some_leaderless = true;
      continue;
    }
    state.saw_leader(view->leader_epoch);
    if (state.current() == phase::validating) {
      state.busy = true;
      to_validate[view->leader][partition] = state.round();
      continue;
    }
    if (state.paused || state.asked_by != 0 || !has_room) continue;
    if (state.preferred != no_broker &&
        (state.preferred_until <= now || !cluster_->view().nodes().contains(state.preferred))) {
      state.preferred = no_broker;
    }
    broker_fetches& at = brokers_[state.preferred != no_broker ? state.preferred : view->leader];
    if (at.busy) continue;
    at.asks.push_back({.of = &partition,
                       .fetch_offset = state.fetch_position().offset,
                       .current_leader_epoch = view->leader_epoch,
                       .bytes_max = options_.partition_fetch_max_bytes});
  }
  if (!without_commit.empty()) running_.spawn(find_commits(std::move(without_commit)));
  if (!without_offset.empty()) running_.spawn(find_offsets(std::move(without_offset), std::move(times)));
  for (auto& [leader, which] : to_validate) running_.spawn(validate(leader, std::move(which)));
  for (auto& [id, broker] : brokers_) {
    if (!broker.busy && !broker.asks.empty()) {
      broker.busy = true;
      const std::uint64_t request = next_request_++;
      for (const fetch_ask& ask : broker.asks) assigned_.find(*ask.of)->second.asked_by = request;
      running_.spawn(fetch(id, request));
    }
  }
  if (some_leaderless && !std::exchange(refreshing_, true)) running_.spawn(refresh_leaders());
  if (again) run_at(*again);
}

/// The topics of which a partition's leader isn't known, or not for sure any more.
std::set<std::string> consumer::impl::leaderless() const {
  std::set<std::string> out;
  for (const auto& [partition, state] : assigned_) {
    const topic_view* topic = cluster_->view().topic(partition.topic);
    const auto* view = cluster_->view().partition(partition.topic, partition.partition);
    if (view == nullptr || view->leader == no_broker || topic->learned_ms == INT64_MIN) out.insert(partition.topic);
  }
  return out;
}

/// Asks until all leaders are known, the others going on meanwhile.
rt::task<void> consumer::impl::refresh_leaders() {
  const auto self = shared_from_this();
  std::int64_t backoff_ms = options_.client.retry_backoff_ms;
  while (!closing_) {
    const std::set<std::string> topics = leaderless();
    if (topics.empty()) break;
    const auto asked = co_await cluster_->refresh(topics, options_.allow_auto_create_topics);
    if (closing_) break;
    if (!asked && !may_retry(asked.error().code)) fail_with(asked.error());
    for (const std::string& name : topics) {
      const topic_view* topic = cluster_->view().topic(name);
      if (topic != nullptr && topic->code != errc::none && !may_retry(topic->code)) {
        fail_with({topic->code, fmt::format("topic '{}' can't be read: {}", name, moldau::name(topic->code))});
      }
    }
    if (leaderless().empty()) break;
    pump();
    co_await wait_ms(backoff_ms);
    backoff_ms = std::min(2 * backoff_ms, std::max(backoff_ms, options_.client.retry_backoff_max_ms));
  }
  refreshing_ = false;
  pump();
}

rt::task<void> consumer::impl::fetch(broker_id from, std::uint64_t id) {
  const auto self = shared_from_this();
  broker_fetches& at = brokers_[from];
  // What is asked is written down now: partitions may go while the connection is made.
  at.names.clear();
  for (fetch_ask& ask : at.asks) {
    at.names.push_back(assigned_.find(*ask.of)->second.name());
    ask.of = at.names.back().get();
  }
  at.request.max_wait_ms = options_.fetch_max_wait_ms;
  at.request.min_bytes = options_.fetch_min_bytes;
  at.request.max_bytes = options_.fetch_max_bytes;
  at.request.isolation_level = static_cast<std::int8_t>(options_.isolation);
  at.request.rack_id = options_.rack;
  at.session.begin(at.asks, at.request);
  at.asks.clear();
  const auto got = co_await ask_for_records(from, at.request);
  at.busy = false;
  if (got) {
    at.session.on_answer(got->code(), got->session_id());
  } else {
    at.session.on_failure();
  }
  if (closing_) co_return;
  if (got && got->code() == errc::none) {
    take_answer(from, id, *got);
  } else if (!got || !may_retry(got->code())) {
    const auto later = after_ms(options_.client.retry_backoff_ms);
    for (auto& [partition, state] : assigned_) {
      if (state.asked_by != id) continue;
      state.not_before = later;
      if (state.preferred == from) {
        state.preferred = no_broker;
      } else {
        cluster_->view().forget(partition.topic);
      }
    }
  }
  for (auto& [partition, state] : assigned_) {
    if (state.asked_by == id) state.asked_by = 0;
  }
  pump();
  open_ahead();
  news_.notify_all();
}

rt::task<result<fetch_answer>> consumer::impl::ask_for_records(broker_id from, const fetch_request& request) {
  MOLDAU_CO_TRY_ASSIGN(const connection_ptr to, co_await cluster_->broker(from, link_use::fetch));
  MOLDAU_CO_TRY_ASSIGN(const std::int16_t version,
                       to->api_versions().choose(fetch_request::api_key, fetch_request::message_name,
                                                 {fetch_request::min_version, fetch_version_max}));
  const std::int64_t timeout_ms = options_.client.request_timeout_ms + options_.fetch_max_wait_ms;
  MOLDAU_CO_TRY_ASSIGN(shared_bytes body, co_await to->call_body(version, request, timeout_ms));
  auto answer = fetch_answer::parse(std::move(body), version);
  if (answer) to->throttle(answer->throttle_time_ms());
  co_return answer;
}

void consumer::impl::take_answer(broker_id from, std::uint64_t id, const fetch_answer& answer) {
  answer.for_each([&](std::string_view topic, const fetch_answer::partition_data& data) {
    const auto found = assigned_.find(partition_key(topic, data.partition_index));
    if (found == assigned_.end() || found->second.asked_by != id) return;
    if (data.error_code == errc::none) {
      take_partition(from, found->second, data, answer.bytes());
    } else {
      take_error(from, found->second, data);
    }
  });
}

void consumer::impl::take_error(broker_id from, consumed_partition& state, const fetch_answer::partition_data& data) {
  const auto& of = state.of();
  if (data.error_code == errc::offset_out_of_range) {
    if (state.preferred == from) {
      // A follower may lack what the leader has.
      state.preferred = no_broker;
    } else if (state.fetch_position().offset != state.position().offset) {
      // What was fetched before is still good; the application learns of it when it comes here.
      if (std::none_of(parts_.begin() + static_cast<std::ptrdiff_t>(first_part_), parts_.end(),
                       [&](const part& p) { return is_current(p) && *p.of == of; })) {
        state.fetched(state.position());
      } else {
        state.not_before = after_ms(options_.client.retry_backoff_ms);
      }
    } else {
      reset_by_policy(state, data.error_code, fmt::format("has no offset {}", state.fetch_position().offset.value()));
    }
    return;
  }
  if (!may_retry(data.error_code)) {
    state.not_before = after_ms(options_.client.retry_backoff_max_ms);
    fail_with({data.error_code, fmt::format("partition {} of '{}' can't be read: {}", of.partition.value(), of.topic,
                                            moldau::name(data.error_code))});
    return;
  }
  state.preferred = no_broker;
  state.not_before = after_ms(options_.client.retry_backoff_ms);
  cluster_->view().forget(of.topic);
  if (data.current_leader.leader_id != no_broker) {
    cluster_->view().set_leader(of.topic, of.partition, data.current_leader.leader_id,
                                data.current_leader.leader_epoch);
  }
}

void consumer::impl::take_partition(broker_id from, consumed_partition& state, const fetch_answer::partition_data& data,
                                    const shared_bytes& bytes) {
  state.high_watermark = data.high_watermark;
  state.last_stable_offset = data.last_stable_offset;
  state.log_start = data.log_start_offset;
  if (data.preferred_read_replica != no_broker && data.preferred_read_replica != from) {
    state.preferred = data.preferred_read_replica;
    state.preferred_until = after_ms(options_.client.metadata_max_age_ms);
  }
  const auto& of = state.of();
  const offset asked = state.fetch_position().offset;
  const offset end = options_.isolation == isolation::read_committed ? data.last_stable_offset : data.high_watermark;
  const batches_summary found = summarize(data.records.bytes(), asked);
  if (found.end == asked && !data.records.bytes().empty()) {
    state.not_before = after_ms(options_.client.retry_backoff_max_ms);
    fail_with({errc::corrupt_message, fmt::format("partition {} of '{}' at offset {}: the broker sent no whole batch",
                                                  of.partition.value(), of.topic, asked.value())});
    return;
  }
  const bool is_end = found.end >= end;
  if (found.end == asked) {
    if (is_end && state.position().offset == asked && state.reported_end != asked) {
      state.reported_end = asked;
      ends_.push_back(of);
    }
    return;
  }
  buffered_bytes_ += data.records.size();
  state.received.bytes += data.records.size();
  parts_.push_back(
      {.number = next_part_++,
       .of = state.name(),
       .round = state.round(),
       .bytes = data.records.size(),
       .fetched = fetched_partition(state.name(), bytes.slice(data.records.bytes()), asked,
                                    {data.high_watermark, data.last_stable_offset, data.log_start_offset},
                                    data.aborted_transactions.value_or(fetched_partition::aborted_transactions()),
                                    options_.isolation, options_.check_crcs),
       .is_compressed = found.is_compressed,
       .is_end = is_end});
  state.fetched({found.end, found.last_epoch});
}

}  // namespace moldau::client
