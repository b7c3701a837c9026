#include <algorithm>

#include "base/topic_name.hpp"
#include "broker/handlers.hpp"
#include "broker/node.hpp"
#include "broker/serve.hpp"
#include "broker/shard.hpp"
#include "broker/wiring/metadata_reader.hpp"
#include "wire/protocol/fetch_snapshot_request.hpp"
#include "wire/protocol/fetch_snapshot_response.hpp"

namespace moldau::broker {
namespace {

using wire::protocol::fetch_snapshot_request;
using wire::protocol::fetch_snapshot_response;

/// From here on a response tells where its leader is.
constexpr std::int16_t endpoints_since = 1;

struct piece {
  std::uint64_t snapshot_bytes = 0;
  shared_bytes bytes;
};

/// Errors: `position_out_of_range`, `not_found`.
result<piece> read_piece(rt::file_system& files, const std::string& path, std::int64_t position,
                         std::size_t bytes_max) {
  MOLDAU_TRY_ASSIGN(const auto file, files.open(path, rt::open_mode::read));
  piece out;
  MOLDAU_TRY_ASSIGN(out.snapshot_bytes, file->size());
  if (position < 0 || static_cast<std::uint64_t>(position) >= out.snapshot_bytes) {
    return fail(errc::position_out_of_range);
  }
  const auto from = static_cast<std::uint64_t>(position);
  out.bytes = shared_bytes::allocate(std::min<std::uint64_t>(bytes_max, out.snapshot_bytes - from));
  MOLDAU_TRY_ASSIGN(const std::size_t got, file->read_at(from, out.bytes.writable()));
  out.bytes = out.bytes.slice(0, got);
  return out;
}

/// On core 0. `out` has the partition that was asked for.
rt::task<void> read_snapshot(shard& at, request& what, const fetch_snapshot_request& message,
                             fetch_snapshot_response& out, piece& read) {
  node& owner = at.owner();
  metadata_service& metadata = owner.metadata();
  const auto& asked = message.topics.front().partitions.front();
  auto& to = out.topics.front().partitions.front();
  tell_leader(metadata, what.peer->listener, what.api_version >= endpoints_since, what.arena, out, to);
  if (message.topics.front().name != base::metadata_topic || asked.partition != partition_id(0)) {
    to.error_code = errc::unknown_topic_or_partition;
    co_return;
  }
  to.error_code = metadata.quorum().check_epoch(asked.current_leader_epoch);
  if (to.error_code != errc::none) co_return;
  const raft::snapshot_id id{.end_offset = asked.snapshot_id.end_offset, .epoch = asked.snapshot_id.epoch};
  // The bootstrap snapshot is for this node alone: what it holds is in the log as well.
  if (id == raft::bootstrap_snapshot_id || !metadata.snapshots().contains(id)) {
    to.error_code = errc::snapshot_not_found;
    co_return;
  }
  const auto bytes_max = std::min(static_cast<std::uint32_t>(std::max(message.max_bytes, 0)), metadata_fetch_bytes_max);
  rt::world& world = owner.main_world();
  auto got = co_await world.offload(
      [&] { return read_piece(world.files(), metadata.path_of(id), asked.position, bytes_max); });
  if (!got) {
    // Retention may have taken it just now.
    to.error_code = got.error().code == errc::not_found ? errc::snapshot_not_found : got.error().code;
    co_return;
  }
  read = *std::move(got);
  to.snapshot_id = {.end_offset = id.end_offset, .epoch = id.epoch};
  to.size = static_cast<std::int64_t>(read.snapshot_bytes);
  to.position = asked.position;
}

}  // namespace

/// How a replica of the metadata log takes over what the log has no longer, piece by piece (KIP-630).
rt::task<answer> fetch_snapshot(shard& at, request& what) {
  const auto message = decode_request<fetch_snapshot_request>(at, what);
  if (!message) co_return answer::close_connection();
  fetch_snapshot_response out;
  std::vector<std::vector<rt::chunk>> externals;
  if (message->cluster_id && *message->cluster_id != at.owner().cluster_id()) {
    out.error_code = errc::inconsistent_cluster_id;
  } else if (message->topics.size() != 1 || message->topics.front().partitions.size() != 1) {
    out.error_code = errc::invalid_request;
  } else {
    auto& topic = out.topics.emplace_back();
    topic.name = message->topics.front().name;
    auto& partition = topic.partitions.emplace_back();
    partition.index = message->topics.front().partitions.front().partition;
    partition.unaligned_records = bytes_view{};
    piece read;
    co_await at.world().call_on(0, [&] { return read_snapshot(at, what, *message, out, read); });
    if (read.bytes.size() > 0) {
      partition.unaligned_records = wire::records_field::external(read.bytes.size(), 0);
      externals.emplace_back().emplace_back(std::move(read.bytes));
    }
  }
  co_return answer_with(at, what, encode_response(what, out, externals));
}

}  // namespace moldau::broker
