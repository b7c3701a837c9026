#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <set>
#include <string>

#include "broker/dispatch.hpp"
#include "broker/tests/broker_fixture.hpp"
#include "wire/protocol/alter_configs_request.hpp"
#include "wire/protocol/alter_configs_response.hpp"
#include "wire/protocol/api_versions_request.hpp"
#include "wire/protocol/api_versions_response.hpp"
#include "wire/protocol/create_partitions_request.hpp"
#include "wire/protocol/create_partitions_response.hpp"
#include "wire/protocol/delete_groups_request.hpp"
#include "wire/protocol/delete_groups_response.hpp"
#include "wire/protocol/delete_records_request.hpp"
#include "wire/protocol/delete_records_response.hpp"
#include "wire/protocol/delete_topics_request.hpp"
#include "wire/protocol/delete_topics_response.hpp"
#include "wire/protocol/describe_cluster_request.hpp"
#include "wire/protocol/describe_cluster_response.hpp"
#include "wire/protocol/describe_configs_request.hpp"
#include "wire/protocol/describe_configs_response.hpp"
#include "wire/protocol/describe_groups_request.hpp"
#include "wire/protocol/describe_groups_response.hpp"
#include "wire/protocol/describe_log_dirs_request.hpp"
#include "wire/protocol/describe_log_dirs_response.hpp"
#include "wire/protocol/describe_producers_request.hpp"
#include "wire/protocol/describe_producers_response.hpp"
#include "wire/protocol/describe_quorum_request.hpp"
#include "wire/protocol/describe_quorum_response.hpp"
#include "wire/protocol/describe_topic_partitions_request.hpp"
#include "wire/protocol/describe_topic_partitions_response.hpp"
#include "wire/protocol/fetch_request.hpp"
#include "wire/protocol/fetch_response.hpp"
#include "wire/protocol/fetch_snapshot_request.hpp"
#include "wire/protocol/fetch_snapshot_response.hpp"
#include "wire/protocol/find_coordinator_request.hpp"
#include "wire/protocol/find_coordinator_response.hpp"
#include "wire/protocol/heartbeat_request.hpp"
#include "wire/protocol/heartbeat_response.hpp"
#include "wire/protocol/init_producer_id_request.hpp"
#include "wire/protocol/init_producer_id_response.hpp"
#include "wire/protocol/join_group_request.hpp"
#include "wire/protocol/join_group_response.hpp"
#include "wire/protocol/leave_group_request.hpp"
#include "wire/protocol/leave_group_response.hpp"
#include "wire/protocol/list_groups_request.hpp"
#include "wire/protocol/list_groups_response.hpp"
#include "wire/protocol/list_offsets_request.hpp"
#include "wire/protocol/list_offsets_response.hpp"
#include "wire/protocol/metadata_request.hpp"
#include "wire/protocol/metadata_response.hpp"
#include "wire/protocol/offset_commit_request.hpp"
#include "wire/protocol/offset_commit_response.hpp"
#include "wire/protocol/offset_delete_request.hpp"
#include "wire/protocol/offset_delete_response.hpp"
#include "wire/protocol/offset_fetch_request.hpp"
#include "wire/protocol/offset_fetch_response.hpp"
#include "wire/protocol/offset_for_leader_epoch_request.hpp"
#include "wire/protocol/offset_for_leader_epoch_response.hpp"
#include "wire/protocol/sync_group_request.hpp"
#include "wire/protocol/sync_group_response.hpp"
#include "wire/protocol/update_features_request.hpp"
#include "wire/protocol/update_features_response.hpp"

