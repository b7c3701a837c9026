#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "testing/fake_broker/call.hpp"

namespace moldau::testing::fake {

// The handlers, a file each in `handlers/`.
outcome handle_api_versions(call& what);
outcome handle_create_partitions(call& what);
outcome handle_create_topics(call& what);
outcome handle_delete_groups(call& what);
outcome handle_delete_records(call& what);
outcome handle_delete_topics(call& what);
outcome handle_describe_cluster(call& what);
outcome handle_describe_configs(call& what);
outcome handle_describe_groups(call& what);
outcome handle_describe_log_dirs(call& what);
outcome handle_describe_quorum(call& what);
outcome handle_fetch(call& what);
outcome handle_find_coordinator(call& what);
outcome handle_heartbeat(call& what);
outcome handle_incremental_alter_configs(call& what);
outcome handle_init_producer_id(call& what);
outcome handle_join_group(call& what);
outcome handle_leave_group(call& what);
outcome handle_list_groups(call& what);
outcome handle_list_offsets(call& what);
outcome handle_metadata(call& what);
outcome handle_offset_commit(call& what);
outcome handle_offset_delete(call& what);
outcome handle_offset_fetch(call& what);
outcome handle_offset_for_leader_epoch(call& what);
outcome handle_produce(call& what);
outcome handle_sync_group(call& what);
outcome handle_update_features(call& what);

struct served_api {
  testing::api key;
  outcome (*handle)(call&);
  std::int16_t version_min;
  std::int16_t version_max;
  /// Kafka 2.8's highest.
  std::int16_t version_max_2_8;
};

[[nodiscard]] std::span<const served_api> all_apis();
[[nodiscard]] const served_api* find_api(std::int16_t key);
/// The highest version that these brokers take; nothing if they don't know the kind.
[[nodiscard]] std::optional<std::int16_t> version_max(const served_api& of, const fake_broker_options& by);

}  // namespace moldau::testing::fake
