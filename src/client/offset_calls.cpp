#include "client/offset_calls.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "client/leader_calls.hpp"
#include "wire/protocol/list_offsets_request.hpp"
#include "wire/protocol/list_offsets_response.hpp"
#include "wire/protocol/offset_commit_request.hpp"
#include "wire/protocol/offset_commit_response.hpp"
#include "wire/protocol/offset_fetch_request.hpp"
#include "wire/protocol/offset_fetch_response.hpp"

namespace moldau::client {

using namespace wire::protocol;

namespace {

/// A partition's error that isn't only that of a topic which nobody knows any more.
template <typename Topics>
errc first_code(const Topics& topics) {
  for (const auto& topic : topics) {
    for (const auto& p : topic.partitions) {
      if (p.error_code != errc::none && p.error_code != errc::unknown_topic_or_partition) return p.error_code;
    }
  }
  return errc::none;
}

/// The first version that knows each of the times that stand for themselves.
std::int16_t version_for(std::int64_t time) {
  switch (time) {
    case -3:
      return 7;
    case -4:
      return 8;
    case -5:
      return 9;
    case -6:
      return 11;
    default:
      return 1;
  }
}

rt::task<result<outcomes<topic_partition, listed_offset>>> ask_offsets(peer::connection& to, isolation level,
                                                                       std::int64_t timeout_ms,
                                                                       std::map<topic_partition, std::int64_t> times) {
  list_offsets_request request{.replica_id = no_broker,
                               .isolation_level = static_cast<std::int8_t>(level),
                               .timeout_ms = static_cast<std::int32_t>(timeout_ms)};
  std::int16_t version_min = level == isolation::read_committed ? 2 : 1;
  for (const auto& [partition, time] : times) {
    topic_entry(request.topics, partition.topic)
        .partitions.push_back({.partition_index = partition.partition, .timestamp = time});
    version_min = std::max(version_min, version_for(time));
  }
  MOLDAU_CO_TRY_ASSIGN(const auto answer,
                       co_await to.call<list_offsets_response>(std::move(request), {.version_min = version_min}));
  outcomes<topic_partition, listed_offset> out;
  for (const auto& topic : answer->topics) {
    for (const auto& p : topic.partitions) {
      const topic_partition partition{std::string(topic.name), p.partition_index};
      if (p.error_code != errc::none) {
        out[partition] = std::unexpected(partition_error(p.error_code, partition));
      } else {
        out[partition] = listed_offset{p.offset, p.timestamp, p.leader_epoch};
      }
    }
  }
  co_return out;
}

}  // namespace

rt::task<result<outcomes<topic_partition, listed_offset>>> list_offsets(std::shared_ptr<cluster> of,
                                                                        std::map<topic_partition, std::int64_t> times,
                                                                        isolation level, call_token call) {
  const std::int64_t timeout_ms = of->options().request_timeout_ms;
  co_return co_await ask_leaders<listed_offset, std::int64_t>(
      std::move(of), std::move(times),
      [level, timeout_ms](peer::connection& to, const std::map<topic_partition, std::int64_t>& part) {
        return ask_offsets(to, level, timeout_ms, part);
      },
      std::move(call));
}

rt::task<result<std::map<topic_partition, committed_offset>>> fetch_committed(
    std::shared_ptr<cluster> of, std::string group, std::optional<std::vector<topic_partition>> partitions,
    bool stable_only, call_token call) {
  if (partitions) std::ranges::sort(*partitions);
  const auto ask = [&](peer::connection& to) -> rt::task<result<peer::reply<offset_fetch_response>>> {
    // Version 10 names topics by id.
    const auto version = to.api_versions().choose(offset_fetch_request::api_key, "OffsetFetch", {1, 9});
    if (!version) co_return std::unexpected(version.error());
    constexpr std::int16_t first_version_with_stable = 7;
    offset_fetch_request request{.require_stable = stable_only && *version >= first_version_with_stable};
    if (*version >= 8) {
      offset_fetch_request::offset_fetch_request_group asked{.group_id = group};
      if (!partitions) asked.topics.reset();
      if (partitions) {
        for (const auto& p : *partitions) topic_entry(*asked.topics, p.topic).partition_indexes.push_back(p.partition);
      }
      request.groups.push_back(std::move(asked));
      request.topics->clear();
    } else {
      request.group_id = group;
      if (!partitions) {
        request.topics.reset();
      } else {
        for (const auto& p : *partitions)
          topic_entry(*request.topics, p.topic).partition_indexes.push_back(p.partition);
      }
    }
    co_return co_await to.call_at<offset_fetch_response>(*version, std::move(request));
  };
  const auto judge = [&](const peer::reply<offset_fetch_response>& answer) {
    const bool by_group = answer.version >= 8 && !answer->groups.empty();
    errc code = by_group ? answer->groups.front().error_code : answer->error_code;
    if (code == errc::none) {
      code = by_group ? first_code(answer->groups.front().topics) : first_code(answer->topics);
    }
    if (code == errc::not_coordinator || code == errc::coordinator_not_available) of->forget_coordinator(group);
    return code;
  };
  MOLDAU_CO_TRY_ASSIGN(const auto answer,
                       co_await of->with_retries([&] { return of->coordinator(group); }, ask, judge, call));
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
                                                           std::map<topic_partition, committed_offset> offsets,
                                                           call_token call) {
  outcomes<topic_partition> out;
  if (offsets.empty()) co_return out;
  offset_commit_request request{
      .group_id = who.group_id, .generation_id_or_member_epoch = who.generation, .member_id = who.member_id};
  if (who.instance_id) request.group_instance_id = *who.instance_id;
  for (const auto& [partition, committed] : offsets) {
    topic_entry(request.topics, partition.topic)
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
                       co_await of->with_retries([&] { return of->coordinator(who.group_id); }, ask, judge, call));
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
