#include "testing/sim/file_system.hpp"

#include <fmt/format.h>

#include "testing/sim/simulated_file.hpp"

namespace moldau::testing::sim {
namespace {

class held_lock final : public rt::file_lock {
 public:
  held_lock(std::shared_ptr<std::set<std::string>> locks, std::string path)
      : locks_(std::move(locks)), path_(std::move(path)) {}
  ~held_lock() override { locks_->erase(path_); }

 private:
  std::shared_ptr<std::set<std::string>> locks_;
  std::string path_;
};

std::unexpected<error> missing(const std::string& path) {
  return fail(errc::not_found, fmt::format("{}: no such file or directory", path));
}

bool has_entries(const inode& at) {
  return at.directory && !at.entries.empty();
}

}  // namespace

template <typename F>
result<void> simulated_file_system::changing(disk_op op, const std::string& path, F change) {
  MOLDAU_TRY_ASSIGN(const bool crashes, storage_.begin(op, path, who_));
  change();
  if (crashes) return storage_.crash();
  return {};
}

result<std::unique_ptr<rt::file>> simulated_file_system::open(const std::string& path, rt::open_mode mode) {
  using enum rt::open_mode;
  disk_image& image = storage_.image();
  auto found = image.find(path);
  if (found == nullptr && (mode == read || mode == write)) {
    MOLDAU_TRY(storage_.begin(disk_op::read, path, who_));
    return missing(path);
  }
  if (found != nullptr && found->directory) return fail(errc::io_error, fmt::format("{}: is a directory", path));
  if (found != nullptr && mode == create_new) return fail(errc::already_exists, fmt::format("{}: file exists", path));
  if (found == nullptr) {
    if (image.parent(path) == nullptr) return missing(path);
    MOLDAU_TRY(changing(disk_op::create, path, [&] {
      found = image.create(path, false);
      found->modified_ms = wall_ms_();
    }));
  } else if (mode == create_empty && found->current.size() > 0) {
    MOLDAU_TRY(changing(disk_op::truncate, path, [&] { found->resize(0); }));
  } else {
    // Opening for writing changes nothing, but a read-only file system refuses it; the first write will tell.
    MOLDAU_TRY(storage_.begin(disk_op::read, path, who_));
  }
  return std::make_unique<simulated_file>(storage_, who_, wall_ms_, found, path, mode != read);
}

bool simulated_file_system::exists(const std::string& path) {
  return !who_.dead() && storage_.image().find(path) != nullptr;
}

result<std::vector<rt::directory_entry>> simulated_file_system::list(const std::string& directory) {
  MOLDAU_TRY(storage_.begin(disk_op::read, directory, who_));
  const auto found = storage_.image().find(directory);
  if (found == nullptr || !found->directory) return missing(directory);
  std::vector<rt::directory_entry> out;
  out.reserve(found->entries.size());
  for (const auto& [name, child] : found->entries) {
    out.push_back({.name = name,
                   .is_directory = child->directory,
                   .size_bytes = child->current.size(),
                   .modified_ms = child->modified_ms});
  }
  return out;
}

result<void> simulated_file_system::make_directories(const std::string& path) {
  disk_image& image = storage_.image();
  for (std::size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
    const std::string prefix = path.substr(0, end);
    if (!disk_image::leaf(prefix).empty()) {
      const auto found = image.find(prefix);
      if (found == nullptr) {
        MOLDAU_TRY(changing(disk_op::create, prefix, [&] { image.create(prefix, true); }));
      } else if (!found->directory) {
        return fail(errc::already_exists, fmt::format("{}: is a file", prefix));
      }
    }
    if (end == std::string::npos) return {};
  }
}

result<void> simulated_file_system::rename(const std::string& from, const std::string& to) {
  disk_image& image = storage_.image();
  const auto source = image.find(from);
  const auto target = image.find(to);
  if (source == nullptr || image.parent(from) == nullptr || image.parent(to) == nullptr) return missing(from);
  if (source == target) return {};
  if (target != nullptr && (target->directory != source->directory || has_entries(*target))) {
    return fail(errc::io_error, fmt::format("{} to {}: the target is in the way", from, to));
  }
  for (auto above = to; disk_image::leaf(above) != "" && above != "."; above = rt::parent_path(above)) {
    if (image.find(above) == source) return fail(errc::io_error, fmt::format("{}: can't move into itself", from));
    if (above == "/") break;
  }
  return changing(disk_op::rename, from, [&] { image.rename(from, to); });
}

result<void> simulated_file_system::remove(const std::string& path) {
  const auto found = storage_.image().find(path);
  if (found == nullptr || found == storage_.image().root()) {
    MOLDAU_TRY(storage_.begin(disk_op::read, path, who_));
    return missing(path);
  }
  if (has_entries(*found)) return fail(errc::io_error, fmt::format("{}: directory not empty", path));
  return changing(disk_op::remove, path, [&] { storage_.image().unlink(path); });
}

result<void> simulated_file_system::remove_tree(const std::string& path) {
  const auto found = storage_.image().find(path);
  // Names are copied, as each removal changes the directory.
  std::vector<std::string> names;
  for (const auto& [name, child] : found->entries) names.push_back(name);
  for (const auto& name : names) MOLDAU_TRY(remove_tree(rt::join_path(path, name)));
  return remove(path);
}

result<void> simulated_file_system::remove_all(const std::string& path) {
  const auto found = storage_.image().find(path);
  if (found == nullptr || found == storage_.image().root()) return {};
  return remove_tree(path);
}

result<void> simulated_file_system::sync_directory(const std::string& path) {
  const auto found = storage_.image().find(path);
  if (found == nullptr || !found->directory) return missing(path);
  MOLDAU_TRY_ASSIGN(const bool crashes, storage_.begin(disk_op::sync_directory, path, who_));
  if (!crashes || storage_.random().chance(0.5)) storage_.image().sync_directory(found);
  if (crashes) return storage_.crash();
  return {};
}

result<std::unique_ptr<rt::file_lock>> simulated_file_system::lock(const std::string& path) {
  if (storage_.image().find(path) == nullptr) MOLDAU_TRY(open(path, rt::open_mode::create));
  if (!locks_->insert(path).second) return fail(errc::locked, fmt::format("{}: locked by another process", path));
  return std::make_unique<held_lock>(locks_, path);
}

result<rt::file_system::space> simulated_file_system::space_of(const std::string& path) {
  MOLDAU_TRY(storage_.begin(disk_op::read, path, who_));
  return space{.total_bytes = storage_.faults().capacity_bytes, .usable_bytes = storage_.free_bytes()};
}

}  // namespace moldau::testing::sim
