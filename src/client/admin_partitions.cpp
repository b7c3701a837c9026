#include <fmt/format.h>

#include <algorithm>

#include "client/admin_impl.hpp"
#include "client/leader_calls.hpp"
#include "wire/protocol/delete_records_request.hpp"
#include "wire/protocol/delete_records_response.hpp"
#include "wire/protocol/describe_producers_request.hpp"
#include "wire/protocol/describe_producers_response.hpp"
#include "wire/protocol/elect_leaders_request.hpp"
#include "wire/protocol/elect_leaders_response.hpp"
#include "wire/protocol/offset_for_leader_epoch_request.hpp"
#include "wire/protocol/offset_for_leader_epoch_response.hpp"

namespace moldau::client {

using namespace wire::protocol;

rt::task<result<outcomes<topic_partition, offset>>> admin::impl::delete_records(
    call_token call, std::map<topic_partition, offset> before) {
  const auto self = shared_from_this();
  const auto timeout_ms = static_cast<std::int32_t>(options_.request_timeout_ms);
  const auto ask = [timeout_ms](
                       peer::connection& to,
                       std::map<topic_partition, offset> part) -> rt::task<result<outcomes<topic_partition, offset>>> {
    delete_records_request request{.timeout_ms = timeout_ms};
    for (const auto& [partition, end] : part) {
      topic_entry(request.topics, partition.topic)
          .partitions.push_back({.partition_index = partition.partition, .offset = end});
    }
    MOLDAU_CO_TRY_ASSIGN(const auto answer, co_await to.call<delete_records_response>(std::move(request)));
    outcomes<topic_partition, offset> out;
    for (const auto& topic : answer->topics) {
      for (const auto& p : topic.partitions) {
        const topic_partition partition{std::string(topic.name), p.partition_index};
        if (p.error_code == errc::none) {
          out[partition] = p.low_watermark;
        } else {
          out[partition] = std::unexpected(partition_error(p.error_code, partition));
        }
      }
    }
    co_return out;
  };
  co_return co_await ask_leaders<offset, offset>(cluster_, std::move(before), ask, std::move(call));
}

rt::task<result<outcomes<topic_partition, listed_offset>>> admin::impl::list_offsets(
    call_token call, std::map<topic_partition, offset_spec> of, isolation level) {
  const auto self = shared_from_this();
  std::map<topic_partition, std::int64_t> times;
  for (const auto& [partition, when] : of) times[partition] = when.timestamp_ms;
  co_return co_await client::list_offsets(cluster_, std::move(times), level, std::move(call));
}

rt::task<result<outcomes<topic_partition, epoch_end>>> admin::impl::epoch_ends(
    call_token call, std::map<topic_partition, leader_epoch> epochs) {
  const auto self = shared_from_this();
  const auto ask =
      [](peer::connection& to,
         std::map<topic_partition, leader_epoch> part) -> rt::task<result<outcomes<topic_partition, epoch_end>>> {
    offset_for_leader_epoch_request request{.replica_id = no_broker};
    for (const auto& [partition, epoch] : part) {
      if (request.topics.empty() || request.topics.back().topic != partition.topic) {
        request.topics.push_back({.topic = partition.topic});
      }
      request.topics.back().partitions.push_back({.partition = partition.partition, .leader_epoch = epoch});
    }
    // From version 3 on a client may ask, and not a replica alone.
    MOLDAU_CO_TRY_ASSIGN(const auto answer,
                         co_await to.call<offset_for_leader_epoch_response>(std::move(request), {.version_min = 3}));
    outcomes<topic_partition, epoch_end> out;
    for (const auto& topic : answer->topics) {
      for (const auto& p : topic.partitions) {
        const topic_partition partition{std::string(topic.topic), p.partition};
        if (p.error_code == errc::none) {
          out[partition] = epoch_end{p.leader_epoch, p.end_offset};
        } else {
          out[partition] = std::unexpected(partition_error(p.error_code, partition));
        }
      }
    }
    co_return out;
  };
  co_return co_await ask_leaders<epoch_end, leader_epoch>(cluster_, std::move(epochs), ask, std::move(call));
}

rt::task<result<outcomes<topic_partition, std::vector<producer_state>>>> admin::impl::describe_producers(
    call_token call, std::vector<topic_partition> partitions) {
  const auto self = shared_from_this();
  struct nothing {};
  const auto ask = [](peer::connection& to, std::map<topic_partition, nothing> part)
      -> rt::task<result<outcomes<topic_partition, std::vector<producer_state>>>> {
    describe_producers_request request;
    for (const auto& [partition, none] : part) {
      topic_entry(request.topics, partition.topic).partition_indexes.push_back(partition.partition);
    }
    MOLDAU_CO_TRY_ASSIGN(const auto answer, co_await to.call<describe_producers_response>(std::move(request)));
    outcomes<topic_partition, std::vector<producer_state>> out;
    for (const auto& topic : answer->topics) {
      for (const auto& p : topic.partitions) {
        const topic_partition partition{std::string(topic.name), p.partition_index};
        if (p.error_code != errc::none) {
          out[partition] = std::unexpected(p.error_message ? error{p.error_code, std::string(*p.error_message)}
                                                           : partition_error(p.error_code, partition));
          continue;
        }
        std::vector<producer_state> states;
        for (const auto& from : p.active_producers) {
          states.push_back({.id = from.producer_id,
                            .epoch = from.producer_epoch,
                            .last_sequence = from.last_sequence,
                            .last_timestamp_ms = from.last_timestamp,
                            .coordinator_epoch = from.coordinator_epoch,
                            .transaction_start = from.current_txn_start_offset >= offset(0)
                                                     ? std::optional(from.current_txn_start_offset)
                                                     : std::nullopt});
        }
        out[partition] = std::move(states);
      }
    }
    co_return out;
  };
  std::map<topic_partition, nothing> asked;
  for (topic_partition& partition : partitions) asked[std::move(partition)];
  co_return co_await ask_leaders<std::vector<producer_state>, nothing>(cluster_, std::move(asked), ask,
                                                                       std::move(call));
}

rt::task<result<outcomes<topic_partition>>> admin::impl::elect_leaders(
    call_token call, election how, std::optional<std::vector<topic_partition>> partitions) {
  const auto self = shared_from_this();
  elect_leaders_request request{.election_type = static_cast<std::int8_t>(how),
                                .timeout_ms = static_cast<std::int32_t>(options_.request_timeout_ms)};
  if (partitions) {
    std::ranges::sort(*partitions);
    request.topic_partitions.emplace();
    for (const topic_partition& partition : *partitions) {
      auto& topics = *request.topic_partitions;
      if (topics.empty() || topics.back().topic != partition.topic) topics.push_back({.topic = partition.topic});
      topics.back().partitions.push_back(partition.partition);
    }
  } else {
    request.topic_partitions.reset();
  }
  // Version 0 knows preferred ones alone.
  const std::int16_t version_min = how == election::unclean ? 1 : 0;
  MOLDAU_CO_TRY_ASSIGN(
      const auto answer,
      co_await ask_controller<elect_leaders_response>(
          call,
          [&](peer::connection& to) { return to.call<elect_leaders_response>(request, {.version_min = version_min}); },
          [](const auto& a) { return a->error_code == errc::not_controller ? a->error_code : errc::none; }));
  MOLDAU_CO_TRY(outcome_of(answer->error_code, std::nullopt, "the election"));
  outcomes<topic_partition> out;
  for (const auto& topic : answer->replica_election_results) {
    for (const auto& p : topic.partition_result) {
      const topic_partition partition{std::string(topic.topic), p.partition_id};
      // As in Java: not needing one is as good as having had one, unless it was asked for by name.
      if (p.error_code == errc::election_not_needed && !partitions) continue;
      out[partition] = outcome_of(p.error_code, p.error_message, partition.topic);
    }
  }
  co_return out;
}

}  // namespace moldau::client
