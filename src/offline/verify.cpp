#include "offline/verify.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>

#include "bytes/endian.hpp"
#include "offline/segment_walk.hpp"
#include "offline/verify_producers.hpp"
#include "storage/file_names.hpp"
#include "wire/record_batch.hpp"
#include "wire/record_reader.hpp"

namespace moldau::offline {

namespace {

/// What indexes are compared with: a segment's batches by position.
struct batch_place {
  offset base;
  offset last;
  std::int64_t max_timestamp_ms = -1;
};
using places = std::map<std::uint64_t, batch_place>;

class segment_check {
 public:
  /// `next` is where the segment behind it begins, nothing for the last one.
  segment_check(rt::file_system& files, std::string directory, offset base, offset floor, std::optional<offset> next,
                producer_check& producers, verified& into)
      : files_(files),
        producers_(producers),
        directory_(std::move(directory)),
        base_(base),
        ceiling_(next),
        next_(std::max(base, floor)),
        tail_(next ? remedy::copy : remedy::start),
        index_(next ? remedy::remove : remedy::start),
        into_(into) {}

  /// The offset behind the segment.
  offset run() {
    const std::string path = path_of(storage::names::log);
    const auto end = walk_segment(files_, path, [&](std::uint64_t at, const wire::batch_view& batch) {
      check_batch(path, at, batch);
      return result<void>();
    });
    if (!end) {
      producers_.lose();
      note(path, end.error().message, tail_);
    } else {
      into_.bytes += end->size_bytes;
      if (end->whole_bytes < end->size_bytes) {
        note(path,
             fmt::format("{} bytes behind the last whole batch, at position {}", end->size_bytes - end->whole_bytes,
                         end->whole_bytes),
             tail_);
      }
    }
    check_offset_index();
    check_time_index();
    producers_.end_segment(base_, next_);
    ++into_.segments;
    return next_;
  }

 private:
  std::string path_of(std::string_view suffix) const {
    return rt::join_path(directory_, storage::segment_file_name(base_, suffix));
  }
  void note(const std::string& path, std::string sentence, remedy by) {
    into_.findings.push_back({path, std::move(sentence), by});
  }

  void check_batch(const std::string& path, std::uint64_t at, const wire::batch_view& batch) {
    ++into_.batches;
    if (!batch.is_crc_ok()) {
      note(path,
           fmt::format("position {}: the checksum of the batch at offset {} is {:08x}, its bytes give {:08x}", at,
                       batch.base_offset().value(), batch.crc(), batch.computed_crc()),
           remedy::copy);
      producers_.lose();
    } else {
      check_records(path, at, batch);
      if (!batch.is_legacy()) producers_.take(batch);
    }
    const offset first = batch.is_legacy() ? batch.last_offset() : batch.base_offset();
    if (first < next_ && !batch.is_legacy()) {
      note(path, fmt::format("position {}: offset {} comes after {}", at, first.value(), next_.value() - 1),
           remedy::copy);
    }
    if (ceiling_ && batch.last_offset() >= *ceiling_) {
      // The checksum leaves the offset out. What comes behind isn't measured by it.
      note(path, fmt::format("position {}: offset {} belongs to a later segment", at, batch.last_offset().value()),
           remedy::copy);
      places_[at] = {base_, next_, batch.max_timestamp_ms()};
      return;
    }
    next_ = std::max(next_, batch.next_offset());
    places_[at] = {batch.base_offset(), batch.last_offset(), batch.max_timestamp_ms()};
  }

  void check_records(const std::string& path, std::uint64_t at, const wire::batch_view& batch) {
    auto reader = wire::record_reader::open(batch, codecs_);
    record_view record;
    error why;
    while (reader) {
      const auto got = reader->next(record);
      if (!got) {
        why = got.error();
        break;
      }
      if (!*got) return;
      ++into_.records;
    }
    if (!reader) why = reader.error();
    if (why.code == errc::message_too_large) {
      // Kafka's rules let a broker store a compressed batch unopened, however much comes out of it.
      return note(path,
                  fmt::format("position {}: the batch at offset {} is larger than can be opened: {}", at,
                              batch.base_offset().value(), why.message),
                  remedy::none);
    }
    note(path,
         fmt::format("position {}: the batch at offset {} can't be read: {}", at, batch.base_offset().value(),
                     why.message),
         remedy::copy);
  }

