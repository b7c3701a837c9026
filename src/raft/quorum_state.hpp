#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "moldau/core/ids.hpp"
#include "moldau/core/result.hpp"

namespace moldau::raft {

/// What the file `quorum-state` holds: the election that this replica has seen last.
struct quorum_state {
  broker_id leader = no_broker;
  leader_epoch epoch{0};
  broker_id voted = no_broker;
  /// Zero where none is known (file version 0, or no vote).
  directory_id voted_directory;
  /// Written by version 0 only, and never believed when read.
  std::vector<broker_id> voters;

  friend bool operator==(const quorum_state&, const quorum_state&) = default;
};

inline constexpr std::string_view quorum_state_file_name = "quorum-state";

/// Reads the file's one line of JSON, of data_version 0 or 1. Errors: `malformed`.
[[nodiscard]] result<quorum_state> parse_quorum_state(std::string_view text);

/// The file's text as Kafka writes it: data_version 0 while kraft.version is 0, otherwise 1. To be written to a
/// temporary file, synced and renamed.
[[nodiscard]] std::string print_quorum_state(const quorum_state& state, std::int16_t kraft_version);

}  // namespace moldau::raft
