#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "moldau/core/bytes.hpp"
#include "moldau/core/errc.hpp"
#include "moldau/core/ids.hpp"

namespace moldau::coord {

/// How a coordinator answers, at once or later, exactly once. What it gets owns its bytes, so that it may go to another
/// core.
template <typename T>
using reply = std::move_only_function<void(T)>;

/// Two clocks: sessions and rebalances run by the first, timestamps in records come from the second.
struct instant {
  std::int64_t monotonic_ms = 0;
  std::int64_t wall_ms = 0;
};

/// Who asks.
struct caller {
  std::int16_t api_version = 0;
  std::string_view client_id;
  /// "/127.0.0.1".
  std::string_view client_host;
};

struct join_result {
  struct member {
    std::string id;
    std::optional<std::string> instance_id;
    shared_bytes metadata;
  };
  errc error = errc::none;
  std::int32_t generation = -1;
  std::optional<std::string> protocol_type;
  std::optional<std::string> protocol_name;
  std::string leader;
  bool skip_assignment = false;
  std::string member_id;
  /// For the leader.
  std::vector<member> members;
};

struct sync_result {
  errc error = errc::none;
  std::optional<std::string> protocol_type;
  std::optional<std::string> protocol_name;
  shared_bytes assignment;
};

/// One member of a LeaveGroup request; older versions ask for one that way too.
struct leaving_member {
  std::string_view id;
  std::optional<std::string_view> instance_id;
  std::optional<std::string_view> reason;
};

struct leave_result {
  errc error = errc::none;
  /// One a member, in the request's order.
  std::vector<errc> members;
};

struct offset_to_commit {
  std::string_view topic;
  topic_id id;
  partition_id partition;
  moldau::offset offset = no_offset;
  leader_epoch epoch = no_leader_epoch;
  std::optional<std::string_view> metadata;
};

struct commit_request {
  std::string_view group;
  std::int32_t generation = -1;
  std::string_view member_id;
  std::optional<std::string_view> instance_id;
  /// -1: the broker's.
  std::int64_t retention_ms = -1;
  std::span<const offset_to_commit> offsets;
};

struct commit_result {
  /// Of the whole request.
  errc error = errc::none;
  /// One an offset, in the request's order, if there is no error of the whole.
  std::vector<errc> offsets;
};

struct fetch_request {
  struct topic {
    std::string_view name;
    /// Offsets of an older topic of that name are none.
    topic_id id;
    std::vector<partition_id> partitions;
  };
  std::string_view group;
  std::optional<std::string_view> member_id;
  std::int32_t member_epoch = -1;
  /// Nothing: all that the group has.
  std::optional<std::vector<topic>> topics;
  bool require_stable = false;
};

struct fetched_offset {
  partition_id partition;
  moldau::offset offset = no_offset;
  leader_epoch epoch = no_leader_epoch;
  std::string metadata;
  errc error = errc::none;
};

struct fetch_result {
  struct topic {
    std::string name;
    std::vector<fetched_offset> partitions;
  };
  errc error = errc::none;
  std::vector<topic> topics;
};

struct delete_offsets_request {
  std::string_view group;
  std::vector<std::pair<std::string_view, partition_id>> partitions;
};

struct listed_group {
  std::string id;
  std::string protocol_type;
  std::string state;
  std::string type;
};

struct described_group {
  struct member {
    std::string id;
    std::optional<std::string> instance_id;
    std::string client_id;
    std::string client_host;
    shared_bytes metadata;
    shared_bytes assignment;
  };
  errc error = errc::none;
  std::string error_message;
  std::string state;
  std::string protocol_type;
  std::string protocol;
  std::vector<member> members;
};

}  // namespace moldau::coord
