#include <fmt/format.h>

#include <algorithm>

#include "storage/folder_scan.hpp"
#include "storage/log.hpp"
#include "storage/segment.hpp"

namespace moldau::storage {

// What one sync round does for this log: `begin_*` and `end_*` on the core, `write` and `sync` on a worker.

void log::begin_write() {
  std::swap(queue_, writing_);
  write_mark_ = log_end_;
  if (std::exchange(epochs_dirty_, false)) writing_epochs_ = epochs_.encode();
  before_new_segment_.clear();
  if (std::ranges::any_of(writing_, [](const queued_write& one) { return !one.to->created; })) {
    before_new_segment_ = unsynced_;
  }
}

result<void> log::write() {
  if (writing_epochs_) {
    MOLDAU_TRY(world_.files().write_file_atomically(rt::join_path(directory_, names::leader_epochs),
                                                    as_bytes(*writing_epochs_)));
  }
  std::vector<bytes_view> parts;
  for (std::size_t i = 0; i < writing_.size();) {
    segment& to = *writing_[i].to;
    const std::uint64_t from = writing_[i].position;
    std::uint64_t end = from;
    parts.clear();
    for (; i < writing_.size() && writing_[i].to.get() == &to && writing_[i].position == end; ++i) {
      if (writing_[i].bytes.empty()) continue;
      parts.push_back(writing_[i].bytes);
      end += writing_[i].bytes.size();
    }
    if (!to.created) {
      // Or a power cut could keep the new segment and lose the end of the one before: a gap that recovery can't tell
      // from one that compaction left.
      for (const auto& before : before_new_segment_) {
        if (const auto written = before->log_file.get()) MOLDAU_TRY(written->sync_data());
      }
      before_new_segment_.clear();
      MOLDAU_TRY(create_segment_files(world_.files(), to));
    }
    before_new_segment_.push_back(writing_[i - 1].to);
    MOLDAU_TRY_ASSIGN(const auto file, to.log_file.open(world_.files(), to.path(names::log), rt::open_mode::write));
    if (storage_.reserve_step_bytes > 0 && end > to.reserved) {
      // Steps grow with the segment, so that a thousand small logs don't reserve a thousand large steps.
      const std::uint64_t step = std::clamp<std::uint64_t>(end, 64U << 10U, storage_.reserve_step_bytes);
      MOLDAU_TRY(file->reserve(from, end - from + step));
      to.reserved = end + step;
    }
    if (end > from) MOLDAU_TRY(file->write_at(from, parts));
  }
  return {};
}

void log::end_write() {
  for (const queued_write& one : writing_) {
    segment& to = *one.to;
    to.written = std::max(to.written, one.position + one.bytes.size());
    if (to.written > to.synced && (unsynced_.empty() || unsynced_.back() != one.to)) {
      if (std::ranges::find(unsynced_, one.to) == unsynced_.end()) unsynced_.push_back(one.to);
    }
  }
  writing_.clear();
  writing_epochs_.reset();
  written_.advance(write_mark_);
  if (listener_ != nullptr) listener_->on_written();
}

void log::begin_sync(bool and_taken) {
  syncing_ = unsynced_;
  for (const auto& one : syncing_) one->sync_target = one->written;
  sync_mark_ = written_.reached();
  if (!and_taken) return;
  sync_mark_ = write_mark_;
  for (const queued_write& one : writing_) {
    if (syncing_.empty() || syncing_.back() != one.to) {
      if (std::ranges::find(syncing_, one.to) == syncing_.end()) syncing_.push_back(one.to);
    }
    one.to->sync_target = one.position + one.bytes.size();
  }
}

result<void> log::sync() {
  for (const auto& one : syncing_) {
    if (const auto file = one->log_file.get()) MOLDAU_TRY(file->sync_data());
  }
  return {};
}

void log::end_sync() {
  for (const auto& one : syncing_) one->synced = std::max(one->synced, one->sync_target);
  std::erase_if(unsynced_, [](const auto& one) { return one->synced >= one->written; });
  syncing_.clear();
  synced_.advance(sync_mark_);
  if (listener_ != nullptr) listener_->on_synced();
}

void log::on_failed(const error& why) {
  const error told{.code = errc::kafka_storage_error, .message = why.message};
  queue_.clear();
  tail_.clear();
  written_.fail(told);
  synced_.fail(told);
  if (listener_ != nullptr) listener_->on_failed(told);
}

}  // namespace moldau::storage
