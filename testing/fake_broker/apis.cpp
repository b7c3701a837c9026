#include "testing/fake_broker/apis.hpp"

#include <algorithm>
#include <array>

namespace moldau::testing::fake {
namespace {

constexpr served_api entry(api key, outcome (*handle)(call&), std::int16_t version_max_2_8) {
  const auto& known = wire::protocol::info(static_cast<wire::protocol::api_key>(key));
  return {key, handle, known.min_version, known.max_stable_version(), version_max_2_8};
}

/// Kafka 2.8 doesn't have it.
constexpr std::int16_t not_in_2_8 = -1;

constexpr std::array apis{
    entry(api::produce, handle_produce, 9),
    entry(api::fetch, handle_fetch, 12),
    entry(api::list_offsets, handle_list_offsets, 6),
    entry(api::metadata, handle_metadata, 11),
    entry(api::offset_commit, handle_offset_commit, 8),
    entry(api::offset_fetch, handle_offset_fetch, 7),
    entry(api::find_coordinator, handle_find_coordinator, 3),
    entry(api::join_group, handle_join_group, 7),
    entry(api::heartbeat, handle_heartbeat, 4),
    entry(api::leave_group, handle_leave_group, 4),
    entry(api::sync_group, handle_sync_group, 5),
    entry(api::describe_groups, handle_describe_groups, 5),
    entry(api::list_groups, handle_list_groups, 4),
    entry(api::api_versions, handle_api_versions, 3),
    entry(api::create_topics, handle_create_topics, 7),
    entry(api::delete_topics, handle_delete_topics, 6),
    entry(api::delete_records, handle_delete_records, 2),
    entry(api::init_producer_id, handle_init_producer_id, 4),
    entry(api::offset_for_leader_epoch, handle_offset_for_leader_epoch, 4),
    entry(api::describe_configs, handle_describe_configs, 4),
    entry(api::describe_log_dirs, handle_describe_log_dirs, 2),
    entry(api::create_partitions, handle_create_partitions, 3),
    entry(api::delete_groups, handle_delete_groups, 2),
    entry(api::incremental_alter_configs, handle_incremental_alter_configs, 1),
    entry(api::offset_delete, handle_offset_delete, 0),
    entry(api::describe_quorum, handle_describe_quorum, not_in_2_8),
    entry(api::update_features, handle_update_features, 0),
    entry(api::describe_cluster, handle_describe_cluster, 0),
};

}  // namespace

std::span<const served_api> all_apis() {
  return apis;
}

const served_api* find_api(std::int16_t key) {
  const auto found =
      std::ranges::find(apis, key, [](const served_api& one) { return static_cast<std::int16_t>(one.key); });
  return found == apis.end() ? nullptr : &*found;
}

std::optional<std::int16_t> version_max(const served_api& of, const fake_broker_options& by) {
  std::int16_t out = by.release == kafka_release::v2_8 ? of.version_max_2_8 : of.version_max;
  if (const auto capped = by.versions_max.find(of.key); capped != by.versions_max.end()) {
    out = std::min(out, capped->second);
  }
  if (out < of.version_min) return std::nullopt;
  return out;
}

}  // namespace moldau::testing::fake