  /// Entries until they are all zero: a file that is appended to is longer than its content.
  template <typename Each>
  void each_entry(std::string_view suffix, std::size_t size, Each check) {
    const std::string path = path_of(suffix);
    if (!files_.exists(path)) {
      note(path, "the index is missing", remedy::start);
      return;
    }
    const auto content = files_.read_file(path);
    if (!content) return note(path, content.error().message, index_);
    bytes_view rest = *content;
    while (!rest.empty() &&
           std::ranges::all_of(rest.last(std::min(size, rest.size())), [](std::byte b) { return b == std::byte{0}; })) {
      rest = rest.first(rest.size() - std::min(size, rest.size()));
    }
    for (std::size_t n = 0; rest.size() >= size; ++n, rest = rest.subspan(size)) {
      if (const std::string wrong = check(rest.data()); !wrong.empty()) {
        return note(path, fmt::format("entry {}: {}", n, wrong), index_);
      }
    }
    if (!rest.empty()) note(path, fmt::format("{} bytes behind the last entry", rest.size()), index_);
  }

  void check_offset_index() {
    std::int64_t before_offset = -1;
    std::int64_t before_position = -1;
    each_entry(storage::names::offset_index, 8, [&](const std::byte* entry) -> std::string {
      const auto relative = bytes::load_be<std::int32_t>(entry);
      const auto position = bytes::load_be<std::int32_t>(entry + 4);
      const offset at = base_ + relative;
      if (relative <= before_offset || position <= before_position) return "it doesn't ascend";
      before_offset = relative;
      before_position = position;
      const auto place = places_.find(static_cast<std::uint64_t>(position));
      if (place == places_.end()) return fmt::format("no batch begins at position {}", position);
      if (place->second.base > at) {
        return fmt::format("it leads to position {}, where offset {} is, for offset {}", position,
                           place->second.base.value(), at.value());
      }
      if (at >= next_) return fmt::format("offset {} isn't in the segment", at.value());
      return {};
    });
  }

  void check_time_index() {
    // The largest timestamp so far, by the batch that brought it.
    std::map<offset, std::int64_t> largest;
    std::int64_t most = -1;
    for (const auto& [position, place] : places_) {
      most = std::max(most, place.max_timestamp_ms);
      largest[place.last] = most;
    }
    std::int64_t before = -1;
    each_entry(storage::names::time_index, 12, [&](const std::byte* entry) -> std::string {
      const auto time = bytes::load_be<std::int64_t>(entry);
      const offset at = base_ + bytes::load_be<std::int32_t>(entry + 8);
      if (time < before) return "it doesn't ascend";
      before = time;
      const auto place = largest.lower_bound(at);
      if (place == largest.end()) return fmt::format("offset {} isn't in the segment", at.value());
      if (place->second < time) {
        return fmt::format("timestamp {} at offset {}, where the log has none above {}", time, at.value(),
                           place->second);
      }
      return {};
    });
  }

  rt::file_system& files_;
  producer_check& producers_;
  std::string directory_;
  offset base_;
  std::optional<offset> ceiling_;
  offset next_;
  /// What mends the end of the log, and an index.
  remedy tail_;
  remedy index_;
  verified& into_;
  places places_;
  wire::codec_context codecs_;
};

}  // namespace

result<void> verify_partition(rt::file_system& files, const std::string& directory, verified& into,
                              const std::function<void(const verified&)>& on_segment) {
  MOLDAU_TRY_ASSIGN(const auto entries, files.list(directory));
  std::vector<offset> bases;
  std::vector<offset> snapshots;
  for (const auto& entry : entries) {
    if (const auto base = storage::parse_segment_file_name(entry.name, storage::names::log)) bases.push_back(*base);
    if (const auto at = storage::parse_segment_file_name(entry.name, storage::names::snapshot))
      snapshots.push_back(*at);
  }
  std::ranges::sort(bases);
  std::ranges::sort(snapshots);
  producer_check producers(files, directory, std::move(snapshots), into);
  ++into.partitions;
  offset floor{0};
  for (std::size_t i = 0; i < bases.size(); ++i) {
    if (bases[i] < floor) {
      into.findings.push_back({rt::join_path(directory, storage::segment_file_name(bases[i], storage::names::log)),
                               fmt::format("begins at offset {}, inside the segment before it", bases[i].value()),
                               remedy::copy});
    }
    const auto next = i + 1 < bases.size() ? std::optional(bases[i + 1]) : std::nullopt;
    segment_check check(files, directory, bases[i], floor, next, producers, into);
    floor = check.run();
    on_segment(into);
  }
  producers.end_log(floor);
  return {};
}

result<std::vector<std::string>> partition_folders(rt::file_system& files, const std::string& path) {
  MOLDAU_TRY_ASSIGN(const auto entries, files.list(path));
  std::vector<std::string> out;
  for (const auto& entry : entries) {
    if (storage::parse_segment_file_name(entry.name, storage::names::log)) return std::vector{path};
    if (entry.is_directory && storage::parse_partition_directory_name(entry.name)) {
      out.push_back(rt::join_path(path, entry.name));
    }
  }
  if (out.empty()) {
    return fail(errc::not_found, fmt::format("{}: neither a partition's folder nor a log directory with such", path));
  }
  return out;
}

}  // namespace moldau::offline
