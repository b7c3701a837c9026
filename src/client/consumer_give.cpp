#include <algorithm>
#include <utility>

#include "client/consumer_impl.hpp"

namespace moldau::client {

namespace {

/// A poll gives about so much, so that what it decodes is still in the processor's cache when it is looked at, and yet
/// the way from the application's thread and back is no cost.
constexpr std::size_t poll_bytes = std::size_t{8} << 20U;
constexpr std::size_t poll_records = std::size_t{16} << 10U;
/// Compressed parts are opened so far ahead of the polls, and so much at a time, counted decompressed: a mebibyte may
/// hold a hundred of them.
constexpr std::size_t opened_ahead_bytes = std::size_t{4} << 20U;
constexpr std::size_t opened_at_once_bytes = std::size_t{2} << 20U;

}  // namespace

bool consumer::impl::is_current(const part& of) {
  return state_of(*of.of, of.round) != nullptr;
}

/// Returns where the next part stands then.
std::size_t consumer::impl::drop_part(std::size_t index) {
  buffered_bytes_ -= parts_[index].bytes;
  if (index != first_part_) {
    parts_.erase(parts_.begin() + static_cast<std::ptrdiff_t>(index));
    return index;
  }
  parts_[first_part_++] = {};
  constexpr std::size_t most_gone = 64;
  if (first_part_ == parts_.size() || first_part_ >= most_gone) {
    parts_.erase(parts_.begin(), parts_.begin() + static_cast<std::ptrdiff_t>(first_part_));
    first_part_ = 0;
  }
  return first_part_;
}

/// What paused partitions have waiting mustn't keep the others from being fetched: it is fetched again later.
void consumer::impl::make_room() {
  for (std::size_t i = first_part_; i < parts_.size(); ++i) {
    const consumed_partition* state = state_of(*parts_[i].of, parts_[i].round);
    if (state != nullptr && !state->paused) return;
  }
  while (first_part_ < parts_.size()) {
    if (consumed_partition* state = state_of(*parts_[first_part_].of, parts_[first_part_].round)) {
      const leader_epoch known = state->leader();
      state->seek(state->position(), next_round_++);
      state->skip_validation(known);
    }
    drop_part(first_part_);
  }
}

/// Decompressing is left to a worker, one part at a time, while records are fetched and looked at.
void consumer::impl::open_ahead() {
  if (opening_ || closing_) return;
  std::size_t ahead = 0;
  for (std::size_t i = first_part_; i < parts_.size() && ahead < opened_ahead_bytes; ++i) {
    part& next = parts_[i];
    if (!next.is_compressed || !is_current(next)) continue;
    if (next.opened) ahead += next.opened->bytes;
    if (next.opened || !next.fetched || next.fetched->is_done()) continue;
    opening_ = true;
    fetched_partition what = *std::exchange(next.fetched, std::nullopt);
    running_.spawn(open_on_worker(next.number, std::move(what)));
    return;
  }
}

rt::task<void> consumer::impl::open_on_worker(std::uint64_t number, fetched_partition what) {
  const auto self = shared_from_this();
  std::optional<error> wrong;
  body_ptr opened = co_await runtime_.world().offload(
      [&] { return what.open(*bodies_, *decoding_there_, wrong, opened_at_once_bytes); });
  opening_ = false;
  const auto found = std::ranges::find(parts_, number, &part::number);
  if (found != parts_.end()) {
    found->fetched = std::move(what);
    found->opened = std::move(opened);
    found->wrong = std::move(wrong);
  }
  open_ahead();
  news_.notify_all();
}

/// Puts what waits into `into`, about `poll_bytes` or `poll_records`, or `poll_records_max` records of it. A batch that
/// can't be opened is left where it is, behind those that can.
result<void> consumer::impl::give(polled& into) {
  const std::size_t most = options_.poll_records_max == 0 ? SIZE_MAX : options_.poll_records_max;
  const std::size_t enough = std::min(most, poll_records);
  std::size_t bytes = 0;
  if (first_part_ < parts_.size()) into.batches.reserve(std::min<std::size_t>(parts_.size() - first_part_, 16));
  for (std::size_t i = first_part_; i < parts_.size() && bytes < poll_bytes && into.records() < enough;) {
    part& next = parts_[i];
    consumed_partition* const state = state_of(*next.of, next.round);
    if (state == nullptr) {
      i = drop_part(i);
      continue;
    }
    if (state->paused || state->leaving) {
      ++i;
      continue;
    }
    if (!next.opened) {
      // A worker's turn.
      if (next.is_compressed) break;
      next.opened = next.fetched->open(*bodies_, decoding_here_, next.wrong);
    }
    if (!give_from(next, *state, most - into.records(), into)) break;
    bytes += next.opened->bytes;
    if (next.wrong) {
      if (into.batches.empty()) return std::unexpected(*next.wrong);
      break;
    }
    if (!next.fetched->is_done()) {
      next.opened.reset();
      next.given = 0;
      continue;
    }
    if (next.is_end && state->reported_end != state->position().offset) {
      state->reported_end = state->position().offset;
      ends_.push_back(*next.of);
    }
    i = drop_part(i);
  }
  open_ahead();
  if (!ends_.empty()) into.ends = std::exchange(ends_, {});
  return {};
}

/// True once all of the part has been given.
bool consumer::impl::give_from(part& from, consumed_partition& state, std::size_t most, polled& into) {
  const std::span<const record_view> left =
      std::span<const record_view>(from.opened->decoded.records).subspan(from.given);
  const bool is_all = left.size() <= most;
  const auto now = is_all ? left : left.first(most);
  log_position behind{from.opened->next_offset, from.opened->next_epoch};
  if (!is_all) behind = {left[most].offset, left[most - 1].leader_epoch};
  if (behind.epoch == no_leader_epoch) behind.epoch = state.position().epoch;
  if (!now.empty()) {
    from.opened->retain();
    into.batches.emplace_back(from.opened.get(), now,
                              committed_offset{.offset = behind.offset, .leader_epoch = behind.epoch, .metadata = {}});
  }
  from.given += now.size();
  state.received.records += now.size();
  if (behind.offset > state.position().offset) state.polled(behind);
  return is_all;
}

}  // namespace moldau::client
