#include "storage/folder_scan.hpp"

#include <array>
#include <limits>
#include <optional>

#include "storage/batch_walk.hpp"
#include "storage/file_names.hpp"

namespace moldau::storage {

namespace {

constexpr std::array segment_suffixes{names::log, names::offset_index, names::time_index, names::txn_index};

/// The base offset of "<20 digits><suffix of a segment's file><what>".
std::optional<offset> base_of(std::string_view name, std::string_view what) {
  if (!name.ends_with(what)) return std::nullopt;
  name.remove_suffix(what.size());
  for (const std::string_view suffix : segment_suffixes) {
    if (auto base = parse_segment_file_name(name, suffix)) return base;
  }
  return std::nullopt;
}

/// The offset after a finished compaction's segment.
result<offset> end_of(rt::file_system& files, const std::string& path, offset base) {
  MOLDAU_TRY_ASSIGN(const auto file, files.open(path, rt::open_mode::read));
  MOLDAU_TRY_ASSIGN(const std::uint64_t size, file->size());
  offset end = base;
  for (std::uint64_t at = 0;;) {
    MOLDAU_TRY_ASSIGN(const auto batch, read_batch_info(*file, access::blocking, at, size));
    if (!batch) return end;
    end = batch->last + 1;
    at = batch->end();
  }
}

/// Undoes or finishes what compaction left. True if something changed.
result<bool> settle_compaction(rt::file_system& files, const std::string& directory,
                               const std::vector<rt::directory_entry>& entries) {
  const auto path = [&](const std::string& name) { return rt::join_path(directory, name); };
  offset first_cleaned(std::numeric_limits<std::int64_t>::max());
  bool changed = false;
  for (const auto& entry : entries) {
    if (entry.name.ends_with(names::cleaned)) {
      if (const auto base = base_of(entry.name, names::cleaned)) first_cleaned = std::min(first_cleaned, *base);
    } else if (!entry.name.ends_with(names::deleted) && !entry.name.ends_with(".tmp")) {
      continue;
    }
    MOLDAU_TRY(files.remove(path(entry.name)));
    changed = true;
  }
  // A swap file beside a cleaned one below it belongs to a round that hadn't renamed all its files.
  std::vector<std::string> swaps;
  struct range {
    offset from;
    offset to;
  };
  std::vector<range> replaced;
  for (const auto& entry : entries) {
    const auto base = base_of(entry.name, names::swap);
    if (!base) continue;
    changed = true;
    if (*base >= first_cleaned) {
      MOLDAU_TRY(files.remove(path(entry.name)));
      continue;
    }
    swaps.push_back(entry.name);
    if (entry.name == segment_file_name(*base, names::log) + std::string(names::swap)) {
      MOLDAU_TRY_ASSIGN(const offset end, end_of(files, path(entry.name), *base));
      replaced.push_back({.from = *base, .to = end});
    }
  }
  for (const auto& entry : entries) {
    const auto base = base_of(entry.name, "");
    if (!base) continue;
    for (const range& by : replaced) {
      if (*base < by.from || *base >= by.to) continue;
      MOLDAU_TRY(files.remove(path(entry.name)));
      break;
    }
  }
  for (const std::string& name : swaps) {
    MOLDAU_TRY(files.rename(path(name), path(name.substr(0, name.size() - names::swap.size()))));
  }
  if (changed) MOLDAU_TRY(files.sync_directory(directory));
  return changed;
}

}  // namespace

result<folder_scan> prepare_folder(rt::file_system& files, const std::string& directory) {
  folder_scan out;
  if (!files.exists(directory)) {
    MOLDAU_TRY(make_directory_durably(files, directory));
    return out;
  }
  MOLDAU_TRY_ASSIGN(auto entries, files.list(directory));
  MOLDAU_TRY_ASSIGN(const bool changed, settle_compaction(files, directory, entries));
  if (changed) {
    MOLDAU_TRY_ASSIGN(entries, files.list(directory));
  }
  for (const auto& entry : entries) {
    if (const auto base = parse_segment_file_name(entry.name, names::log)) {
      out.segments[*base].log_size = entry.size_bytes;
      out.segments[*base].modified_ms = entry.modified_ms;
    } else if (const auto at = parse_segment_file_name(entry.name, names::snapshot)) {
      out.snapshots.push_back(*at);
    }
  }
  for (const auto& entry : entries) {
    const auto base = base_of(entry.name, "");
    if (!base || entry.name.ends_with(names::log)) continue;
    const auto it = out.segments.find(*base);
    if (it == out.segments.end()) {
      out.orphans.push_back(rt::join_path(directory, entry.name));
      MOLDAU_TRY(files.remove(out.orphans.back()));
    } else {
      it->second.has_offset_index |= entry.name.ends_with(names::offset_index);
      it->second.has_time_index |= entry.name.ends_with(names::time_index);
      it->second.has_txn_index |= entry.name.ends_with(names::txn_index);
    }
  }
  return out;
}

result<void> make_directory_durably(rt::file_system& files, const std::string& path) {
  if (files.exists(path)) return {};
  const std::string parent = rt::parent_path(path);
  if (parent != path) MOLDAU_TRY(make_directory_durably(files, parent));
  MOLDAU_TRY(files.make_directories(path));
  return files.sync_directory(parent);
}

result<void> create_segment_files(rt::file_system& files, segment& of) {
  MOLDAU_TRY(of.log_file.open(files, of.path(names::log), rt::open_mode::create));
  MOLDAU_TRY(of.offset_file.open(files, of.path(names::offset_index), rt::open_mode::create));
  MOLDAU_TRY(of.time_file.open(files, of.path(names::time_index), rt::open_mode::create));
  if (of.preallocate > of.reserved) {
    MOLDAU_TRY(of.log_file.get()->reserve(0, of.preallocate));
    of.reserved = of.preallocate;
  }
  MOLDAU_TRY(files.sync_directory(of.directory()));
  of.created = true;
  return {};
}

std::vector<std::string> segment_paths(const std::string& directory, offset base) {
  std::vector<std::string> out;
  for (const std::string_view suffix : segment_suffixes) {
    out.push_back(rt::join_path(directory, segment_file_name(base, suffix)));
  }
  out.push_back(rt::join_path(directory, segment_file_name(base, names::snapshot)));
  return out;
}

result<void> remove_files(rt::file_system& files, const std::vector<std::string>& paths) {
  for (const std::string& path : paths) {
    if (auto gone = files.remove(path); !gone && gone.error().code != errc::not_found) return gone;
  }
  return {};
}

}  // namespace moldau::storage
