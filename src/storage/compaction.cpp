#include "storage/compaction.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include "storage/batch_walk.hpp"
#include "storage/file_names.hpp"
#include "storage/folder_scan.hpp"
#include "wire/record_control.hpp"
#include "wire/record_reader.hpp"

namespace moldau::storage {

namespace {

constexpr std::array suffixes{names::log, names::offset_index, names::time_index, names::txn_index};

bool is_abort(const wire::batch_view& batch) {
  if (batch.is_legacy() || batch.compression() != wire::codec::none) return false;
  auto reader = wire::record_reader::over(batch.header(), batch.payload());
  record_view record;
  const auto any = reader.next(record);
  if (!any || !*any) return false;
  const auto type = wire::decode_control_key(record.key);
  return type && *type == wire::control_record_type::abort;
}

/// Writes one `.cleaned` segment.
class cleaned_writer {
 public:
  cleaned_writer(rt::file_system& files, const std::string& directory, offset base, std::uint32_t index_interval)
      : files_(files), out_(std::make_shared<segment>(directory, base)), index_interval_(index_interval) {
    out_->indexes = std::make_unique<active_indexes>(base);
    out_->largest_time = time_position{};
  }

  result<void> open() {
    for (const auto& [slot, suffix] :
         {std::pair(&out_->log_file, names::log), std::pair(&out_->offset_file, names::offset_index),
          std::pair(&out_->time_file, names::time_index)}) {
      const std::string path = out_->path(suffix) + std::string(names::cleaned);
      MOLDAU_TRY(slot->open(files_, path, rt::open_mode::create_empty));
    }
    return {};
  }
  result<void> write(bytes_view batch) {
    const wire::batch_view view(batch);
    out_->on_batch(out_->size, batch.size(), view.last_offset(), view.max_timestamp_ms(), index_interval_);
    MOLDAU_TRY(out_->log_file.get()->write_at(out_->size, batch));
    out_->size += batch.size();
    return {};
  }
  result<std::shared_ptr<segment>> finish(std::vector<aborted_entry> aborted, std::int64_t modified_ms) {
    out_->modified_ms = modified_ms;
    out_->indexes->times.maybe_append(*out_->largest_time);
    out_->aborted = std::move(aborted);
    index_write indexes = take_index_write(*out_);
    if (!indexes.aborted.empty()) {
      const std::string path = out_->path(names::txn_index) + std::string(names::cleaned);
      MOLDAU_TRY_ASSIGN(const auto file, files_.open(path, rt::open_mode::create_empty));
      MOLDAU_TRY(file->write_at(0, indexes.aborted));
      MOLDAU_TRY(file->sync());
      indexes.aborted.clear();
    }
    MOLDAU_TRY(write_indexes(files_, *out_, indexes));
    MOLDAU_TRY(out_->log_file.get()->sync());
    MOLDAU_TRY(out_->offset_file.get()->sync());
    MOLDAU_TRY(out_->time_file.get()->sync());
    MOLDAU_TRY(files_.sync_directory(out_->directory()));
    out_->indexes.reset();
    out_->written = out_->synced = out_->size;
    out_->created = true;
    return std::move(out_);
  }

 private:
  rt::file_system& files_;
  std::shared_ptr<segment> out_;
  std::uint32_t index_interval_;
};

/// Decides what stays of one batch.
class batch_filter {
 public:
  batch_filter(const compaction_plan& plan, const offset_map& map, offset mapped_end, compaction_state& state)
      : plan_(plan), map_(map), mapped_end_(mapped_end), state_(state) {}

  result<void> filter(const wire::batch_view& batch, cleaned_writer& to) {
    const bool empty_marker = batch.is_control() && state_.transactions.ends_empty(batch);
    const bool aborted = !batch.is_control() && state_.transactions.is_aborted(batch);
    const auto horizon = batch.delete_horizon_ms();
    // A marker whose transaction is gone stays until readers that have its records can have read it too.
    const bool expired_marker = empty_marker && horizon && *horizon <= plan_.now_ms;
    if (batch.is_control()) {
      if (!expired_marker) {
        if (!empty_marker || horizon) return to.write(batch.bytes());
        return rebuild(batch, to, true);
      }
      return is_last_of_producer(batch) ? write_empty(batch, to) : result<void>{};
    }
    if (aborted) return is_last_of_producer(batch) ? write_empty(batch, to) : result<void>{};
    // Formats before 2 can't say that an offset is gone, so they stay whole.
    if (batch.is_legacy()) return to.write(batch.bytes());

    MOLDAU_TRY_ASSIGN(auto reader, wire::record_reader::open(batch, state_.codecs));
    record_view record;
    bool all = true;
    bool any = false;
    bool tombstone = false;
    while (true) {
      MOLDAU_TRY_ASSIGN(const bool more, reader.next(record));
      if (!more) break;
      const bool stays = keeps(batch, record);
      all &= stays;
      any |= stays;
      tombstone |= stays && !record.value;
    }
    if (!any) return is_last_of_producer(batch) ? write_empty(batch, to) : result<void>{};
    const bool needs_horizon = tombstone && !horizon;
    if (all && !needs_horizon) return to.write(batch.bytes());
    return rebuild(batch, to, needs_horizon);
  }

