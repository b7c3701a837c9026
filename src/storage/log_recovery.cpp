#include "storage/log_recovery.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <optional>

#include "storage/batch_walk.hpp"
#include "storage/checkpoint_file.hpp"
#include "storage/file_names.hpp"
#include "storage/folder_scan.hpp"

namespace moldau::storage {

namespace {

/// One loading: what `load_log` does, a step a function.
class loader {
 public:
  loader(rt::file_system& files, const log_open_options& options, const storage_options& storage, std::int64_t now_ms,
         const base::logger& log)
      : files_(files), options_(options), storage_(storage), now_ms_(now_ms), log_(log) {
    out_.directory = options.directory;
    out_.partition = options.partition;
    out_.options = options.options;
  }

  result<loaded_log> run() {
    MOLDAU_TRY_ASSIGN(scan_, prepare_folder(files_, options_.directory));
    for (const std::string& path : scan_.orphans) log_.warn("{} belongs to no segment and is removed", path);
    MOLDAU_TRY(identify());
    MOLDAU_TRY(read_epochs());
    for (const auto& [base, found] : scan_.segments) {
      auto one = std::make_shared<segment>(options_.directory, base);
      one->size = one->written = one->synced = found.log_size;
      one->modified_ms = found.modified_ms;
      one->created = true;
      out_.segments.push_back(std::move(one));
    }
    out_.log_start = options_.log_start;
    if (!out_.segments.empty()) out_.log_start = std::max(out_.log_start, out_.segments.front()->base);
    out_.recovery_point = options_.recovery_point;
    if (out_.segments.empty()) {
      MOLDAU_TRY(check_end(out_.log_start));
      MOLDAU_TRY(start_empty(out_.log_start));
    } else {
      MOLDAU_TRY(options_.clean_shutdown ? open_clean() : recover());
      MOLDAU_TRY(check_end(out_.log_end));
      if (out_.log_end < options_.recovery_point) {
        log_.warn("{} ends at {}, below its recovery point {}: what had been written there is gone", out_.directory,
                  out_.log_end.value(), options_.recovery_point.value());
      }
      if (out_.log_end < out_.log_start) {
        // What a checkpoint says was deleted can't come back, so nothing of what is here counts.
        log_.warn("{} ends at {}, below its start {}: it starts anew there", out_.directory, out_.log_end.value(),
                  out_.log_start.value());
        MOLDAU_TRY(drop_segments(0));
        MOLDAU_TRY(start_empty(out_.log_start));
      }
    }
    MOLDAU_TRY(complete_last_segment());
    MOLDAU_TRY(finish_epochs());
    MOLDAU_TRY(tidy_snapshots());
    out_.recovery_point = std::clamp(out_.recovery_point, out_.log_start, out_.log_end);
    return std::move(out_);
  }

 private:
  result<void> identify() {
    MOLDAU_TRY_ASSIGN(const auto known, read_topic_id(files_, options_.directory));
    out_.topic_id = known.value_or(options_.topic_id);
    if (known && !options_.topic_id.is_zero() && *known != options_.topic_id) {
      return fail(errc::inconsistent_topic_id,
                  fmt::format("{} belongs to the topic with id {}, not to {}", options_.directory, known->to_string(),
                              options_.topic_id.to_string()));
    }
    if (known || options_.topic_id.is_zero()) return {};
    return files_.write_file_atomically(rt::join_path(options_.directory, names::partition_metadata),
                                        as_bytes(encode_partition_metadata(options_.topic_id)));
  }

  result<void> read_epochs() {
    const std::string path = rt::join_path(options_.directory, names::leader_epochs);
    if (!files_.exists(path)) return {};
    MOLDAU_TRY_ASSIGN(const shared_bytes content, files_.read_file(path));
    epochs_text_ = std::string(as_text(content));
    auto parsed = epoch_cache::parse(epochs_text_);
    if (!parsed) {
      log_.warn("{} can't be read ({}) and is made anew from the batches", path, parsed.error().message);
      epochs_lost_ = true;
      return {};
    }
    out_.epochs = *std::move(parsed);
    return {};
  }

