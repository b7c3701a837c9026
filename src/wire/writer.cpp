#include "wire/writer.hpp"

#include <bit>
#include <cstring>
#include <string>

namespace moldau::wire {

namespace {

constexpr std::size_t short_length_max = 0x7fff;
constexpr std::size_t length_max = 0x7fffffff;

}  // namespace

result<void> writer::status() const {
  if (failure_ == nullptr) return {};
  return fail(errc::unsupported_version, std::string("this version of the message can't hold ") + failure_);
}

void writer::f64(double v) {
  i64(std::bit_cast<std::int64_t>(v));
}

void writer::raw(bytes_view bytes) {
  std::byte* const to = take(bytes.size());
  if (!bytes.empty()) std::memcpy(to, bytes.data(), bytes.size());
}

void writer::length(std::size_t size, bool flexible) {
  if (size > length_max) unsupported("more than 2 GiB in one field");
  if (flexible) {
    varint(static_cast<std::uint32_t>(size + 1));
  } else {
    i32(static_cast<std::int32_t>(size));
  }
}

void writer::string(std::string_view v, bool flexible) {
  if (v.size() > short_length_max) unsupported("a string over 32767 bytes");
  if (flexible) {
    length(v.size(), true);
  } else {
    i16(static_cast<std::int16_t>(v.size()));
  }
  raw(as_bytes(v));
}

void writer::nullable_string(const std::optional<std::string_view>& v, bool flexible) {
  if (v) {
    string(*v, flexible);
  } else if (flexible) {
    varint(0);
  } else {
    i16(-1);
  }
}

void writer::bytes(bytes_view v, bool flexible) {
  length(v.size(), flexible);
  raw(v);
}

void writer::nullable_bytes(const std::optional<bytes_view>& v, bool flexible) {
  if (v) {
    bytes(*v, flexible);
  } else {
    null_array(flexible);
  }
}

void writer::records(const records_field& v, bool flexible) {
  if (v.is_null()) {
    null_array(flexible);
    return;
  }
  length(v.size(), flexible);
  if (v.is_external()) {
    splices_.push_back({.position = position(), .size = v.size(), .id = v.id()});
    external_size_ += v.size();
  } else {
    raw(v.bytes());
  }
}

void writer::array_count(std::size_t count, bool flexible) {
  length(count, flexible);
}

void writer::null_array(bool flexible) {
  if (flexible) {
    varint(0);
  } else {
    i32(-1);
  }
}

void writer::tag(std::uint32_t tag, std::size_t size) {
  varint(tag);
  varint(static_cast<std::uint32_t>(size));
}

std::size_t writer::unknown_tags(const std::vector<unknown_tag>& unknown, std::size_t from, std::uint64_t before) {
  for (; from < unknown.size() && unknown[from].tag < before; ++from) {
    tag(unknown[from].tag, unknown[from].data.size());
    raw(unknown[from].data);
  }
  return from;
}

std::size_t unknown_tags_size(const std::vector<unknown_tag>& unknown) {
  std::size_t out = 0;
  for (const unknown_tag& t : unknown) out += tag_size(t.tag, t.data.size());
  return out;
}

}  // namespace moldau::wire
