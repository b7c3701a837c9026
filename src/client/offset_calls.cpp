#include "client/offset_calls.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "wire/protocol/list_offsets_request.hpp"
#include "wire/protocol/list_offsets_response.hpp"
#include "wire/protocol/offset_commit_request.hpp"
#include "wire/protocol/offset_commit_response.hpp"
#include "wire/protocol/offset_fetch_request.hpp"
#include "wire/protocol/offset_fetch_response.hpp"

namespace moldau::client {

using namespace wire::protocol;

namespace {

error partition_error(errc code, const topic_partition& of) {
  return {code, fmt::format("partition {} of '{}': {}", of.partition.value(), of.topic, name(code))};
}

/// Groups keys that are sorted by topic into the request's topics.
template <typename Topics>
auto& topic_of(Topics& topics, std::string_view name) {
  if (topics.empty() || topics.back().name != name) {
    topics.emplace_back();
    topics.back().name = name;
  }
  return topics.back();
}

rt::task<void> ask_leader(std::shared_ptr<cluster> of, broker_id leader, std::map<topic_partition, std::int64_t> times,
                          isolation level, outcomes<topic_partition, listed_offset>& into) {
  const auto fail_all = [&](const error& why) {
    for (const auto& [partition, time] : times) into[partition] = std::unexpected(why);
  };
  auto to = co_await of->broker(leader);
  if (!to) {
    fail_all(to.error());
    co_return;
  }
  list_offsets_request request{.replica_id = no_broker,
                               .isolation_level = static_cast<std::int8_t>(level),
                               .timeout_ms = static_cast<std::int32_t>(of->options().request_timeout_ms)};
  for (const auto& [partition, time] : times) {
    topic_of(request.topics, partition.topic)
        .partitions.push_back({.partition_index = partition.partition, .timestamp = time});
  }
  const auto got = co_await (*to)->call<list_offsets_response>(std::move(request));
  if (!got) {
    fail_all(got.error());
    co_return;
  }
  fail_all({errc::network_exception, "the broker's answer leaves partitions out"});
  for (const auto& topic : (*got)->topics) {
    for (const auto& p : topic.partitions) {
      const topic_partition partition{std::string(topic.name), p.partition_index};
      if (p.error_code != errc::none) {
        into[partition] = std::unexpected(partition_error(p.error_code, partition));
      } else {
        into[partition] = listed_offset{p.offset, p.timestamp, p.leader_epoch};
      }
    }
  }
}

}  // namespace

rt::task<result<outcomes<topic_partition, listed_offset>>> list_offsets(std::shared_ptr<cluster> of,
                                                                        std::map<topic_partition, std::int64_t> times,
                                                                        isolation level) {
  outcomes<topic_partition, listed_offset> out;
  retry_timer timer(of->world(), of->options(), of->options().api_timeout_ms);
  while (true) {
    std::map<broker_id, std::map<topic_partition, std::int64_t>> by_leader;
    for (const auto& [partition, time] : times) {
      const auto topic = co_await of->topic(partition.topic, false, timer.left_ms());
      if (!topic) {
        out[partition] = std::unexpected(topic.error());
        continue;
      }
      const partition_view* view = of->view().partition(partition.topic, partition.partition);
      if (view == nullptr) {
        out[partition] = fail(errc::unknown_topic_or_partition,
                              fmt::format("topic '{}' has {} partitions, there is no {}", partition.topic,
                                          (*topic)->partitions.size(), partition.partition.value()));
        continue;
      }
      by_leader[view->leader][partition] = time;
    }
    for (auto& [leader, part] : by_leader) co_await ask_leader(of, leader, part, level, out);
    std::map<topic_partition, std::int64_t> again;
    for (const auto& [leader, part] : by_leader) {
      for (const auto& [partition, time] : part) {
        const auto& outcome = out.at(partition);
        if (!outcome && may_retry(outcome.error().code)) {
          again[partition] = time;
          of->view().forget(partition.topic);
        }
      }
    }
    if (again.empty() || of->is_closed() || !co_await timer.wait()) co_return out;
    times = std::move(again);
  }
}

rt::task<result<std::map<topic_partition, committed_offset>>> fetch_committed(
    std::shared_ptr<cluster> of, std::string group, std::optional<std::vector<topic_partition>> partitions) {
  if (partitions) std::ranges::sort(*partitions);
  const auto ask = [&](peer::connection& to) -> rt::task<result<peer::reply<offset_fetch_response>>> {
    // Version 10 names topics by id.
    const auto version = to.api_versions().choose(offset_fetch_request::api_key, "OffsetFetch", {1, 9});
    if (!version) co_return std::unexpected(version.error());
    offset_fetch_request request;
    if (*version >= 8) {
      offset_fetch_request::offset_fetch_request_group asked{.group_id = group};
      if (!partitions) asked.topics.reset();
      if (partitions) {
        for (const auto& p : *partitions) topic_of(*asked.topics, p.topic).partition_indexes.push_back(p.partition);
      }
      request.groups.push_back(std::move(asked));
      request.topics->clear();
    } else {
      request.group_id = group;
      if (!partitions) {
        request.topics.reset();
      } else {
        for (const auto& p : *partitions) topic_of(*request.topics, p.topic).partition_indexes.push_back(p.partition);
      }
    }
    co_return co_await to.call_at<offset_fetch_response>(*version, std::move(request));
  };
  const auto judge = [&](const peer::reply<offset_fetch_response>& answer) {
    const errc code =
        answer.version >= 8 && !answer->groups.empty() ? answer->groups.front().error_code : answer->error_code;
    if (code == errc::not_coordinator || code == errc::coordinator_not_available) of->forget_coordinator(group);
    return code;
  };
  MOLDAU_CO_TRY_ASSIGN(const auto answer,
                       co_await of->with_retries([&] { return of->coordinator(group); }, ask, judge));
  if (const errc code = judge(answer); code != errc::none) {
    co_return fail(code, fmt::format("the offsets of group '{}' can't be read: {}", group, name(code)));
  }
  std::map<topic_partition, committed_offset> out;
  const auto take = [&](const auto& topics) {
    for (const auto& topic : topics) {
      for (const auto& p : topic.partitions) {
        if (p.error_code != errc::none || p.committed_offset < offset(0)) continue;
        out[{std::string(topic.name), p.partition_index}] = {p.committed_offset, p.committed_leader_epoch,
                                                             std::string(p.metadata.value_or(""))};
      }
    }
  };
  if (answer.version >= 8) {
    if (!answer->groups.empty()) take(answer->groups.front().topics);
  } else {
    take(answer->topics);
  }
  co_return out;
}

rt::task<result<outcomes<topic_partition>>> commit_offsets(std::shared_ptr<cluster> of, group_metadata who,
                                                           std::map<topic_partition, committed_offset> offsets) {
  outcomes<topic_partition> out;
  if (offsets.empty()) co_return out;
  offset_commit_request request{
      .group_id = who.group_id, .generation_id_or_member_epoch = who.generation, .member_id = who.member_id};
  if (who.instance_id) request.group_instance_id = *who.instance_id;
  for (const auto& [partition, committed] : offsets) {
    topic_of(request.topics, partition.topic)
        .partitions.push_back({.partition_index = partition.partition,
                               .committed_offset = committed.offset,
                               .committed_leader_epoch = committed.leader_epoch,
                               .committed_metadata = committed.metadata});
  }
  const auto ask = [&](peer::connection& to) { return to.call<offset_commit_response>(request, {.version_max = 9}); };
  const auto judge = [&](const peer::reply<offset_commit_response>& answer) {
    for (const auto& topic : answer->topics) {
      for (const auto& p : topic.partitions) {
        const errc code = p.error_code;
        if (code == errc::not_coordinator || code == errc::coordinator_not_available)
          of->forget_coordinator(who.group_id);
        if (code == errc::not_coordinator || code == errc::coordinator_not_available ||
            code == errc::coordinator_load_in_progress || code == errc::request_timed_out) {
          return code;
        }
      }
    }
    return errc::none;
  };
  MOLDAU_CO_TRY_ASSIGN(const auto answer,
                       co_await of->with_retries([&] { return of->coordinator(who.group_id); }, ask, judge));
  for (const auto& topic : answer->topics) {
    for (const auto& p : topic.partitions) {
      const topic_partition partition{std::string(topic.name), p.partition_index};
      out[partition] =
          p.error_code == errc::none ? result<void>() : std::unexpected(partition_error(p.error_code, partition));
    }
  }
  co_return out;
}

}  // namespace moldau::client