  result<void> finish_epochs() {
    out_.epochs.truncate_from_end(out_.log_end);
    out_.epochs.truncate_from_start(out_.log_start);
    const std::string text = out_.epochs.encode();
    if (text == epochs_text_ || (epochs_text_.empty() && out_.epochs.entries().empty())) return {};
    return files_.write_file_atomically(rt::join_path(options_.directory, names::leader_epochs), as_bytes(text));
  }

  /// Comes before `tidy_snapshots`: by the producers' snapshots one knows where the log should end, and the next start
  /// has to refuse as well.
  result<void> check_end(offset end) const {
    if (end >= options_.written_end) return {};
    return fail(errc::corrupt_message,
                fmt::format("{} ends at offset {}, though all below {} had been written: put copies of the missing "
                            "files in their place",
                            options_.directory, end.value(), options_.written_end.value()));
  }

  result<void> start_empty(offset at) {
    auto one = std::make_shared<segment>(options_.directory, at);
    one->indexes = std::make_unique<active_indexes>(at);
    one->modified_ms = now_ms_;
    if (options_.options.preallocate) one->preallocate = options_.options.segment_bytes;
    MOLDAU_TRY(create_segment_files(files_, *one));
    out_.segments.push_back(std::move(one));
    out_.log_end = out_.recovery_point = at;
    out_.producers.clear();
    out_.producers.set_map_end(at);
    starts_anew_ = true;
    return {};
  }

  /// The power may have gone when the names of a new segment's files were durable in part. Its indexes are in memory
  /// by now, but who looks for times finds them by their files.
  result<void> complete_last_segment() {
    segment& last = *out_.segments.back();
    const auto found = scan_.segments.find(last.base);
    if (found == scan_.segments.end()) return {};
    if (found->second.has_offset_index && found->second.has_time_index) return {};
    return create_segment_files(files_, last);
  }

  /// Everything was closed in order: only the last segment's end is looked for.
  result<void> open_clean() {
    for (std::size_t i = 0; i + 1 < out_.segments.size(); ++i) MOLDAU_TRY(take_sealed(*out_.segments[i]));
    segment& last = *out_.segments.back();
    MOLDAU_TRY_ASSIGN(const auto file, open_log(last));
    auto end = find_known(last, *file, no_end);
    if (!end && !is_damage(end.error())) return std::unexpected<error>(std::move(end).error());
    if (!end || *end < last.size) {
      log_.warn("{} was closed cleanly, but its last segment or the index of that is damaged: it is checked",
                out_.directory);
      out_.recovery_point = last.base;
      return recover();
    }
    MOLDAU_TRY(load_producers(out_.log_end));
    return replay_producers(out_.log_end);
  }

  /// Checks every batch from the recovery point on.
  result<void> recover() {
    const offset known = epochs_lost_ ? out_.segments.front()->base : std::max(out_.recovery_point, out_.log_start);
    std::size_t first = 0;
    while (first + 1 < out_.segments.size() && out_.segments[first + 1]->base <= known) ++first;
    for (std::size_t i = 0; i < first; ++i) MOLDAU_TRY(take_sealed(*out_.segments[i]));
    const offset from = std::max(known, out_.segments[first]->base);
    MOLDAU_TRY(load_producers(from));
    MOLDAU_TRY(replay_producers(from));
    checked_from_ = from;
    for (std::size_t i = first; i < out_.segments.size(); ++i) {
      segment& one = *out_.segments[i];
      MOLDAU_TRY(recover_segment(i, from));
      if (i + 1 == out_.segments.size()) break;
      one.indexes->times.maybe_append(one.largest_time.value_or(time_position{}));
      MOLDAU_TRY(write_indexes(files_, one, take_index_write(one)));
      one.indexes.reset();
      const offset next = out_.segments[i + 1]->base;
      MOLDAU_TRY(write_snapshot(next));
      out_.recovery_point = std::max(out_.recovery_point, next);
    }
    // The last segment may be empty, and begin past the last batch.
    out_.producers.set_map_end(out_.log_end);
    // What was replayed from the page cache isn't on the disk by that.
    return files_.sync_directory(out_.directory);
  }