namespace moldau::broker {
namespace {

using testing::broker_fixture;
using testing::test_client;
namespace protocol = wire::protocol;

/// Every API that is announced, at every version, with a request that makes the response hold as much as it can: what a
/// version has no field for must be left out, or the connection is closed instead of an answer.
class EveryVersionTest : public broker_fixture {
 public:
  EveryVersionTest() {
    start("group.initial.rebalance.delay.ms=0\n");
    protocol::create_topics_request request;
    auto& wanted = request.topics.emplace_back();
    wanted.name = "t";
    wanted.num_partitions = 2;
    wanted.replication_factor = 1;
    topic_ = ask<protocol::create_topics_response>(request, 7).message.topics.front().topic_id;
    EXPECT_EQ(produce_values("t", {"a", "b"}).error, errc::none);
    static_member();
  }

  /// Asks `fill(request, version)` at each version that the broker announces.
  template <typename Request, typename Response>
  void check(const std::function<void(Request&, std::int16_t)>& fill) {
    for (const api_entry& api : served_apis()) {
      if (static_cast<std::int16_t>(api.key) != Request::api_key) continue;
      checked_.insert(api.key);
      const auto& info = protocol::info(api.key);
      for (std::int16_t version = api.min_version(); version <= api.max_version; ++version) {
        Request request;
        fill(request, version);
        if (info.broker) check_one<Response>(request, version, 9092);
        if (info.controller) check_one<Response>(request, version, 9093);
      }
    }
  }
  template <typename Response, typename Request>
  void check_one(const Request& request, std::int16_t version, std::uint16_t port) {
    const auto key = static_cast<protocol::api_key>(Request::api_key);
    SCOPED_TRACE(std::string(protocol::info(key).name) + " v" + std::to_string(version) + " on port " +
                 std::to_string(port));
    shared_bytes room = shared_bytes::allocate(request.encoded_size(version));
    wire::writer to(room.writable());
    request.encode(to, version);
    ASSERT_TRUE(to.status()) << to.status().error().message;
    const auto reply = on_client(call<Response>(request, version, port));
    ASSERT_TRUE(reply) << reply.error().message;
    const std::size_t header = 4 + (protocol::response_header_version(key, version) >= 1 ? 1 : 0);
    EXPECT_EQ(reply->message.encoded_size(version) + header, reply->frame.size());
  }

  std::string_view text(std::string_view before, std::int16_t version) {
    return texts_.emplace_back(std::string(before) + std::to_string(version));
  }

  topic_id topic_;
  std::string member_;
  std::set<protocol::api_key> checked_;

 private:
  void static_member() {
    protocol::find_coordinator_request find;
    find.coordinator_keys = {"g"};
    ask<protocol::find_coordinator_response>(find, 4);
    protocol::join_group_request join;
    join.group_id = "g";
    join.session_timeout_ms = 45'000;
    join.rebalance_timeout_ms = 60'000;
    join.group_instance_id = "instance";
    join.protocol_type = "consumer";
    join.protocols.push_back({.name = "range", .metadata = as_bytes(std::string_view("m"))});
    const auto joined = ask<protocol::join_group_response>(join, 9);
    EXPECT_EQ(joined.message.error_code, errc::none);
    member_ = joined.message.member_id;
    protocol::sync_group_request sync;
    sync.group_id = "g";
    sync.generation_id = joined.message.generation_id;
    sync.member_id = member_;
    sync.group_instance_id = "instance";
    sync.protocol_type = "consumer";
    sync.protocol_name = "range";
    sync.assignments.push_back({.member_id = member_, .assignment = as_bytes(std::string_view("a"))});
    EXPECT_EQ(ask<protocol::sync_group_response>(sync, 5).message.error_code, errc::none);
  }

