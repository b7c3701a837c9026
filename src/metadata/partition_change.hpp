#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "metadata/image.hpp"
#include "moldau/core/bytes.hpp"
#include "moldau/core/ids.hpp"

namespace moldau::metadata {

/// A partition's next state as its controller wants it; `build` elects a leader and makes the record.
struct partition_change {
  const partition* before = nullptr;
  topic_id topic;
  std::int16_t metadata_version = 0;
  /// Who could lead at all: alive, with the replica's directory online.
  std::function<bool(broker_id)> acceptable;
  std::vector<broker_id> isr;
  /// One a replica; none: they stay.
  std::optional<std::vector<directory_id>> directories;
  /// Who was killed and so isn't eligible by having been in the ISR.
  broker_id unclean = no_broker;
  std::int32_t min_insync_replicas = 1;
  /// Eligible leader replicas (KIP-966) are on.
  bool elr = false;
  /// `unclean.leader.election.enable`
  bool unclean_election = false;

  /// The PartitionChangeRecord; nothing if all stays as it is.
  [[nodiscard]] std::optional<shared_bytes> build() const;
};

}  // namespace moldau::metadata