  /// A segment below the recovery point, which is taken as it is.
  result<void> take_sealed(segment& one) {
    const auto& found = scan_.segments.at(one.base);
    if (found.has_txn_index) {
      MOLDAU_TRY_ASSIGN(const shared_bytes content, files_.read_file(one.path(names::txn_index)));
      one.aborted = parse_txn_index(content);
      one.aborted_persisted = one.aborted.size();
    }
    if (found.has_offset_index && found.has_time_index) return {};
    log_.warn("{} lacks an index, which is made anew", one.path(names::log));
    one.indexes = std::make_unique<active_indexes>(one.base);
    MOLDAU_TRY_ASSIGN(const auto file, open_log(one));
    if (auto walked = walk_headers(one, *file, 0, no_end); !walked) {
      if (!is_damage(walked.error()) || !is_deleted(one)) return std::unexpected<error>(std::move(walked).error());
      log_.warn("{} is damaged ({}), and all in it was deleted before: nothing of it is needed", one.path(names::log),
                walked.error().message);
    }
    one.indexes->times.maybe_append(one.largest_time.value_or(time_position{}));
    MOLDAU_TRY(write_indexes(files_, one, take_index_write(one)));
    one.indexes.reset();
    return {};
  }

  /// Whether all of a segment lies below the log's start; it goes when segments are next deleted.
  [[nodiscard]] bool is_deleted(const segment& one) const {
    return std::ranges::any_of(out_.segments,
                               [&](const auto& s) { return s->base > one.base && s->base <= out_.log_start; });
  }

  /// Reads the indexes of the segment that will be appended to, as far as they speak of offsets below `known`.
  result<void> load_indexes(segment& one, offset known) {
    one.indexes = std::make_unique<active_indexes>(one.base);
    const auto& found = scan_.segments.at(one.base);
    active_indexes& in = *one.indexes;
    if (found.has_offset_index && found.has_time_index) {
      MOLDAU_TRY_ASSIGN(const shared_bytes offsets, files_.read_file(one.path(names::offset_index)));
      in.offsets = offset_index::parse(offsets, one.base, one.size);
      in.offsets.truncate(known - 1, one.size);
      MOLDAU_TRY_ASSIGN(const shared_bytes times, files_.read_file(one.path(names::time_index)));
      in.times = time_index::parse(times, one.base, known);
    }
    in.offsets_persisted = in.offsets.size();
    in.times_persisted = in.times.size();
    one.largest_time.reset();
    if (in.times.size() > 0) one.largest_time = in.times.back();
    std::erase_if(one.aborted, [&](const aborted_entry& e) { return e.last_offset >= known; });
    one.aborted_persisted = one.aborted.size();
    return {};
  }

  /// Walks headers from `position` to the end or to the first batch that reaches `known`; takes times (and, where
  /// the walk begins past the last entry, index entries) in. Returns where it stopped; the log ends there for now.
  result<std::uint64_t> walk_headers(segment& one, rt::file& file, std::uint64_t position, offset known) {
    MOLDAU_TRY_ASSIGN(const auto first, read_batch_info(file, access::blocking, 0, one.size));
    if (first) one.first_timestamp_ms = first->max_timestamp_ms;
    one.bytes_since_index_entry = 0;
    out_.log_end = one.base;
    while (true) {
      MOLDAU_TRY_ASSIGN(const auto batch, read_batch_info(file, access::blocking, position, one.size));
      if (!batch || batch->last >= known) return position;
      one.on_batch(position, batch->size, batch->last, batch->max_timestamp_ms, options_.options.index_interval_bytes);
      out_.log_end = batch->last + 1;
      position = batch->end();
    }
  }