 private:
  [[nodiscard]] bool is_last_of_producer(const wire::batch_view& batch) const {
    if (!batch.has_producer_id()) return false;
    const auto it = plan_.last_of_producer.find(batch.producer_id());
    return it != plan_.last_of_producer.end() && it->second == batch.last_offset();
  }

  [[nodiscard]] bool keeps(const wire::batch_view& batch, const record_view& record) const {
    if (record.offset >= mapped_end_) return true;
    if (!record.key) return false;
    const auto latest = map_.get(*record.key);
    if (latest && record.offset < *latest) return false;
    if (record.value) return true;
    const auto horizon = batch.delete_horizon_ms();
    return !horizon || plan_.now_ms < *horizon;
  }

  /// The batch with only its surviving records, their offsets, and where wanted a delete horizon (KIP-534).
  result<void> rebuild(const wire::batch_view& batch, cleaned_writer& to, bool set_horizon) {
    const wire::batch_header header = batch.header();
    std::optional<std::int64_t> horizon = batch.delete_horizon_ms();
    if (set_horizon) horizon = plan_.now_ms + plan_.options.delete_retention_ms;
    state_.builder.begin({.compression = wire::compression::of(batch.compression()),
                          .base_offset = header.base_offset,
                          .leader_epoch = header.leader_epoch,
                          .timestamp_type = batch.timestamp_type(),
                          .log_append_time_ms = header.max_timestamp_ms,
                          .producer_id = header.producer_id,
                          .producer_epoch = header.producer_epoch,
                          .base_sequence = header.base_sequence,
                          .is_transactional = batch.is_transactional(),
                          .is_control = batch.is_control(),
                          .delete_horizon_ms = horizon});
    MOLDAU_TRY_ASSIGN(auto reader, wire::record_reader::open(batch, state_.codecs));
    record_view record;
    while (true) {
      MOLDAU_TRY_ASSIGN(const bool more, reader.next(record));
      if (!more) break;
      if (!batch.is_control() && !keeps(batch, record)) continue;
      MOLDAU_TRY(
          state_.builder.append_at(record.offset, record.timestamp_ms, record.key, record.value, record.headers));
    }
    state_.builder.set_last_offset(header.last_offset());
    MOLDAU_TRY_ASSIGN(const shared_bytes built, state_.builder.finish(state_.codecs));
    return to.write(built);
  }

  /// The header alone, which keeps the producer's last sequence number.
  result<void> write_empty(const wire::batch_view& batch, cleaned_writer& to) {
    if (batch.is_legacy()) return {};
    wire::batch_header header = batch.header();
    header.length = static_cast<std::int32_t>(wire::batch_layout::header_size - wire::batch_layout::log_overhead);
    header.record_count = 0;
    header.attributes.bits = static_cast<std::int16_t>(header.attributes.bits & ~wire::batch_attributes::codec_mask);
    std::array<std::byte, wire::batch_layout::header_size> raw{};
    header.encode(raw.data());
    wire::update_crc(raw);
    return to.write(raw);
  }

