#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "client/partition_key.hpp"
#include "moldau/core/errc.hpp"
#include "moldau/core/ids.hpp"
#include "moldau/core/topic_partition.hpp"
#include "wire/protocol/fetch_request.hpp"

namespace moldau::client {

/// What to ask of one partition.
struct fetch_ask {
  const topic_partition* of = nullptr;
  moldau::offset fetch_offset;
  leader_epoch current_leader_epoch = no_leader_epoch;
  std::int32_t bytes_max = 0;
};

/// A fetch session with one broker (KIP-227), without I/O: the broker remembers what is asked, and a request names only
/// what changed since the one before. One request at a time.
class fetch_session {
 public:
  /// Writes what makes the broker's list of partitions into `asks`, which are in order. Views what they point to. What
  /// `into` named before is replaced, in the same memory.
  void begin(std::span<const fetch_ask> asks, wire::protocol::fetch_request& into);
  /// The answer to that request. Its code is `errc::none`, or the session is begun anew with the next request.
  void on_answer(errc code, std::int32_t session_id);
  /// No answer came: what the broker knows isn't known any more.
  void on_failure();

  /// Whether the broker keeps a session that `end` would close.
  [[nodiscard]] bool is_open() const { return id_ != 0; }
  /// Makes a request that ends the session.
  void end(wire::protocol::fetch_request& into);
  [[nodiscard]] std::int32_t id() const { return id_; }
  [[nodiscard]] std::int32_t epoch() const { return epoch_; }

 private:
  static constexpr std::int32_t initial_epoch = 0;
  static constexpr std::int32_t final_epoch = -1;

  struct sent {
    moldau::offset fetch_offset;
    leader_epoch current_leader_epoch;
    std::int32_t bytes_max = 0;
    /// Of the request that named it last as wanted.
    std::uint64_t seen = 0;
  };

  std::map<topic_partition, sent, partition_less> partitions_;
  std::int32_t id_ = 0;
  std::int32_t epoch_ = initial_epoch;
  std::uint64_t request_ = 0;
};

}  // namespace moldau::client