  /// Where the first batch that reaches `known` begins, by the segment's indexes. Damage below it or, where they have
  /// to be made anew, anywhere in the segment is an error that `is_damage`.
  result<std::uint64_t> find_known(segment& one, rt::file& file, offset known) {
    MOLDAU_TRY(take_sealed(one));
    MOLDAU_TRY(load_indexes(one, known));
    return walk_headers(one, file, one.indexes->offsets.back().position, known);
  }

  /// If the segment's tail has to be cut off, it is the last one afterwards.
  result<void> recover_segment(std::size_t index, offset known) {
    segment& one = *out_.segments[index];
    MOLDAU_TRY_ASSIGN(const auto file, open_log(one));
    std::uint64_t start = 0;
    one.aborted.clear();
    if (known > one.base) {
      auto reached = find_known(one, *file, known);
      if (!reached && !is_damage(reached.error())) return std::unexpected<error>(std::move(reached).error());
      if (reached && out_.log_end <= known) start = *reached;
    }
    if (start == 0) {
      one.indexes = std::make_unique<active_indexes>(one.base);
      one.largest_time.reset();
      one.aborted.clear();
      one.aborted_persisted = 0;
      one.bytes_since_index_entry = 0;
      out_.log_end = one.base;
    }
    const std::uint64_t checked_from = start;
    batch_walk walk(*file, start, one.size);
    std::string why = "the last batch is cut short";
    while (true) {
      auto next = walk.next();
      if (!next) {
        if (!is_damage(next.error())) return std::unexpected<error>(std::move(next).error());
        why = next.error().message;
        break;
      }
      if (!*next) break;
      const wire::batch_view batch = **next;
      // A batch's offset isn't under its checksum.
      if (!batch.is_crc_ok() || batch.base_offset() < out_.log_end || batch.base_offset() >= end_of(index) ||
          batch.last_offset() >= end_of(index)) {
        why = "a batch's checksum or offset is wrong";
        start = walk.position();
        break;
      }
      if (options_.rewrite) MOLDAU_TRY(file->write_at(walk.position(), batch.bytes()));
      take_batch(one, batch, walk.position());
      start = walk.next_position();
    }
    out_.recovered_bytes += start - checked_from;
    const std::uint64_t cut = one.size - start;
    if (cut > 0 && out_.log_end < options_.must_reach) {
      return fail(errc::corrupt_message,
                  fmt::format("{} is damaged at position {}, where offset {} should be ({}), though all below {} had "
                              "been written. It isn't cut there, for that would lose what follows: put a copy of the "
                              "file in its place",
                              one.path(names::log), start, out_.log_end.value(), why, options_.must_reach.value()));
    }
    if (cut > 0) {
      log_.warn("{} is cut from {} to {} bytes: {}", one.path(names::log), one.size, start, why);
      // First what comes after it, or a power cut would leave a log that is whole but for a gap.
      MOLDAU_TRY(drop_segments(index + 1));
      MOLDAU_TRY(file->truncate(start));
      out_.truncated_bytes += cut;
    }
    // The bytes may have been in the page cache only; what was acknowledged is on the disk already, so this is cheap.
    MOLDAU_TRY(file->sync_data());
    one.size = one.written = one.synced = start;
    return {};
  }

  /// What every batch of a segment lies below.
  [[nodiscard]] offset end_of(std::size_t index) const {
    const offset farthest = out_.segments[index]->base + (std::int64_t{std::numeric_limits<std::int32_t>::max()} + 1);
    return index + 1 < out_.segments.size() ? std::min(farthest, out_.segments[index + 1]->base) : farthest;
  }

