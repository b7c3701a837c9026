#include "testing/sim/disk_image.hpp"

#include <algorithm>

namespace moldau::testing::sim {
namespace {

constexpr std::uint64_t sector_size = 512;

/// Calls `visit` with every part of a path in turn.
template <typename Visit>
void split(std::string_view path, Visit visit) {
  while (!path.empty()) {
    const auto slash = path.find('/');
    const std::string_view part = path.substr(0, slash);
    if (!part.empty() && part != ".") visit(part);
    if (slash == std::string_view::npos) return;
    path.remove_prefix(slash + 1);
  }
}

template <typename Visit>
void walk(const std::shared_ptr<inode>& from, Visit visit) {
  visit(*from);
  for (const auto& [name, child] : from->entries) walk(child, visit);
}

}  // namespace

void inode::write(std::uint64_t position, bytes_view bytes) {
  if (bytes.empty()) return;
  current.write(position, bytes);
  unsynced.push_back({.position = position, .data = shared_bytes::copy_of(bytes)});
}

void inode::resize(std::uint64_t size) {
  current.resize(size);
  unsynced.push_back({.position = size, .resize = true});
}

void inode::sync() {
  if (std::ranges::any_of(unsynced, &unsynced_change::resize)) {
    durable = current;
  } else {
    for (const auto& change : unsynced) durable.adopt(current, change.position, change.data.size());
  }
  unsynced.clear();
}

void inode::fail_sync(random_source& random) {
  for (const auto& change : unsynced) {
    if (random.chance(0.5)) continue;
    if (change.resize) {
      durable.resize(change.position);
    } else {
      durable.write(change.position, change.data);
    }
  }
  unsynced.clear();
}

void inode::cut_power(random_source& random, const power_cut& how) {
  for (const auto& change : unsynced) {
    const bool kept = random.chance(how.write_kept);
    const bool torn = !kept && random.chance(how.write_torn / std::max(1e-9, 1 - how.write_kept));
    if (!kept && !torn) continue;
    if (change.resize) {
      durable.resize(change.position);
      continue;
    }
    if (kept) {
      durable.write(change.position, change.data);
      continue;
    }
    const std::uint64_t end = change.position + change.data.size();
    for (std::uint64_t at = change.position; at < end;) {
      const std::uint64_t next = std::min(end, (at / sector_size + 1) * sector_size);
      if (random.chance(0.5)) durable.write(at, change.data.view().subspan(at - change.position, next - at));
      at = next;
    }
    // The new size may have been on disk before the bytes were: zeros take their place.
    if (end > durable.size() && random.chance(0.3)) durable.resize(end);
  }
  unsynced.clear();
  current = durable;
}

disk_image::disk_image() : root_(std::make_shared<inode>()) {
  root_->directory = true;
}

disk_image::node disk_image::find(std::string_view path) const {
  node at = root_;
  split(path, [&](std::string_view part) {
    if (at == nullptr) return;
    const auto found = at->entries.find(part);
    at = found == at->entries.end() ? nullptr : found->second;
  });
  return at;
}

disk_image::node disk_image::parent(std::string_view path) const {
  const std::string_view last = leaf(path);
  if (last.empty()) return nullptr;
  const node found = find(path.substr(0, static_cast<std::size_t>(last.data() - path.data())));
  return found != nullptr && found->directory ? found : nullptr;
}

std::string_view disk_image::leaf(std::string_view path) {
  std::string_view last;
  split(path, [&](std::string_view part) { last = part; });
  return last;
}

void disk_image::name_change::apply() const {
  if (from_directory != nullptr) from_directory->durable_entries.erase(from);
  if (to_directory != nullptr) to_directory->durable_entries[to] = what;
}

disk_image::node disk_image::create(std::string_view path, bool directory) {
  const node holder = parent(path);
  node made = std::make_shared<inode>();
  made->directory = directory;
  const std::string name(leaf(path));
  holder->entries[name] = made;
  unsynced_.push_back({.to_directory = holder, .to = name, .what = made});
  return made;
}

void disk_image::unlink(std::string_view path) {
  const node holder = parent(path);
  const std::string name(leaf(path));
  holder->entries.erase(name);
  unsynced_.push_back({.from_directory = holder, .from = name});
}

void disk_image::rename(std::string_view from, std::string_view to) {
  const node source = parent(from);
  const node target = parent(to);
  name_change change{source, std::string(leaf(from)), target, std::string(leaf(to)), find(from)};
  source->entries.erase(change.from);
  target->entries[change.to] = change.what;
  unsynced_.push_back(std::move(change));
}

void disk_image::sync_directory(const node& directory) {
  std::erase_if(unsynced_, [&](const name_change& change) {
    if (change.from_directory != directory && change.to_directory != directory) return false;
    change.apply();
    return true;
  });
}

void disk_image::cut_power(random_source& random, const power_cut& how) {
  for (const name_change& change : unsynced_) {
    if (random.chance(how.name_kept)) change.apply();
  }
  unsynced_.clear();
  const auto settle = [&](const auto& self, const node& at) -> void {
    if (!at->directory) at->cut_power(random, how);
    at->entries = at->durable_entries;
    for (const auto& [name, child] : at->entries) self(self, child);
  };
  settle(settle, root_);
}

void disk_image::sync_all() {
  for (const name_change& change : unsynced_) change.apply();
  unsynced_.clear();
  walk(root_, [](inode& at) {
    if (!at.directory) at.sync();
  });
}

std::uint64_t disk_image::allocated() const {
  std::uint64_t total = 0;
  walk(root_, [&](const inode& at) { total += at.current.allocated(); });
  return total;
}

}  // namespace moldau::testing::sim
