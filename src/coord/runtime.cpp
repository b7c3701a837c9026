#include "coord/runtime.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace moldau::coord {
namespace {

std::size_t size_of(const std::vector<record>& records) {
  std::size_t out = 0;
  for (const record& one : records) out += one.size_bytes_max();
  return out;
}

}  // namespace

void runtime::write(std::vector<record> records, write_options options, callback done) {
  const std::size_t size = size_of(records);
  if (size > options_.batch_bytes_max && !options.atomic && records.size() > 1) {
    const auto middle = records.begin() + static_cast<std::ptrdiff_t>(records.size() / 2);
    std::vector<record> rest(std::make_move_iterator(middle), std::make_move_iterator(records.end()));
    records.erase(middle, records.end());
    write(std::move(records), options, [](errc) {});
    write(std::move(rest), options, std::move(done));
    return;
  }
  if (size > options_.batch_bytes_max) {
    done(errc::record_list_too_large);
    return;
  }
  if (gathered_bytes_ + size > options_.batch_bytes_max) flush();
  gathered_bytes_ += size;
  gathered_.push_back({std::move(records), options.apply, std::move(done)});
}

void runtime::after_writes(callback done) {
  if (!gathered_.empty()) {
    gathered_.push_back({{}, false, std::move(done)});
  } else if (!waiting_.empty()) {
    waiting_.push_back({waiting_.back().end, now_ms_ + options_.commit_timeout_ms, std::move(done)});
  } else {
    done(errc::none);
  }
}

void runtime::flush() {
  if (gathered_.empty()) return;
  auto now = std::exchange(gathered_, {});
  gathered_bytes_ = 0;
  std::vector<record> batch;
  for (const gathered& one : now) batch.insert(batch.end(), one.records.begin(), one.records.end());
  if (batch.empty()) {
    for (gathered& one : now) after_writes(std::move(one.done));
    return;
  }
  auto end = append_(batch);
  if (!end) {
    for (gathered& one : now) one.done(end.error().code);
    return;
  }
  offset at = *end - static_cast<std::int64_t>(batch.size());
  for (gathered& one : now) {
    for (const record& record : one.records) {
      const auto value = record.value ? std::optional<bytes_view>(record.value->view()) : std::nullopt;
      if (one.apply) machine_.apply(record.key, value, {.offset = at});
      ++at;
    }
    waiting_.push_back({*end, now_ms_ + options_.commit_timeout_ms, std::move(one.done)});
  }
}

std::optional<offset> runtime::uncommitted_end() const {
  if (waiting_.empty()) return std::nullopt;
  return waiting_.back().end;
}

void runtime::committed(offset end) {
  while (!waiting_.empty() && waiting_.front().end <= end) {
    auto done = std::move(waiting_.front().done);
    waiting_.pop_front();
    if (done) done(errc::none);
  }
}

void runtime::expire() {
  // Who has been told stays in line, without a callback: the log must still be followed to there. A callback may write
  // more, which comes at the end.
  for (std::size_t i = 0; i < waiting_.size() && waiting_[i].deadline_ms <= now_ms_; ++i) {
    if (auto done = std::exchange(waiting_[i].done, nullptr)) done(errc::request_timed_out);
  }
}

std::optional<std::int64_t> runtime::next_deadline_ms() const {
  const auto next = std::ranges::find_if(waiting_, [](const waiting& one) { return static_cast<bool>(one.done); });
  if (next == waiting_.end()) return std::nullopt;
  return next->deadline_ms;
}

void runtime::fail(errc why) {
  // In order, and whatever a callback writes meanwhile too.
  while (!waiting_.empty() || !gathered_.empty()) {
    auto waiting = std::exchange(waiting_, {});
    auto unwritten = std::exchange(gathered_, {});
    gathered_bytes_ = 0;
    for (auto& one : waiting) {
      if (one.done) one.done(why);
    }
    for (auto& one : unwritten) one.done(why);
  }
}

}  // namespace moldau::coord
