#include "wire/reader.hpp"

#include <bit>
#include <limits>
#include <string>

#include "bytes/varint.hpp"

namespace moldau::wire {
namespace {

/// What the allocator needs for a block besides what is in it.
constexpr std::size_t block_overhead = 16;

}  // namespace

result<void> reader::status() const {
  if (ok()) return {};
  return moldau::fail(errc::malformed, std::string(failure_) + " (at byte " + std::to_string(failed_at_) + ")");
}

void reader::fail(const char* why) {
  if (failure_ != nullptr) return;
  failure_ = why;
  failed_at_ = position();
  at_ = end_;
}

double reader::f64() {
  return std::bit_cast<double>(i64());
}

moldau::uuid reader::uuid() {
  const bytes_view from = raw(16);
  std::array<std::byte, 16> out{};
  if (!from.empty()) std::memcpy(out.data(), from.data(), out.size());
  return moldau::uuid(out);
}

std::uint32_t reader::varint() {
  bytes_view from = rest();
  const auto v = moldau::bytes::read_varint32(from);
  if (!v) {
    fail("a varint is cut short or over 32 bits");
    return 0;
  }
  at_ = from.data();
  return *v;
}

std::int32_t reader::signed_varint() {
  return moldau::bytes::unzigzag(varint());
}

std::int64_t reader::signed_varlong() {
  bytes_view from = rest();
  const auto v = moldau::bytes::read_varint64(from);
  if (!v) {
    fail("a varint is cut short or over 64 bits");
    return 0;
  }
  at_ = from.data();
  return moldau::bytes::unzigzag(*v);
}

bytes_view reader::raw(std::size_t size) {
  if (size > remaining()) {
    fail("a length goes past the end of the message");
    return {};
  }
  const bytes_view out{at_, size};
  at_ += size;
  return out;
}

std::int64_t reader::length(bool flexible, bool short_length) {
  const std::int64_t v = flexible ? static_cast<std::int64_t>(varint()) - 1 : short_length ? i16() : i32();
  if (v < -1) fail("a length is negative");
  return ok() ? v : -1;
}

std::optional<bytes_view> reader::sized(bool flexible, bool short_length, bool nullable) {
  const std::int64_t size = length(flexible, short_length);
  // Kafka's bound, compact strings included: what is read can also be written.
  if (short_length && size > std::numeric_limits<std::int16_t>::max()) {
    fail("a string is over 32767 bytes");
    return std::nullopt;
  }
  if (size >= 0) {
    const bytes_view out = raw(static_cast<std::size_t>(size));
    return ok() ? std::optional(out) : std::nullopt;
  }
  if (!nullable) fail("a field is null that may not be");
  return std::nullopt;
}

std::string_view reader::string(bool flexible) {
  return as_text(sized(flexible, true, false).value_or(bytes_view{}));
}

std::optional<std::string_view> reader::nullable_string(bool flexible) {
  const auto v = sized(flexible, true, true);
  return v ? std::optional(as_text(*v)) : std::nullopt;
}

bytes_view reader::bytes(bool flexible) {
  return sized(flexible, false, false).value_or(bytes_view{});
}

std::optional<bytes_view> reader::nullable_bytes(bool flexible) {
  return sized(flexible, false, true);
}

records_field reader::records(bool flexible) {
  return bytes(flexible);
}

records_field reader::nullable_records(bool flexible) {
  const auto v = nullable_bytes(flexible);
  return v ? records_field(*v) : records_field();
}

std::size_t reader::array_count(bool flexible, std::size_t element_size_min, std::size_t element_memory) {
  const auto count = nullable_array_count(flexible, element_size_min, element_memory);
  if (!count) fail("an array is null that may not be");
  return count.value_or(0);
}

std::optional<std::size_t> reader::nullable_array_count(bool flexible, std::size_t element_size_min,
                                                        std::size_t element_memory) {
  const std::int64_t count = length(flexible, false);
  if (count < 0) return std::nullopt;
  if (static_cast<std::size_t>(count) > remaining() / element_size_min) {
    fail("an array has more elements than the message has room for");
    return std::nullopt;
  }
  if (count > 0 && element_memory > 0) take_memory(static_cast<std::size_t>(count) * element_memory + block_overhead);
  return ok() ? std::optional(static_cast<std::size_t>(count)) : std::nullopt;
}

void reader::take_memory(std::size_t bytes) {
  if (bytes > memory_max_ - memory_taken_) return fail("it would take far more memory than the message is long");
  memory_taken_ += bytes;
}

reader reader::sub(std::size_t size) {
  reader out(raw(size));
  out.memory_max_ = memory_max_;
  out.memory_taken_ = memory_taken_;
  return out;
}

void reader::finish(const reader& part) {
  if (!part.ok()) fail(part.failure_);
  memory_taken_ = part.memory_taken_;
  if (part.remaining() != 0) fail("a tagged field is longer than its value");
}

tag_reader::tag_reader(reader& from) : from_(from), value_(from.sub(0)), left_(from.varint()) {
  // A field takes two bytes at least; nothing is allocated by the count, this only ends a hopeless loop early.
  if (left_ > from.remaining() / 2) from.fail("more tagged fields than the message has room for");
}

bool tag_reader::next() {
  from_.finish(value_);
  if (left_ == 0 || !from_.ok()) return false;
  --left_;
  const std::uint32_t tag = from_.varint();
  if (started_ && tag <= tag_) from_.fail("tagged fields are out of order");
  started_ = true;
  tag_ = tag;
  value_ = from_.sub(from_.varint());
  return from_.ok();
}

void tag_reader::keep(std::vector<unknown_tag>& unknown) {
  // Twice, as a vector grows by doubling.
  value_.take_memory(2 * sizeof(unknown_tag));
  unknown.push_back({.tag = tag_, .data = value_.raw(value_.remaining())});
}

}  // namespace moldau::wire
