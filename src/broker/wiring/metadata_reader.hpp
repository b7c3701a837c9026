#pragma once

#include <optional>
#include <string_view>

#include "broker/wiring/metadata_service.hpp"
#include "moldau/core/ids.hpp"
#include "raft/fetch_position.hpp"
#include "wire/arena.hpp"

namespace moldau::broker {

/// The most that one answer holds of the metadata log or of a snapshot, as in Kafka.
inline constexpr std::uint32_t metadata_fetch_bytes_max = 8U << 20U;

/// Compares a reader's position with the metadata log. On core 0.
[[nodiscard]] raft::fetch_direction direct(metadata_service& in, const raft::fetch_position& from);

/// Tells who leads the metadata quorum, and if asked where, on the reader's own listener. On core 0.
template <typename Response, typename Partition>
void tell_leader(const metadata_service& in, std::string_view listener, bool with_endpoints, wire::arena& arena,
                 Response& response, Partition& partition) {
  const raft::quorum& quorum = in.quorum();
  partition.current_leader.leader_id = quorum.leader();
  partition.current_leader.leader_epoch = quorum.epoch();
  const raft::voter* leader = quorum.voters().find(quorum.leader());
  if (!with_endpoints || leader == nullptr) return;
  for (const raft::endpoint& at : leader->endpoints) {
    if (at.name != listener) continue;
    auto& to = response.node_endpoints.emplace_back();
    to.node_id = quorum.leader();
    to.host = arena.store(at.host);
    to.port = at.port;
  }
}

}  // namespace moldau::broker
