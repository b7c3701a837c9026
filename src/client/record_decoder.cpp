#include "client/record_decoder.hpp"

#include <algorithm>

#include "wire/record_varint.hpp"

namespace moldau::client {
namespace {

using wire::record_varint::read;

const std::byte* read_bytes(const std::byte* at, const std::byte* end, std::optional<bytes_view>& out) {
  std::int32_t size = 0;
  at = read(at, end, size);
  if (at == nullptr) return nullptr;
  if (size < 0) {
    out.reset();
    return at;
  }
  if (size > end - at) return nullptr;
  out.emplace(at, static_cast<std::size_t>(size));
  return at + size;
}

const char* read_headers(const std::byte* at, const std::byte* end, std::int32_t count, decoded_records& into) {
  // Each takes two bytes at least, so a count that passes asks for no more memory than it brought.
  if (count < 0 || count > (end - at) / 2) return "its header count is wrong";
  for (std::int32_t i = 0; i < count; ++i) {
    header_view header;
    std::optional<bytes_view> key;
    if ((at = read_bytes(at, end, key)) == nullptr || !key || (at = read_bytes(at, end, header.value)) == nullptr) {
      return "its headers are wrong";
    }
    header.key = as_text(*key);
    into.headers.push_back(header);
  }
  return at == end ? nullptr : "its size is wrong";
}

}  // namespace

void decoded_records::settle_headers() {
  if (headers.empty()) return;
  std::size_t from = 0;
  for (std::size_t i = 0; i < header_counts.size(); ++i) {
    records[i].headers = std::span(headers).subspan(from, header_counts[i]);
    from += header_counts[i];
  }
}

const char* decode_records(const wire::batch_header& header, bytes_view payload, offset from, decoded_records& into) {
  if (header.record_count < 0) return "the batch counts less than none";
  const std::byte* at = payload.data();
  const std::byte* const end = at + payload.size();
  const timestamp_type type = header.attributes.timestamp_type();
  const bool appended = type == timestamp_type::log_append_time;
  // A record takes seven bytes at least, so no count asks for more than a few times its bytes.
  if (header.record_count > (end - at) / 7 + 1) return "the batch counts more than it can hold";
  const std::size_t needed = into.records.size() + static_cast<std::size_t>(header.record_count);
  if (needed > into.records.capacity()) into.records.reserve(std::max(needed, 2 * into.records.capacity()));
  for (std::int32_t i = 0; i < header.record_count; ++i) {
    std::int32_t size = 0;
    at = read(at, end, size);
    if (at == nullptr || size < 1 || size > end - at) return "it is cut short";
    const std::byte* const last = at + size;
    std::int64_t timestamp_delta = 0;
    std::int32_t offset_delta = 0;
    std::int32_t header_count = 0;
    record_view& out = into.records.emplace_back();
    const bool is_whole =
        (at = read(at + 1, last, timestamp_delta)) != nullptr && (at = read(at, last, offset_delta)) != nullptr &&
        (at = read_bytes(at, last, out.key)) != nullptr && (at = read_bytes(at, last, out.value)) != nullptr &&
        (at = read(at, last, header_count)) != nullptr;
    const char* wrong = is_whole ? nullptr : "its fields run past its end";
    if (wrong == nullptr && at != last) {
      into.header_counts.resize(into.records.size() - 1);
      const std::size_t before = into.headers.size();
      wrong = read_headers(at, last, header_count, into);
      into.header_counts.push_back(static_cast<std::uint32_t>(into.headers.size() - before));
    } else if (wrong == nullptr && header_count != 0) {
      wrong = "its header count is wrong";
    }
    out.offset = offset(wire::wrapping_add(header.base_offset.value(), offset_delta));
    if (wrong != nullptr || out.offset < from) {
      if (!into.header_counts.empty() && into.header_counts.size() == into.records.size()) {
        into.headers.resize(into.headers.size() - into.header_counts.back());
        into.header_counts.pop_back();
      }
      into.records.pop_back();
      if (wrong != nullptr) return wrong;
    } else {
      out.timestamp_type = type;
      out.timestamp_ms =
          appended ? header.max_timestamp_ms : wire::wrapping_add(header.base_timestamp_ms, timestamp_delta);
      out.leader_epoch = header.leader_epoch;
    }
    at = last;
  }
  return at == end ? nullptr : "there are more bytes than the batch's records take";
}

}  // namespace moldau::client