  void take_batch(segment& one, const wire::batch_view& batch, std::uint64_t position) {
    one.on_batch(position, batch.size_bytes(), batch.last_offset(), batch.max_timestamp_ms(),
                 options_.options.index_interval_bytes);
    out_.log_end = batch.next_offset();
    // What was deleted tells nothing, wherever the checking began. A batch that the log starts inside counts whole.
    if (batch.last_offset() < out_.log_start) return;
    // By a whole checkpoint that is so only behind its last entry. If it is so elsewhere, the batches know better.
    const offset begins = std::max(batch.base_offset(), out_.log_start);
    if (out_.epochs.epoch_for(begins) < batch.leader_epoch()) out_.epochs.assign(batch.leader_epoch(), begins);
    if (batch.last_offset() < out_.producers.map_end()) return;
    const auto done = out_.producers.update(batch);
    if (done && done->aborted) {
      one.aborted.push_back({.producer_id = done->producer_id,
                             .first_offset = done->first_offset,
                             .last_offset = done->last_offset,
                             .last_stable_offset = out_.producers.last_stable_offset_after(*done)});
    }
  }

  /// The newest first, each durably before the one below it.
  result<void> drop_segments(std::size_t from) {
    for (; out_.segments.size() > from; out_.segments.pop_back()) {
      const segment& last = *out_.segments.back();
      log_.warn("{} is removed: what comes before it has to be cut", last.path(names::log));
      MOLDAU_TRY(remove_files(files_, segment_paths(out_.directory, last.base)));
      MOLDAU_TRY(files_.sync_directory(out_.directory));
    }
    return {};
  }

  /// The newest snapshot that isn't above `at`.
  result<void> load_producers(offset at) {
    out_.producers.clear();
    out_.producers.set_map_end(out_.segments.front()->base);
    for (auto snapshot = scan_.snapshots.rbegin(); snapshot != scan_.snapshots.rend(); ++snapshot) {
      if (*snapshot > at) continue;
      const std::string path = rt::join_path(out_.directory, segment_file_name(*snapshot, names::snapshot));
      MOLDAU_TRY_ASSIGN(const shared_bytes content, files_.read_file(path));
      auto loaded = out_.producers.load_snapshot(content, *snapshot, now_ms_, storage_.producer_id_expiration_ms);
      if (loaded) {
        recall_batches(*snapshot);
        return {};
      }
      log_.warn("{}: {}; it is removed, an older one is used", path, loaded.error().message);
      MOLDAU_TRY(remove_files(files_, {path}));
    }
    return {};
  }

  /// A producer whose requests were under way when the last process ended repeats up to five of them. A snapshot knows
  /// one batch of each, so the log's last part before it is read for the others: without them the repetition would be
  /// refused, and a producer that then begins a new epoch would write those records twice. What can't be read is left
  /// out here; recovery itself meets it where it matters.
  void recall_batches(offset before) {
    if (!out_.producers.lacks_batches(now_ms_ - recall_age_ms)) return;
    std::vector<std::pair<segment*, std::uint64_t>> parts;
    std::uint64_t left = recall_bytes;
    for (auto one = out_.segments.rbegin(); one != out_.segments.rend() && left > 0; ++one) {
      segment& in = **one;
      if (in.base >= before) continue;
      const std::uint64_t from = in.size > left ? batch_position(in, in.size - left) : 0;
      parts.emplace_back(&in, from);
      left -= std::min(left, in.size - from);
    }
    producer_state earlier;
    for (auto part = parts.rbegin(); part != parts.rend(); ++part) {
      const auto file = open_log(*part->first);
      if (!file) return;
      batch_walk walk(**file, part->second, part->first->size);
      for (auto batch = walk.next(); batch && *batch && (*batch)->base_offset() < before; batch = walk.next()) {
        if ((*batch)->has_producer_id() && !(*batch)->is_control()) earlier.update(**batch);
      }
    }
    out_.producers.recall(earlier);
  }

  /// Where some batch at or before `position` begins, as the index on disk says.
  std::uint64_t batch_position(segment& in, std::uint64_t position) {
    const auto content = files_.read_file(in.path(names::offset_index));
    if (!content) return 0;
    auto index = offset_index::parse(*content, in.base, in.size);
    while (index.size() > 0 && index.back().position > position) index.truncate(index.back().offset - 1, in.size);
    return index.size() > 0 ? index.back().position : 0;
  }