  std::deque<std::string> texts_;
};

TEST_F(EveryVersionTest, IsAnsweredInItsOwnFormat) {
  using namespace protocol;
  check<api_versions_request, api_versions_response>([](auto& r, std::int16_t v) {
    if (v < 3) return;
    r.client_software_name = "test";
    r.client_software_version = "1";
  });

  // Topics and their records.
  const shared_bytes batch = testing::batch_of({"x"}, client_.wall_ms());
  check<protocol::produce_request, produce_response>([&](auto& r, std::int16_t v) {
    r.acks = -1;
    r.timeout_ms = 1000;
    auto& topic = r.topic_data.emplace_back();
    if (v >= 13) {
      topic.topic_id = topic_;
    } else {
      topic.name = "t";
    }
    for (const int partition : {0, 7}) {
      auto& to = topic.partition_data.emplace_back();
      to.index = partition_id(partition);
      to.records = batch.view();
    }
  });
  for (const int isolation : {0, 1}) {
    check<fetch_request, fetch_response>([&](auto& r, std::int16_t v) {
      r.isolation_level = static_cast<std::int8_t>(isolation);
      if (v >= 7) r.session_epoch = 0;
      auto& topic = r.topics.emplace_back();
      if (v >= 13) {
        topic.topic_id = topic_;
      } else {
        topic.topic = "t";
      }
      for (const int partition : {0, 7}) {
        auto& from = topic.partitions.emplace_back();
        from.partition = partition_id(partition);
        from.partition_max_bytes = 1000;
        if (v >= 12) from.last_fetched_epoch = leader_epoch(0);
      }
    });
  }
  check<fetch_request, fetch_response>([](auto& r, std::int16_t v) {
    r.max_bytes = 1 << 20;
    if (v >= 7) r.session_epoch = -1;
    auto& topic = r.topics.emplace_back();
    if (v >= 13) topic.topic_id = metadata_topic_id;
    auto& from = topic.partitions.emplace_back();
    if (v >= 9) from.current_leader_epoch = leader_epoch(1);
    if (v >= 12) from.last_fetched_epoch = leader_epoch(0);
  });
  check<fetch_snapshot_request, fetch_snapshot_response>([](auto& r, std::int16_t) {
    auto& topic = r.topics.emplace_back();
    topic.name = "__cluster_metadata";
    topic.partitions.emplace_back().current_leader_epoch = leader_epoch(1);
  });
  check<list_offsets_request, list_offsets_response>([](auto& r, std::int16_t) {
    r.replica_id = no_broker;
    auto& topic = r.topics.emplace_back();
    topic.name = "t";
    for (const int partition : {0, 7}) {
      for (const int timestamp : {0, -1, -2, -3, -4, -5, -6}) {
        topic.partitions.push_back({.partition_index = partition_id(partition), .timestamp = timestamp});
      }
    }
  });
  check<metadata_request, metadata_response>([&](auto& r, std::int16_t v) {
    if (v >= 4) r.allow_auto_topic_creation = false;
    if (v >= 8) r.include_topic_authorized_operations = true;
    if (v >= 8 && v <= 10) r.include_cluster_authorized_operations = true;
    r.topics->emplace_back().name = "t";
    r.topics->emplace_back().name = "no-such";
    r.topics->emplace_back().name = "no such";
    if (v < 10) return;
    for (const topic_id& id : {topic_, topic_id(uuid(std::array<std::byte, 16>{std::byte{1}}))}) {
      auto& by_id = r.topics->emplace_back();
      by_id.name = std::nullopt;
      by_id.topic_id = id;
    }
  });
  check<metadata_request, metadata_response>([](auto& r, std::int16_t v) {
    if (v > 0) r.topics = std::nullopt;
  });
  check<delete_records_request, delete_records_response>([](auto& r, std::int16_t) {
    auto& topic = r.topics.emplace_back();
    topic.name = "t";
    for (const int partition : {0, 7}) {
      topic.partitions.push_back({.partition_index = partition_id(partition), .offset = offset(1)});
    }
  });
  check<offset_for_leader_epoch_request, offset_for_leader_epoch_response>([](auto& r, std::int16_t) {
    auto& topic = r.topics.emplace_back();
    topic.topic = "t";
    for (const int partition : {0, 7}) {
      topic.partitions.push_back({.partition = partition_id(partition), .leader_epoch = leader_epoch(0)});
    }
  });
  check<describe_producers_request, describe_producers_response>([](auto& r, std::int16_t) {
    r.topics.push_back({.name = "t", .partition_indexes = {partition_id(0), partition_id(7)}});
    r.topics.push_back({.name = "no such", .partition_indexes = {partition_id(0)}});
  });
  check<describe_topic_partitions_request, describe_topic_partitions_response>([](auto& r, std::int16_t) {
    r.response_partition_limit = 1;
    r.topics.push_back({.name = "t"});
    r.topics.push_back({.name = "no-such"});
  });
  check<describe_log_dirs_request, describe_log_dirs_response>([](auto& r, std::int16_t) { r.topics = std::nullopt; });
  check<init_producer_id_request, init_producer_id_response>([](auto& r, std::int16_t) {
    r.transactional_id = std::nullopt;
    r.transaction_timeout_ms = 1000;
  });

  // Groups.
  check<find_coordinator_request, find_coordinator_response>([](auto& r, std::int16_t v) {
    if (v >= 4) {
      r.coordinator_keys = {"g"};
    } else {
      r.key = "g";
    }
  });
  check<find_coordinator_request, find_coordinator_response>([](auto& r, std::int16_t v) {
    if (v >= 1) r.key_type = 1;
    if (v >= 4) r.coordinator_keys = {"g"};
  });
  check<join_group_request, join_group_response>([&](auto& r, std::int16_t v) {
    r.group_id = text("join-", v);
    r.session_timeout_ms = 45'000;
    if (v >= 1) r.rebalance_timeout_ms = 60'000;
    if (v >= 5) r.group_instance_id = "instance";
    r.protocol_type = "consumer";
    r.protocols.push_back({.name = "range", .metadata = as_bytes(std::string_view("m"))});
  });
  check<join_group_request, join_group_response>([&](auto& r, std::int16_t) { r.group_id = ""; });
  for (const std::string_view group : {"g", "no-such"}) {
    check<sync_group_request, sync_group_response>([&](auto& r, std::int16_t v) {
      r.group_id = group;
      r.generation_id = 1;
      r.member_id = member_;
      if (v >= 5) {
        r.protocol_type = "consumer";
        r.protocol_name = "range";
      }
    });
    check<heartbeat_request, heartbeat_response>([&](auto& r, std::int16_t) {
      r.group_id = group;
      r.generation_id = 1;
      r.member_id = member_;
    });
    check<describe_groups_request, describe_groups_response>([&](auto& r, std::int16_t v) {
      r.groups = {group};
      if (v >= 3) r.include_authorized_operations = true;
    });
    check<offset_commit_request, offset_commit_response>([&](auto& r, std::int16_t v) {
      r.group_id = group;
      r.generation_id_or_member_epoch = 1;
      r.member_id = member_;
      auto& topic = r.topics.emplace_back();
      if (v >= 10) {
        topic.topic_id = topic_;
      } else {
        topic.name = "t";
      }
      for (const int partition : {0, 7}) {
        topic.partitions.push_back(
            {.partition_index = partition_id(partition), .committed_offset = offset(1), .committed_metadata = "x"});
      }
    });
    for (const bool all : {false, true}) {
      check<offset_fetch_request, offset_fetch_response>([&](auto& r, std::int16_t v) {
        if (v < 8) {
          r.group_id = group;
          if (all && v >= 2) {
            r.topics = std::nullopt;
          } else {
            r.topics->push_back({.name = "t", .partition_indexes = {partition_id(0), partition_id(7)}});
          }
          return;
        }
        auto& wanted = r.groups.emplace_back();
        wanted.group_id = group;
        if (all) {
          wanted.topics = std::nullopt;
        } else if (v >= 10) {
          wanted.topics->push_back({.topic_id = topic_, .partition_indexes = {partition_id(0), partition_id(7)}});
          wanted.topics->push_back({.topic_id = topic_id(uuid(std::array<std::byte, 16>{std::byte{1}})),
                                    .partition_indexes = {partition_id(0)}});
        } else {
          wanted.topics->push_back({.name = "t", .partition_indexes = {partition_id(0), partition_id(7)}});
        }
      });
    }
    check<offset_delete_request, offset_delete_response>([&](auto& r, std::int16_t) {
      r.group_id = group;
      r.topics.push_back({.name = "t", .partitions = {{.partition_index = partition_id(0)}}});
    });
    check<leave_group_request, leave_group_response>([&](auto& r, std::int16_t v) {
      r.group_id = group;
      if (v < 3) {
        r.member_id = "no-such";
      } else {
        r.members.push_back({.member_id = "", .group_instance_id = "no-such"});
      }
    });
  }
  check<list_groups_request, list_groups_response>([](auto&, std::int16_t) {});
  check<delete_groups_request, delete_groups_response>(
      [](auto& r, std::int16_t) { r.groups_names = {"g", "no-such"}; });

  // What an administrator does.
  check<protocol::create_topics_request, create_topics_response>([&](auto& r, std::int16_t v) {
    for (const std::string_view name : {text("made-", v), std::string_view("t"), std::string_view("no such")}) {
      auto& topic = r.topics.emplace_back();
      topic.name = name;
      topic.num_partitions = 1;
      topic.replication_factor = 1;
      topic.configs.push_back({.name = "retention.ms", .value = "1000"});
    }
  });
  check<delete_topics_request, delete_topics_response>([&](auto& r, std::int16_t v) {
    if (v < 6) {
      r.topic_names = {text("made-", v), "no-such"};
      return;
    }
    r.topics.push_back({.name = text("made-", v), .topic_id = {}});
    r.topics.push_back({.name = std::nullopt, .topic_id = topic_id(uuid(std::array<std::byte, 16>{std::byte{1}}))});
  });
  check<create_partitions_request, create_partitions_response>([](auto& r, std::int16_t v) {
    r.topics.push_back({.name = "t", .count = 3 + v, .assignments = std::nullopt});
    r.topics.push_back({.name = "no-such", .count = 3, .assignments = std::nullopt});
  });
  check<describe_configs_request, describe_configs_response>([](auto& r, std::int16_t v) {
    r.include_synonyms = true;
    if (v >= 3) r.include_documentation = true;
    for (const auto& [type, name] : {std::pair(2, "t"), {2, "no-such"}, {4, "1"}, {4, "2"}, {4, ""}, {8, "1"}}) {
      r.resources.push_back(
          {.resource_type = static_cast<std::int8_t>(type), .resource_name = name, .configuration_keys = std::nullopt});
    }
  });
  check<alter_configs_request, alter_configs_response>([](auto& r, std::int16_t) {
    for (const std::string_view name : {"t", "no-such"}) {
      r.resources.push_back(
          {.resource_type = 2, .resource_name = name, .configs = {{.name = "retention.ms", .value = "5000"}}});
    }
  });
  check<incremental_alter_configs_request, incremental_alter_configs_response>([](auto& r, std::int16_t) {
    for (const std::string_view name : {"t", "no-such"}) {
      r.resources.push_back(
          {.resource_type = 2, .resource_name = name, .configs = {{.name = "retention.ms", .value = "5000"}}});
    }
  });
  check<describe_quorum_request, describe_quorum_response>([](auto& r, std::int16_t) {
    r.topics.push_back({.topic_name = "__cluster_metadata", .partitions = {{.partition_index = partition_id(0)}}});
    r.topics.push_back({.topic_name = "t", .partitions = {{.partition_index = partition_id(0)}}});
  });
  check<update_features_request, update_features_response>(
      [](auto& r, std::int16_t) { r.feature_updates.push_back({.feature = "no.such", .max_version_level = 1}); });
  check<describe_cluster_request, describe_cluster_response>([](auto&, std::int16_t) {});

  for (const api_entry& api : served_apis()) {
    EXPECT_TRUE(checked_.contains(api.key)) << protocol::info(api.key).name << " isn't asked here";
  }
}

}  // namespace
}  // namespace moldau::broker
