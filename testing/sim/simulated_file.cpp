#include "testing/sim/simulated_file.hpp"

#include <fmt/format.h>

#include <cstring>

namespace moldau::testing::sim {
namespace {

constexpr std::uint64_t file_size_max = 1ULL << 44U;

}  // namespace

result<void> simulated_file::must_be_writable() const {
  if (!writable_) return fail(errc::io_error, fmt::format("{}: opened for reading only", path_));
  return {};
}

result<std::size_t> simulated_file::read_at(std::uint64_t position, mutable_bytes into) {
  MOLDAU_TRY(storage_.begin(disk_op::read, path_, who_));
  return node_->current.read(position, into);
}

result<void> simulated_file::write_at(std::uint64_t position, std::span<const bytes_view> parts) {
  MOLDAU_TRY(must_be_writable());
  // One change on disk, however many parts: what is torn of it is sectors, not parts.
  if (parts.size() == 1) return write_whole(position, parts.front());
  std::size_t total = 0;
  for (const bytes_view part : parts) total += part.size();
  shared_bytes joined = shared_bytes::allocate(total);
  std::size_t at = 0;
  for (const bytes_view part : parts) {
    if (!part.empty()) std::memcpy(joined.writable().data() + at, part.data(), part.size());
    at += part.size();
  }
  return write_whole(position, joined);
}

result<void> simulated_file::write_whole(std::uint64_t position, bytes_view bytes) {
  if (position > file_size_max || bytes.size() > file_size_max - position) {
    return fail(errc::io_error, fmt::format("{}: file too large", path_));
  }
  const auto begun = storage_.begin(disk_op::write, path_, who_);
  if (!begun) {
    // A failed write may have got some way.
    if (!who_.dead() && begun.error().code == errc::io_error && storage_.random().chance(0.3)) {
      node_->write(position, bytes.first(storage_.random().below(bytes.size() + 1)));
    }
    return std::unexpected(begun.error());
  }
  // On a full disk, whole pages from the front as long as they fit.
  bytes_view fitting = bytes;
  if (node_->current.growth(position, bytes.size()) > 0) {
    const std::uint64_t free = storage_.free_bytes();
    while (node_->current.growth(position, fitting.size()) > free) {
      const std::uint64_t end = (position + fitting.size() - 1) / content::page_size * content::page_size;
      fitting = fitting.first(end > position ? end - position : 0);
    }
  }
  node_->write(position, fitting);
  storage_.trace(fitting);
  node_->modified_ms = wall_ms_();
  if (*begun) return storage_.crash();
  if (fitting.size() < bytes.size()) return fail(errc::disk_full, fmt::format("{}: no space left on device", path_));
  return {};
}

result<void> simulated_file::sync_data() {
  const auto begun = storage_.begin(disk_op::sync, path_, who_);
  if (!begun) {
    if (!who_.dead()) node_->fail_sync(storage_.random());
    return std::unexpected(begun.error());
  }
  if (!*begun || storage_.random().chance(0.5)) node_->sync();
  if (*begun) return storage_.crash();
  return {};
}

result<void> simulated_file::sync() {
  return sync_data();
}

result<void> simulated_file::truncate(std::uint64_t size) {
  MOLDAU_TRY(must_be_writable());
  if (size > file_size_max) return fail(errc::io_error, fmt::format("{}: file too large", path_));
  MOLDAU_TRY_ASSIGN(const bool crashes, storage_.begin(disk_op::truncate, path_, who_));
  node_->resize(size);
  node_->modified_ms = wall_ms_();
  if (crashes) return storage_.crash();
  return {};
}

result<void> simulated_file::reserve(std::uint64_t position, std::uint64_t size) {
  MOLDAU_TRY(must_be_writable());
  MOLDAU_TRY(storage_.begin(disk_op::read, path_, who_));
  if (size <= file_size_max && position <= file_size_max &&
      node_->current.growth(position, size) > storage_.free_bytes()) {
    return fail(errc::disk_full, fmt::format("{}: no space left on device", path_));
  }
  return {};
}

result<std::uint64_t> simulated_file::size() {
  if (who_.dead()) return fail(errc::io_error, fmt::format("{}: the process has ended", path_));
  return node_->current.size();
}

result<std::size_t> simulated_file::read_resident(std::uint64_t position, mutable_bytes into) {
  if (!is_resident(position, into.size())) return fail(errc::would_block, path_);
  // Only its first pages may be there.
  if (!into.empty() && !storage_.random().chance(storage_.faults().resident)) {
    into = into.first(1 + storage_.random().below(into.size()));
  }
  return node_->current.read(position, into);
}

bool simulated_file::is_resident(std::uint64_t, std::uint64_t) {
  return !who_.dead() && storage_.random().chance(storage_.faults().resident);
}

void simulated_file::make_resident(std::uint64_t position, std::uint64_t size) {
  // Costs what a read costs; whether it helped is drawn at the next question, as pages can be evicted meanwhile.
  if (!storage_.begin(disk_op::read, path_, who_)) return;
  storage_.random().below(position + size + 1);
}

}  // namespace moldau::testing::sim
