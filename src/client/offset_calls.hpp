#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/cluster.hpp"
#include "moldau/client/admin.hpp"
#include "moldau/client/consumer.hpp"
#include "rt/task.hpp"

namespace moldau::client {

/// Offsets by time, each asked of its partition's leader; what fails in passing is asked again within `api_timeout_ms`.
/// An offset of -1 means that no record is that late.
[[nodiscard]] rt::task<result<outcomes<topic_partition, listed_offset>>> list_offsets(
    std::shared_ptr<cluster> of, std::map<topic_partition, std::int64_t> times, isolation level, call_token call = {});

/// What a group has committed: of these partitions, or of all. Partitions without a commit are left out. With
/// `stable_only` a commit in a transaction that hasn't ended is waited for (KIP-447).
[[nodiscard]] rt::task<result<std::map<topic_partition, committed_offset>>> fetch_committed(
    std::shared_ptr<cluster> of, std::string group, std::optional<std::vector<topic_partition>> partitions,
    bool stable_only = false, call_token call = {});

/// Commits in a group's name: a member's, or with generation -1 from outside. One attempt at a coordinator that is
/// moving or loading is followed by others.
[[nodiscard]] rt::task<result<outcomes<topic_partition>>> commit_offsets(
    std::shared_ptr<cluster> of, group_metadata who, std::map<topic_partition, committed_offset> offsets,
    call_token call = {});

/// The first failure of `all`, or nothing.
template <typename Key, typename T>
[[nodiscard]] result<void> first_failure(const outcomes<Key, T>& all) {
  for (const auto& [key, outcome] : all) {
    if (!outcome) return std::unexpected(outcome.error());
  }
  return {};
}

}  // namespace moldau::client
