#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "moldau/core/bytes.hpp"
#include "moldau/core/result.hpp"

namespace moldau::rt {

/// An open file. Every call but `read_resident` and `is_resident` may block, so it runs inside `world::offload` (or at
/// start-up, before the reactor serves anybody). Calls on one file from two workers at once are allowed where they
/// don't touch the same bytes. Closed by its destructor, without a sync.
///
/// Errors: `io_error`, `disk_full`, `not_found`, each with the path and the system's words.
class file {
 public:
  virtual ~file() = default;

  /// Reads until `into` is full or the file ends; returns how many bytes came.
  [[nodiscard]] virtual result<std::size_t> read_at(std::uint64_t position, mutable_bytes into) = 0;
  /// Writes all of `parts`, one after the other, growing the file as needed.
  [[nodiscard]] virtual result<void> write_at(std::uint64_t position, std::span<const bytes_view> parts) = 0;
  [[nodiscard]] result<void> write_at(std::uint64_t position, bytes_view part) {
    return write_at(position, std::span<const bytes_view>(&part, 1));
  }
  /// fdatasync: the bytes, and as much metadata as reading them back needs (the size).
  [[nodiscard]] virtual result<void> sync_data() = 0;
  /// fsync.
  [[nodiscard]] virtual result<void> sync() = 0;
  /// Cuts or grows (with zeros) to `size` bytes.
  [[nodiscard]] virtual result<void> truncate(std::uint64_t size) = 0;
  /// Reserves disk space for the range without changing the file's size. A file system that can't is no error.
  [[nodiscard]] virtual result<void> reserve(std::uint64_t position, std::uint64_t size) = 0;
  [[nodiscard]] virtual result<std::uint64_t> size() = 0;

  /// Reads only what comes without waiting for the disk (RWF_NOWAIT); fails with `would_block` if nothing does.
  /// May be called on the reactor.
  [[nodiscard]] virtual result<std::size_t> read_resident(std::uint64_t position, mutable_bytes into) = 0;
  /// Whether the whole range is in memory right now, by a probe that doesn't block. May be called on the reactor.
  [[nodiscard]] virtual bool is_resident(std::uint64_t position, std::uint64_t size) = 0;
  /// Brings the range into the page cache, waiting for it.
  virtual void make_resident(std::uint64_t position, std::uint64_t size) = 0;
};

enum class open_mode : unsigned char {
  read,          ///< Must exist; writing fails.
  write,         ///< Must exist; reading and writing.
  create,        ///< Made if missing; reading and writing.
  create_new,    ///< Fails with `already_exists` if it is there.
  create_empty,  ///< Made, or cut to nothing.
};

struct directory_entry {
  std::string name;
  bool is_directory = false;
  std::uint64_t size_bytes = 0;
  /// Milliseconds since 1970.
  std::int64_t modified_ms = 0;
};

/// A lock on a file, held until destruction or the process's end.
class file_lock {
 public:
  virtual ~file_lock() = default;
};

/// A host's file system. As with `file`, every call may block and belongs into `offload`.
///
/// Names are made durable by `sync_directory` on the folder that holds them: creating, renaming and removing alone
/// don't survive a power cut, and the simulator takes them back.
class file_system {
 public:
  virtual ~file_system() = default;

  [[nodiscard]] virtual result<std::unique_ptr<file>> open(const std::string& path, open_mode mode) = 0;
  [[nodiscard]] virtual bool exists(const std::string& path) = 0;
  /// Entries sorted by name, without "." and "..".
  [[nodiscard]] virtual result<std::vector<directory_entry>> list(const std::string& directory) = 0;
  /// Makes the directory and those above it; one that is there is no error.
  [[nodiscard]] virtual result<void> make_directories(const std::string& path) = 0;
  /// Replaces `to` if it exists, atomically.
  [[nodiscard]] virtual result<void> rename(const std::string& from, const std::string& to) = 0;
  /// Removes a file or an empty directory. One that isn't there fails with `not_found`.
  [[nodiscard]] virtual result<void> remove(const std::string& path) = 0;
  /// Removes a directory with all that is in it. One that isn't there is no error.
  [[nodiscard]] virtual result<void> remove_all(const std::string& path) = 0;
  [[nodiscard]] virtual result<void> sync_directory(const std::string& path) = 0;
  /// Fails with `locked` if another process (or another open of this one) holds it.
  [[nodiscard]] virtual result<std::unique_ptr<file_lock>> lock(const std::string& path) = 0;

  struct space {
    std::uint64_t total_bytes = 0;
    std::uint64_t usable_bytes = 0;
  };
  [[nodiscard]] virtual result<space> space_of(const std::string& path) = 0;

  /// The whole file, which must not be larger than `limit_bytes`.
  [[nodiscard]] result<shared_bytes> read_file(const std::string& path, std::uint64_t limit_bytes = 1ULL << 30U);
  /// Writes `<path>.tmp`, syncs it, renames it over `path` and syncs the directory: all or nothing after a power cut.
  [[nodiscard]] result<void> write_file_atomically(const std::string& path, bytes_view content);
};

/// "a/b" from "a" and "b".
[[nodiscard]] std::string join_path(std::string_view directory, std::string_view name);
/// "a" from "a/b", "." from "b".
[[nodiscard]] std::string parent_path(std::string_view path);

}  // namespace moldau::rt