  /// Takes in what lies between the snapshot and `to`.
  result<void> replay_producers(offset to) {
    const offset from = std::max(out_.producers.map_end(), out_.log_start);
    for (std::size_t i = 0; from < to && i < out_.segments.size(); ++i) {
      segment& one = *out_.segments[i];
      if (one.base >= to) break;
      if (i + 1 < out_.segments.size() && out_.segments[i + 1]->base <= from) continue;
      MOLDAU_TRY_ASSIGN(const auto file, open_log(one));
      batch_walk walk(*file, 0, one.size);
      while (true) {
        MOLDAU_TRY_ASSIGN(const auto batch, walk.next());
        if (!batch || batch->last_offset() >= to) break;
        if (batch->last_offset() >= from) out_.producers.update(*batch);
        // What follows isn't known to be batches.
        if (batch->next_offset() >= to) break;
      }
    }
    out_.producers.set_map_end(to);
    return {};
  }

  /// The producers as they are at `at`, in the place of what an earlier process may have left there.
  result<void> write_snapshot(offset at) {
    return files_.write_file_atomically(rt::join_path(out_.directory, segment_file_name(at, names::snapshot)),
                                        out_.producers.encode_snapshot());
  }

  /// Snapshots at segments' bases stay for truncation; of the others only the newest that the log reaches, and that is
  /// older than what was checked: the batches may say otherwise by now.
  result<void> tidy_snapshots() {
    const offset sound = std::min(checked_from_.value_or(out_.log_end), out_.log_end);
    const auto behind = std::ranges::upper_bound(scan_.snapshots, sound);
    std::vector<std::string> gone;
    for (auto at = scan_.snapshots.begin(); at != scan_.snapshots.end(); ++at) {
      const bool at_base = std::ranges::any_of(out_.segments, [&](const auto& s) { return s->base == *at; });
      if (at_base && *at <= out_.log_end && !starts_anew_) continue;
      if (at < behind && at + 1 == behind && !starts_anew_) {
        out_.checkpoint_snapshot = *at;
        continue;
      }
      gone.push_back(rt::join_path(out_.directory, segment_file_name(*at, names::snapshot)));
    }
    return remove_files(files_, gone);
  }

  result<std::shared_ptr<rt::file>> open_log(segment& one) {
    return one.log_file.open(files_, one.path(names::log), rt::open_mode::write);
  }

  /// Bytes that can't be what was written, and no trouble of the disk's.
  static bool is_damage(const error& what) { return what.code == errc::corrupt_message; }

  /// How far back repeated batches are looked for: longer than Kafka's `delivery.timeout.ms`, and more than a few
  /// producers have under way.
  static constexpr std::int64_t recall_age_ms = 10 * 60 * 1000;
  static constexpr std::uint64_t recall_bytes = 8U << 20U;

  static constexpr offset no_end{std::numeric_limits<std::int64_t>::max()};

  rt::file_system& files_;
  const log_open_options& options_;
  const storage_options& storage_;
  const std::int64_t now_ms_;
  const base::logger& log_;
  folder_scan scan_;
  /// From where on every batch was checked, if the log wasn't closed in order.
  std::optional<offset> checked_from_;
  /// Whether nothing of what is on the disk counts.
  bool starts_anew_ = false;
  loaded_log out_;
  std::string epochs_text_;
  bool epochs_lost_ = false;
};

}  // namespace

result<loaded_log> load_log(rt::file_system& files, const log_open_options& options, const storage_options& storage,
                            std::int64_t now_ms, const base::logger& log) {
  return loader(files, options, storage, now_ms, log).run();
}

result<std::optional<topic_id>> read_topic_id(rt::file_system& files, const std::string& directory) {
  const std::string path = rt::join_path(directory, names::partition_metadata);
  if (!files.exists(path)) return std::nullopt;
  MOLDAU_TRY_ASSIGN(const shared_bytes content, files.read_file(path));
  auto parsed = parse_partition_metadata(as_text(content));
  if (!parsed) return fail(parsed.error().code, fmt::format("{}: {}", path, parsed.error().message));
  return *parsed;
}

}  // namespace moldau::storage
