#include "client/fetched.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "wire/record_control.hpp"
#include "wire/record_reader.hpp"

namespace moldau::client {

namespace {

constexpr std::size_t inflated_bytes_max = std::size_t{1} << 30U;

record_view copied(const record_view& from, wire::arena& into) {
  record_view out = from;
  if (from.key) out.key = into.store(*from.key);
  if (from.value) out.value = into.store(*from.value);
  out.headers = {};
  return out;
}

/// All that comes out of a payload, in a block that is used again. The block grows with what really comes out.
result<shared_bytes> inflate(wire::codec type, bytes_view payload, decode_context& with) {
  MOLDAU_TRY_ASSIGN(auto source, wire::decompressor::open(type, payload, with.codecs));
  shared_bytes out = with.buffers.take(payload.size() * with.growth);
  std::size_t size = 0;
  while (true) {
    MOLDAU_TRY_ASSIGN(const std::size_t got, source.read(out.writable().subspan(size)));
    size += got;
    if (size < out.size()) break;
    if (size >= inflated_bytes_max) {
      return fail(
          errc::message_too_large,
          fmt::format("a compressed batch holds more than {} bytes, which is the limit here", inflated_bytes_max));
    }
    shared_bytes larger = with.buffers.take(out.size() * 2);
    std::memcpy(larger.writable().data(), out.data(), size);
    out = std::move(larger);
  }
  with.growth = std::clamp<std::size_t>(payload.empty() ? 0 : size / payload.size() + 1, 2, 32);
  return out.slice(0, size);
}

}  // namespace

void record_batch::body::release() {
  if (references.fetch_sub(1, std::memory_order_acq_rel) > 1) return;
  const std::shared_ptr<body_pool> to = std::exchange(home, nullptr);
  to->give(this);
}

body_pool::~body_pool() {
  for (record_batch::body* each : free_) delete each;
}

record_batch::body* body_pool::take() {
  record_batch::body* out = nullptr;
  {
    const std::lock_guard held(mutex_);
    if (!free_.empty()) {
      out = free_.back();
      free_.pop_back();
    }
  }
  if (out == nullptr) out = new record_batch::body;
  out->references.store(1, std::memory_order_relaxed);
  out->home = shared_from_this();
  return out;
}

void body_pool::give(record_batch::body* back) {
  back->of.reset();
  back->decoded.clear();
  back->fetched = {};
  back->inflated.clear();
  back->copies = {};
  if (back->decoded.records.capacity() <= kept_records_max) {
    const std::lock_guard held(mutex_);
    if (free_.size() < kept_max) {
      free_.push_back(back);
      return;
    }
  }
  delete back;
}

batches_summary summarize(bytes_view records, offset from) {
  batches_summary out{.end = from};
  wire::batch_iterator batches(records);
  while (true) {
    const auto batch = batches.next();
    if (!batch || !*batch) return out;
    out.end = std::max(out.end, (*batch)->next_offset());
    out.last_epoch = (*batch)->leader_epoch();
    out.is_compressed = out.is_compressed || (*batch)->compression() != wire::codec::none;
  }
}

fetched_partition::fetched_partition(std::shared_ptr<const topic_partition> of, shared_bytes records, offset from,
                                     bounds at, aborted_transactions aborted, isolation level, bool check_crcs)
    : of_(std::move(of)),
      records_(std::move(records)),
      rest_(records_.view()),
      position_(from),
      bounds_(at),
      aborted_(std::move(aborted)),
      level_(level),
      check_crcs_(check_crcs) {
  std::ranges::sort(aborted_, {}, &wire::protocol::fetch_response::aborted_transaction::first_offset);
}

bool fetched_partition::is_aborted(const wire::batch_view& batch) {
  if (level_ != isolation::read_committed || !batch.has_producer_id()) return false;
  while (next_aborted_ < aborted_.size() && aborted_[next_aborted_].first_offset <= batch.last_offset()) {
    aborting_.insert(aborted_[next_aborted_++].producer_id);
  }
  return batch.is_transactional() && aborting_.contains(batch.producer_id());
}

body_ptr fetched_partition::open(body_pool& bodies, decode_context& with, std::optional<error>& wrong,
                                 std::size_t enough) {
  body_ptr out(bodies.take());
  out->of = of_;
  out->high_watermark = bounds_.high_watermark;
  out->last_stable_offset = bounds_.last_stable_offset;
  out->log_start_offset = bounds_.log_start_offset;
  out->next_offset = position_;
  out->next_epoch = no_leader_epoch;
  out->bytes = 0;
  out->fetched = records_;
  wire::batch_iterator batches(rest_);
  while (out->bytes < enough) {
    const auto found = batches.next();
    is_done_ = !found || !*found;
    if (found && !*found) break;
    result<void> opened;
    if (!found) {
      opened = std::unexpected(found.error());
    } else if ((*found)->next_offset() > position_) {
      opened = open_batch(**found, *out, with);
    }
    if (!opened) {
      // What can't be opened stays next: who asks again isn't led past it.
      wrong = error{opened.error().code, fmt::format("partition {} of '{}' at offset {}: {}", of_->partition.value(),
                                                     of_->topic, out->next_offset.value(), opened.error().message)};
      break;
    }
    if ((*found)->next_offset() <= position_) continue;
    position_ = (*found)->next_offset();
    out->next_offset = position_;
    out->next_epoch = (*found)->leader_epoch();
  }
  out->decoded.settle_headers();
  rest_ = batches.rest();
  is_done_ = is_done_ || wrong.has_value();
  if (is_done_) {
    records_ = {};
    rest_ = {};
  }
  return out;
}

result<void> fetched_partition::open_batch(const wire::batch_view& batch, record_batch::body& into,
                                           decode_context& with) {
  if (check_crcs_ && !batch.is_crc_ok()) return fail(errc::corrupt_message, "the checksum of the batch is wrong");
  if (batch.is_legacy()) return open_legacy(batch, into, with);
  const bool aborted = is_aborted(batch);
  if (batch.is_control()) {
    auto reader = wire::record_reader::open(batch, with.codecs);
    record_view marker;
    const auto got = reader ? reader->next(marker) : result<bool>(false);
    if (got && *got) {
      const auto type = wire::decode_control_key(marker.key);
      if (type && *type == wire::control_record_type::abort) aborting_.erase(batch.producer_id());
    }
    return {};
  }
  if (aborted) return {};
  bytes_view payload = batch.payload();
  if (batch.compression() != wire::codec::none) {
    MOLDAU_TRY_ASSIGN(shared_bytes inflated, inflate(batch.compression(), payload, with));
    payload = inflated;
    into.inflated.push_back(std::move(inflated));
  }
  into.bytes += payload.size();
  const std::size_t before = into.decoded.records.size();
  const std::size_t headers_before = into.decoded.headers.size();
  if (const char* why = decode_records(batch.header(), payload, position_, into.decoded)) {
    // Whole batches only.
    into.decoded.records.resize(before);
    into.decoded.headers.resize(headers_before);
    into.decoded.header_counts.resize(std::min(into.decoded.header_counts.size(), before));
    return fail(errc::corrupt_message, fmt::format("a record is malformed: {}", why));
  }
  return {};
}

/// Magic 0 and 1: rare by now, so their records are copied.
result<void> fetched_partition::open_legacy(const wire::batch_view& batch, record_batch::body& into,
                                            decode_context& with) {
  MOLDAU_TRY_ASSIGN(auto reader,
                    wire::record_reader::open(batch, with.codecs, {.batch_bytes_max = inflated_bytes_max}));
  record_view record;
  while (true) {
    MOLDAU_TRY_ASSIGN(const bool more, reader.next(record));
    if (!more) return {};
    if (record.offset >= position_) into.decoded.records.push_back(copied(record, into.copies));
  }
}

record_batch::record_batch(const record_batch& other) noexcept
    : body_(other.body_), records_(other.records_), next_(other.next_) {
  if (body_ != nullptr) body_->retain();
}
record_batch::record_batch(record_batch&& other) noexcept
    : body_(std::exchange(other.body_, nullptr)),
      records_(std::exchange(other.records_, {})),
      next_(std::move(other.next_)) {}
record_batch& record_batch::operator=(record_batch other) noexcept {
  std::swap(body_, other.body_);
  std::swap(records_, other.records_);
  std::swap(next_, other.next_);
  return *this;
}
record_batch::~record_batch() {
  if (body_ != nullptr) body_->release();
}

const std::string& record_batch::topic() const {
  static const std::string none;
  return body_ == nullptr ? none : body_->of->topic;
}
partition_id record_batch::partition() const {
  return body_ == nullptr ? partition_id(-1) : body_->of->partition;
}
moldau::offset record_batch::high_watermark() const {
  return body_ == nullptr ? no_offset : body_->high_watermark;
}
moldau::offset record_batch::last_stable_offset() const {
  return body_ == nullptr ? no_offset : body_->last_stable_offset;
}
moldau::offset record_batch::log_start_offset() const {
  return body_ == nullptr ? no_offset : body_->log_start_offset;
}

}  // namespace moldau::client
