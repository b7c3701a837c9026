#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "metadata/changes.hpp"
#include "metadata/image.hpp"
#include "moldau/core/bytes.hpp"
#include "moldau/core/result.hpp"
#include "raft/snapshot.hpp"

namespace moldau::metadata {

/// A new image and what it changed.
struct image_update {
  std::shared_ptr<const metadata::image> image;
  image_changes changes;
};

/// Turns committed batches of the metadata log into images. Sans-I/O; on one core; the images go to all.
///
/// Start: `load_snapshot` with the latest one (if there is any), `load_batch` with every batch of the log from the
/// snapshot's end on, then `publish`. After that `load_batch` and `publish` for what `raft::quorum_effects::committed`
/// brings. Records between BeginTransaction and EndTransaction show only when the transaction has ended.
class loader {
 public:
  loader();

  /// Replaces everything by a snapshot's contents. Errors: as `apply_record` and `raft::read_snapshot`.
  [[nodiscard]] result<raft::snapshot_contents> load_snapshot(raft::snapshot_id id, bytes_view file);
  /// Applies one committed batch (control batches only move the offset). Errors: `malformed`, `unsupported_version`.
  [[nodiscard]] result<void> load_batch(bytes_view batch);
  /// The image up to the last batch, with all changes since the last call; nothing while there are none.
  [[nodiscard]] std::optional<image_update> publish();

  /// The last published image, empty before the first.
  [[nodiscard]] const std::shared_ptr<const image>& current() const { return current_; }
  /// One past the last offset that was loaded.
  [[nodiscard]] offset next_offset() const { return next_offset_; }
  /// Whether the log ends inside a transaction: a controller that takes over aborts it, and no snapshot is due.
  [[nodiscard]] bool in_transaction() const { return in_transaction_; }
  /// Bytes of batches since the last snapshot that was loaded or `snapshot_taken`: for `snapshot_policy`.
  [[nodiscard]] std::size_t bytes_since_snapshot() const { return bytes_since_snapshot_; }
  void snapshot_taken() { bytes_since_snapshot_ = 0; }

 private:
  std::shared_ptr<const image> current_;
  /// What is being edited; its unpublished changes.
  image next_;
  image_changes changes_;
  bool dirty_ = false;
  /// Records of a transaction that hasn't ended.
  bool in_transaction_ = false;
  std::vector<shared_bytes> transaction_;

  [[nodiscard]] result<void> load_record(bytes_view record);
  [[nodiscard]] result<void> commit_transaction();

  offset next_offset_{0};
  std::size_t bytes_since_snapshot_ = 0;
};

}  // namespace moldau::metadata
