#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "testing/sim/content.hpp"
#include "testing/sim/options.hpp"

namespace moldau::testing::sim {

/// A file or directory in its two layers: as programs see it, and as it would be found after a power cut at once.
struct inode {
  struct unsynced_change {
    std::uint64_t position = 0;
    shared_bytes data;
    /// Set the size to `position`; `data` is empty.
    bool resize = false;
  };

  bool directory = false;
  content current;
  content durable;
  /// What leads from `durable` to `current`, in order.
  std::vector<unsynced_change> unsynced;
  std::map<std::string, std::shared_ptr<inode>, std::less<>> entries;
  std::map<std::string, std::shared_ptr<inode>, std::less<>> durable_entries;
  std::int64_t modified_ms = 0;

  void write(std::uint64_t position, bytes_view bytes);
  void resize(std::uint64_t size);
  /// All that was changed becomes durable.
  void sync();
  /// A sync that failed: each change became durable, or never will.
  void fail_sync(random_source& random);
  void cut_power(random_source& random, const power_cut& how);
};

/// A tree of files that knows which contents and which names are durable. No latency and no faults: see `disk`.
///
/// Paths are taken from one root; "/a/./b" and "a/b" are the same. ".." isn't understood.
class disk_image {
 public:
  using node = std::shared_ptr<inode>;

  disk_image();

  /// Null if there is nothing, or something above is no directory.
  [[nodiscard]] node find(std::string_view path) const;
  /// The directory that holds `path`; null if there is none.
  [[nodiscard]] node parent(std::string_view path) const;
  /// The last part of a path; empty for the root.
  [[nodiscard]] static std::string_view leaf(std::string_view path);

  /// Adds an entry for a new file or directory. The parent must be there, and no such entry in it.
  node create(std::string_view path, bool directory);
  /// Takes an entry away.
  void unlink(std::string_view path);
  void rename(std::string_view from, std::string_view to);
  /// All changes of names in that directory become durable.
  void sync_directory(const node& directory);
  /// A power cut: what wasn't durable is lost, kept or torn, and the two layers are one again.
  void cut_power(random_source& random, const power_cut& how);
  /// Everything is durable, as after a clean stop.
  void sync_all();

  [[nodiscard]] std::uint64_t allocated() const;
  [[nodiscard]] const node& root() const { return root_; }

 private:
  /// One change of a directory, atomic on disk: out of one entry, into another, or both.
  struct name_change {
    node from_directory;
    std::string from;
    node to_directory;
    std::string to;
    node what;

    void apply() const;
  };

  node root_;
  /// Not durable yet, in order.
  std::vector<name_change> unsynced_;
};

}  // namespace moldau::testing::sim
