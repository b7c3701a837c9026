#include "wire/record_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "wire/compression_state.hpp"
#include "wire/legacy_message_set.hpp"
#include "wire/record_varint.hpp"

namespace moldau::wire {
namespace {

std::unexpected<error> malformed_record(std::string_view why) {
  return fail(errc::corrupt_message, fmt::format("a record is malformed: {}", why));
}

/// Reads a length and that many bytes; a negative length is null.
const std::byte* read_bytes(const std::byte* at, const std::byte* end, std::optional<bytes_view>& out) {
  std::int32_t size = 0;
  at = record_varint::read(at, end, size);
  if (at == nullptr) return nullptr;
  if (size < 0) {
    out.reset();
    return at;
  }
  if (size > end - at) return nullptr;
  out.emplace(at, static_cast<std::size_t>(size));
  return at + size;
}

}  // namespace

/// The window onto a compressed batch: `window` holds what has come out and hasn't been read, from `from` to `to`.
/// Its memory comes from the context and goes back there, unless one large record made it large.
struct record_reader::stream {
  stream(decompressor source_, codec_context::state& state_, const record_limits& limits_)
      : source(std::move(source_)), state(state_), limits(limits_), window(codec_context::state::take(state_.windows)) {
    if (window == nullptr) window = std::make_unique<std::vector<std::byte>>();
  }
  stream(const stream&) = delete;
  stream& operator=(const stream&) = delete;
  ~stream() {
    if (window->size() <= kept_window_bytes_max) codec_context::state::give(state.windows, std::move(window));
  }

  static constexpr std::size_t kept_window_bytes_max = std::size_t{1} << 20U;

