#include "storage/segment.hpp"

namespace moldau::storage {

result<std::shared_ptr<rt::file>> file_slot::open(rt::file_system& files, const std::string& path, rt::open_mode mode) {
  if (auto there = get()) return there;
  // Opened outside the lock: two that race open it twice, and the first is kept.
  MOLDAU_TRY_ASSIGN(std::shared_ptr<rt::file> opened, files.open(path, mode));
  const std::lock_guard held(mutex_);
  if (file_ == nullptr) file_ = std::move(opened);
  return file_;
}

std::string segment::path(std::string_view suffix) const {
  return rt::join_path(directory_, segment_file_name(base, suffix));
}

void segment::on_batch(std::uint64_t position, std::uint64_t batch_size, offset last, std::int64_t max_timestamp_ms,
                       std::uint32_t index_interval_bytes) {
  if (position == 0) first_timestamp_ms = max_timestamp_ms;
  if (!largest_time || max_timestamp_ms > largest_time->timestamp_ms) {
    largest_time = time_position{.timestamp_ms = max_timestamp_ms, .offset = last};
  }
  if (bytes_since_index_entry > index_interval_bytes) {
    indexes->offsets.append(last, static_cast<std::uint32_t>(position));
    indexes->times.maybe_append(*largest_time);
    bytes_since_index_entry = 0;
  }
  bytes_since_index_entry += batch_size;
}

index_write take_index_write(segment& of) {
  index_write out;
  if (of.indexes != nullptr) {
    active_indexes& in = *of.indexes;
    out.offsets = in.offsets.encode(in.offsets_persisted);
    out.offsets_at = in.offsets_persisted * offset_index::entry_size;
    out.times = in.times.encode(in.times_persisted);
    out.times_at = in.times_persisted * time_index::entry_size;
    in.offsets_persisted = in.offsets.size();
    in.times_persisted = in.times.size();
  }
  out.aborted = encode_txn_index(of.aborted, of.aborted_persisted);
  out.aborted_at = of.aborted_persisted * aborted_entry::size;
  of.aborted_persisted = of.aborted.size();
  return out;
}

result<void> write_indexes(rt::file_system& files, segment& of, const index_write& what) {
  const auto write_one = [&](file_slot& slot, std::string_view suffix, std::uint64_t at,
                             const std::vector<std::byte>& bytes) -> result<void> {
    MOLDAU_TRY_ASSIGN(auto file, slot.open(files, of.path(suffix), rt::open_mode::create));
    MOLDAU_TRY_ASSIGN(const std::uint64_t size, file->size());
    if (size == at && bytes.empty()) return {};
    if (size != at) MOLDAU_TRY(file->truncate(at));
    if (!bytes.empty()) MOLDAU_TRY(file->write_at(at, bytes));
    return file->sync_data();
  };
  MOLDAU_TRY(write_one(of.offset_file, names::offset_index, what.offsets_at, what.offsets));
  MOLDAU_TRY(write_one(of.time_file, names::time_index, what.times_at, what.times));
  // A file that is longer than what is known would come back with the next start.
  if (!what.aborted.empty() || files.exists(of.path(names::txn_index))) {
    file_slot slot;
    MOLDAU_TRY(write_one(slot, names::txn_index, what.aborted_at, what.aborted));
  }
  return {};
}

}  // namespace moldau::storage
