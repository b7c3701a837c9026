#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "moldau/core/bytes.hpp"
#include "moldau/core/ids.hpp"
#include "moldau/core/result.hpp"
#include "raft/voters.hpp"

namespace moldau::raft {

/// A snapshot holds everything below `end_offset`; `epoch` is the epoch of the last record in it.
struct snapshot_id {
  offset end_offset{0};
  leader_epoch epoch{0};

  friend auto operator<=>(const snapshot_id&, const snapshot_id&) = default;
};

/// The snapshot that formatting writes, in the metadata partition's directory.
inline constexpr snapshot_id bootstrap_snapshot_id{};
/// What formatting writes beside it, in the metadata log directory itself: the same format, holding the records of the
/// first transaction.
inline constexpr std::string_view bootstrap_file_name = "bootstrap.checkpoint";

/// `00000000000000000042-0000000003.checkpoint`
[[nodiscard]] std::string snapshot_file_name(snapshot_id id);
/// Nothing for any other file, and for `.part` and `.deleted` ones.
[[nodiscard]] std::optional<snapshot_id> parse_snapshot_file_name(std::string_view name);
/// Whether `name` is a leftover that may be deleted at start: a `.checkpoint.part` or `.checkpoint.deleted` file.
[[nodiscard]] bool is_snapshot_leftover(std::string_view name);

struct snapshot_header {
  snapshot_id id;
  /// The timestamp of the last batch that the snapshot covers, milliseconds since 1970; 0 when there is none.
  std::int64_t last_contained_log_timestamp_ms = 0;
  /// From 1 on the header batch also holds kraft.version and the voters.
  std::int16_t kraft_version = 0;
  std::optional<voter_set> voters;
};

/// Builds a snapshot's bytes, the same as Kafka's: a control batch with the header, data batches, one with the footer.
/// Not thread safe; no I/O: the caller writes the bytes to `<name>.part`, syncs, renames and syncs the directory.
class snapshot_writer {
 public:
  /// `now_ms`: the timestamp of every batch.
  snapshot_writer(const snapshot_header& header, std::int64_t now_ms);

  /// Adds one batch of records (each the value of one: frame, type, version, fields). Batches stay below 8 MiB, so a
  /// longer list becomes several.
  void append(const std::vector<shared_bytes>& records);
  /// Adds the footer and hands over the file's bytes, in pieces to be written one after another.
  [[nodiscard]] std::vector<shared_bytes> finish();

 private:
  void append_batch(const std::vector<shared_bytes>& records, std::size_t from, std::size_t to);

  std::vector<shared_bytes> batches_;
  leader_epoch epoch_;
  std::int64_t now_ms_;
  offset next_{0};
};

/// What a snapshot's control records hold.
struct snapshot_contents {
  /// As the caller named it.
  snapshot_id id;
  std::int64_t last_contained_log_timestamp_ms = 0;
  std::int16_t kraft_version = 0;
  std::optional<voter_set> voters;
  std::size_t records = 0;
};

/// Reads a whole snapshot and calls `each` with every data record's value, in order; the views end with the call.
///
/// Errors: `malformed` when the file is cut short, a checksum is wrong, or header or footer are missing (a snapshot
/// without a footer was never finished); what `each` returns.
[[nodiscard]] result<snapshot_contents> read_snapshot(snapshot_id id, bytes_view file,
                                                      const std::function<result<void>(bytes_view)>& each);

}  // namespace moldau::raft
