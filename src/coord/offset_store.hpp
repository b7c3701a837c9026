#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "moldau/core/ids.hpp"

namespace moldau::coord {

/// A committed offset, as its record holds it.
struct committed_offset {
  moldau::offset offset = no_offset;
  leader_epoch epoch = no_leader_epoch;
  std::string metadata;
  std::int64_t commit_timestamp_ms = 0;
  /// Only where an old client asked for a retention of its own.
  std::optional<std::int64_t> expire_timestamp_ms;
  /// Zero if the record doesn't tell.
  topic_id id;
  /// Where the record stands: of a mix of transactional and plain commits the later one counts.
  moldau::offset record_offset = no_offset;

  friend bool operator==(const committed_offset&, const committed_offset&) = default;
};

/// The offsets of all groups of a coordinator's partition, those of open transactions apart.
class offset_store {
 public:
  using partitions = std::map<partition_id, committed_offset>;
  using topics = std::map<std::string, partitions, std::less<>>;
  using groups = std::map<std::string, topics, std::less<>>;

  /// Null if there is none.
  [[nodiscard]] const topics* find(std::string_view group) const;
  [[nodiscard]] const committed_offset* find(std::string_view group, std::string_view topic, partition_id at) const;
  [[nodiscard]] const groups& all() const { return committed_; }
  [[nodiscard]] bool is_pending(std::string_view group, std::string_view topic, partition_id at) const;
  [[nodiscard]] bool has_open_transactions(std::string_view group) const;

  void put(std::string_view group, std::string_view topic, partition_id at, committed_offset what,
           producer_id transaction);
  /// From the committed ones and from open transactions.
  void remove(std::string_view group, std::string_view topic, partition_id at);
  void end_transaction(producer_id transaction, bool commit);

  /// Calls `what(topic, partition)` for each that the group has, committed or pending, once.
  void for_each(std::string_view group, const std::function<void(std::string_view, partition_id)>& what) const;

 private:
  groups committed_;
  std::map<producer_id, groups> pending_;
};

}  // namespace moldau::coord