  const compaction_plan& plan_;
  const offset_map& map_;
  offset mapped_end_;
  compaction_state& state_;
};

result<std::shared_ptr<rt::file>> open_log(rt::file_system& files, segment& one) {
  return one.log_file.open(files, one.path(names::log), rt::open_mode::write);
}

}  // namespace

compaction_transactions::compaction_transactions(std::vector<aborted_entry> aborted, std::vector<aborted_entry>* kept)
    : aborted_(std::move(aborted)), kept_(kept) {
  std::ranges::sort(aborted_, {}, &aborted_entry::first_offset);
}

void compaction_transactions::begin_up_to(offset at) {
  for (; next_ < aborted_.size() && aborted_[next_].first_offset <= at; ++next_) {
    open_[aborted_[next_].producer_id] = {.entry = aborted_[next_], .seen = false};
  }
}

bool compaction_transactions::is_aborted(const wire::batch_view& batch) {
  begin_up_to(batch.last_offset());
  if (!batch.is_transactional()) return false;
  const auto it = open_.find(batch.producer_id());
  if (it == open_.end()) {
    committed_.insert(batch.producer_id());
    return false;
  }
  it->second.seen = true;
  return true;
}

bool compaction_transactions::ends_empty(const wire::batch_view& batch) {
  begin_up_to(batch.last_offset());
  const auto it = open_.find(batch.producer_id());
  if (it != open_.end() && is_abort(batch)) {
    const open_abort done = it->second;
    open_.erase(it);
    // The index entry is needed as long as readers may hold the transaction's records.
    if (done.seen && kept_ != nullptr) kept_->push_back(done.entry);
    return !done.seen;
  }
  return committed_.erase(batch.producer_id()) == 0;
}

result<offset> fill_offset_map(rt::file_system& files, const compaction_plan& plan, offset_map& map) {
  compaction_transactions transactions(plan.aborted, nullptr);
  wire::codec_context codecs;
  offset reached = plan.first_dirty;
  for (std::size_t i = 0; i < plan.segments.size(); ++i) {
    const offset next_base = i + 1 < plan.segments.size() ? plan.segments[i + 1]->base : plan.end;
    if (next_base <= plan.first_dirty) continue;
    segment& one = *plan.segments[i];
    MOLDAU_TRY_ASSIGN(const auto file, open_log(files, one));
    batch_walk walk(*file, 0, one.written);
    while (true) {
      MOLDAU_TRY(plan.go_on());
      MOLDAU_TRY_ASSIGN(const auto batch, walk.next());
      if (!batch) break;
      if (batch->is_control()) {
        transactions.ends_empty(*batch);
        continue;
      }
      if (transactions.is_aborted(*batch) || batch->last_offset() < plan.first_dirty) continue;
      MOLDAU_TRY_ASSIGN(auto reader, wire::record_reader::open(*batch, codecs));
      record_view record;
      while (true) {
        MOLDAU_TRY_ASSIGN(const bool more, reader.next(record));
        if (!more) break;
        if (!record.key || record.offset < plan.first_dirty) continue;
        // Full: what came before this record is cleaned now, the rest in the next round.
        if (!map.put(*record.key, record.offset)) return record.offset;
      }
      reached = batch->next_offset();
    }
    reached = std::max(reached, next_base);
  }
  return reached;
}

std::vector<segment_group> group_segments(const compaction_plan& plan, offset end) {
  std::vector<segment_group> out;
  std::uint64_t size = 0;
  for (const auto& one : plan.segments) {
    if (one->base >= end) break;
    const bool fits = !out.empty() && size + one->size <= plan.options.segment_bytes &&
                      one->base - out.back().front()->base < std::numeric_limits<std::int32_t>::max() - 1;
    if (!fits) {
      out.emplace_back();
      size = 0;
    }
    out.back().push_back(one);
    size += one->size;
  }
  return out;
}

result<std::shared_ptr<segment>> clean_group(rt::file_system& files, const compaction_plan& plan,
                                             const segment_group& group, const offset_map& map, offset mapped_end,
                                             compaction_state& state) {
  cleaned_writer writer(files, group.front()->directory(), group.front()->base, plan.options.index_interval_bytes);
  MOLDAU_TRY(writer.open());
  batch_filter filter(plan, map, mapped_end, state);
  std::int64_t modified_ms = 0;
  state.kept_aborted.clear();
  for (const auto& one : group) {
    modified_ms = one->modified_ms;
    MOLDAU_TRY_ASSIGN(const auto file, open_log(files, *one));
    batch_walk walk(*file, 0, one->written);
    while (true) {
      MOLDAU_TRY(plan.go_on());
      MOLDAU_TRY_ASSIGN(const auto batch, walk.next());
      if (!batch) break;
      MOLDAU_TRY(filter.filter(*batch, writer));
    }
  }
  return writer.finish(std::move(state.kept_aborted), modified_ms);
}

result<std::vector<std::string>> swap_in(rt::file_system& files, const segment& cleaned, const segment_group& group) {
  const auto with = [](std::string path, std::string_view more) { return path.append(more); };
  // The log last: as long as it is called cleaned, the round counts as unfinished and is undone.
  for (auto suffix = suffixes.rbegin(); suffix != suffixes.rend(); ++suffix) {
    const std::string path = cleaned.path(*suffix);
    if (!files.exists(with(path, names::cleaned))) continue;
    MOLDAU_TRY(files.rename(with(path, names::cleaned), with(path, names::swap)));
  }
  MOLDAU_TRY(files.sync_directory(cleaned.directory()));
  std::vector<std::string> doomed;
  for (const auto& old : group) {
    std::vector<std::string> paths;
    for (const std::string_view suffix : suffixes) paths.push_back(old->path(suffix));
    if (old->base != cleaned.base) paths.push_back(old->path(names::snapshot));
    for (const std::string& path : paths) {
      if (!files.exists(path)) continue;
      MOLDAU_TRY(files.rename(path, with(path, names::deleted)));
      doomed.push_back(with(path, names::deleted));
    }
  }
  // An old segment must never come back beside the one that has its records now.
  MOLDAU_TRY(files.sync_directory(cleaned.directory()));
  for (const std::string_view suffix : suffixes) {
    const std::string path = cleaned.path(suffix);
    if (files.exists(with(path, names::swap))) MOLDAU_TRY(files.rename(with(path, names::swap), path));
  }
  MOLDAU_TRY(files.sync_directory(cleaned.directory()));
  return doomed;
}

}  // namespace moldau::storage