  decompressor source;
  codec_context::state& state;
  record_limits limits;
  std::unique_ptr<std::vector<std::byte>> window;
  std::size_t from = 0;
  std::size_t to = 0;
  std::size_t total = 0;
  bool ended = false;
};

/// Old message sets are decompressed and resolved whole: relative offsets need the last one first.
struct record_reader::legacy {
  legacy_records records;
  std::size_t at = 0;
};

record_reader::record_reader(record_reader&&) noexcept = default;
record_reader& record_reader::operator=(record_reader&&) noexcept = default;
record_reader::~record_reader() = default;

result<record_reader> record_reader::open(batch_view batch, codec_context& context, record_limits limits) {
  if (batch.is_legacy()) {
    MOLDAU_TRY_ASSIGN(legacy_records records, read_legacy(batch, context, limits.batch_bytes_max));
    record_reader out;
    out.legacy_ = std::make_unique<legacy>(legacy{.records = std::move(records)});
    return out;
  }
  record_reader out = over(batch.header(), batch.payload());
  if (batch.compression() == codec::none) return out;
  MOLDAU_TRY_ASSIGN(decompressor source, decompressor::open(batch.compression(), batch.payload(), context));
  out.rest_ = {};
  out.stream_ = std::make_unique<stream>(std::move(source), context.internals(), limits);
  return out;
}

record_reader record_reader::over(const batch_header& header, bytes_view records) {
  record_reader out;
  out.header_ = header;
  out.rest_ = records;
  out.left_ = header.record_count;
  return out;
}

result<bool> record_reader::next(record_view& out) {
  if (stream_ != nullptr) return next_streamed(out);
  if (legacy_ != nullptr) return next_legacy(out);
  if (left_ <= 0) {
    if (left_ < 0) return malformed_record("the batch counts less than none");
    if (!rest_.empty()) {
      rest_ = {};
      return malformed_record("there are more bytes than the batch's records take");
    }
    return false;
  }
  const std::byte* const end = rest_.data() + rest_.size();
  std::int32_t size = 0;
  const std::byte* at = record_varint::read(rest_.data(), end, size);
  if (at == nullptr || size < 0 || size > end - at) {
    left_ = 0;
    rest_ = {};
    return malformed_record("it is cut short");
  }
  const bytes_view body(at, static_cast<std::size_t>(size));
  consumed_ += static_cast<std::size_t>(at + size - rest_.data());
  rest_ = {at + size, end};
  --left_;
  MOLDAU_TRY(parse(body, out));
  return true;
}

result<bool> record_reader::next_legacy(record_view& out) {
  if (legacy_->at == legacy_->records.records.size()) return false;
  out = legacy_->records.records[legacy_->at++];
  consumed_ += (out.key ? out.key->size() : 0) + (out.value ? out.value->size() : 0);
  return true;
}

result<bool> record_reader::next_streamed(record_view& out) {
  constexpr std::size_t longest_varint = 5;
  if (left_ < 0) return malformed_record("the batch counts less than none");
  if (left_ == 0) {
    MOLDAU_TRY_ASSIGN(const bool more, refill(1));
    if (more) return malformed_record("there are more bytes than the batch's records take");
    return false;
  }
  // Whatever fails from here on ends the reading.
  const std::int32_t left = std::exchange(left_, 0) - 1;
  MOLDAU_TRY(refill(longest_varint));
  stream& s = *stream_;
  std::int32_t size = 0;
  const std::byte* start = s.window->data() + s.from;
  const std::byte* at = record_varint::read(start, s.window->data() + s.to, size);
  if (at == nullptr || size < 0) return malformed_record("it is cut short");
  if (static_cast<std::size_t>(size) > s.limits.record_bytes_max) {
    return fail(errc::message_too_large, fmt::format("a compressed batch holds a record of {} bytes, the limit is {}",
                                                     size, s.limits.record_bytes_max));
  }
  const std::size_t whole = static_cast<std::size_t>(at - start) + static_cast<std::size_t>(size);
  MOLDAU_TRY_ASSIGN(const bool is_whole, refill(whole));
  if (!is_whole) return malformed_record("it is cut short");
  const bytes_view body(s.window->data() + s.from + whole - static_cast<std::size_t>(size),
                        static_cast<std::size_t>(size));
  s.from += whole;
  consumed_ += whole;
  MOLDAU_TRY(parse(body, out));
  left_ = left;
  return true;
}

/// Reads on until the window holds `at_least` bytes; false if the data ends before.
result<bool> record_reader::refill(std::size_t at_least) {
  constexpr std::size_t step_bytes = std::size_t{64} * 1024;
  stream& s = *stream_;
  while (s.to - s.from < at_least) {
    if (s.ended) return false;
    if (s.from > 0) {
      std::memmove(s.window->data(), s.window->data() + s.from, s.to - s.from);
      s.to -= s.from;
      s.from = 0;
    }
    // A record may claim any size: the window only doubles what has really come out.
    if (s.to == s.window->size()) s.window->resize(std::max(step_bytes, s.window->size() * 2));
    const mutable_bytes room(s.window->data() + s.to, s.window->size() - s.to);
    MOLDAU_TRY_ASSIGN(const std::size_t got, s.source.read(room));
    s.ended = got < room.size();
    s.to += got;
    s.total += got;
    if (s.total > s.limits.batch_bytes_max) {
      s.ended = true;
      s.from = s.to;
      return fail(errc::message_too_large,
                  fmt::format("a compressed batch holds more than {} bytes, which is the limit here",
                              s.limits.batch_bytes_max));
    }
  }
  return true;
}

result<void> record_reader::parse(bytes_view body, record_view& out) {
  const std::byte* at = body.data();
  const std::byte* const end = at + body.size();
  std::int64_t timestamp_delta = 0;
  std::int32_t offset_delta = 0;
  std::int32_t header_count = 0;
  const bool ok = at != end && (at = record_varint::read(at + 1, end, timestamp_delta)) != nullptr &&
                  (at = record_varint::read(at, end, offset_delta)) != nullptr &&
                  (at = read_bytes(at, end, out.key)) != nullptr && (at = read_bytes(at, end, out.value)) != nullptr &&
                  (at = record_varint::read(at, end, header_count)) != nullptr;
  if (!ok) return malformed_record("its fields run past its end");
  // Each header takes two bytes at least, so a count that passes asks for no more memory than it brought.
  if (header_count < 0 || header_count > (end - at) / 2) return malformed_record("its header count is wrong");

  headers_.clear();
  for (std::int32_t i = 0; i < header_count; ++i) {
    header_view header;
    std::optional<bytes_view> key;
    if ((at = read_bytes(at, end, key)) == nullptr || !key || (at = read_bytes(at, end, header.value)) == nullptr)
      return malformed_record("its headers are wrong");
    header.key = as_text(*key);
    headers_.push_back(header);
  }
  if (at != end) return malformed_record("its size is wrong");

  out.headers = headers_;
  out.offset = offset(wrapping_add(header_.base_offset.value(), offset_delta));
  out.timestamp_type = header_.attributes.timestamp_type();
  out.timestamp_ms = out.timestamp_type == timestamp_type::log_append_time
                         ? header_.max_timestamp_ms
                         : wrapping_add(header_.base_timestamp_ms, timestamp_delta);
  out.leader_epoch = header_.leader_epoch;
  return {};
}

}  // namespace moldau::wire
