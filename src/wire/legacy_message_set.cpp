#include "wire/legacy_message_set.hpp"

#include <fmt/format.h>

#include "bytes/endian.hpp"

namespace moldau::wire {
namespace {

std::unexpected<error> malformed_message(std::string_view why) {
  return fail(errc::corrupt_message, fmt::format("a message of the old format is malformed: {}", why));
}

/// Reads a length and that many bytes; a negative length is null.
bool read_bytes(bytes_view& from, std::optional<bytes_view>& out) {
  if (from.size() < 4) return false;
  const auto size = bytes::load_be<std::int32_t>(from.data());
  from = from.subspan(4);
  if (size < 0) {
    out.reset();
    return true;
  }
  if (static_cast<std::size_t>(size) > from.size()) return false;
  out = from.first(static_cast<std::size_t>(size));
  from = from.subspan(static_cast<std::size_t>(size));
  return true;
}

/// One message by itself, its offset as it stands there.
result<record_view> read_message(batch_view message) {
  record_view out;
  out.offset = message.base_offset();
  out.timestamp_type = message.timestamp_type();
  out.timestamp_ms = message.max_timestamp_ms();
  bytes_view rest =
      message.bytes().subspan(message.magic() == magic_v0 ? legacy_layout::key_v0 : legacy_layout::key_v1);
  if (!read_bytes(rest, out.key) || !read_bytes(rest, out.value) || !rest.empty())
    return malformed_message("its key or value doesn't fit");
  return out;
}

result<std::vector<record_view>> read_inner(bytes_view messages, batch_view wrapper) {
  std::vector<record_view> out;
  batch_iterator inner(messages);
  while (true) {
    MOLDAU_TRY_ASSIGN(const std::optional<batch_view> message, inner.next());
    if (!message) break;
    if (!message->is_legacy()) return malformed_message("a batch of a newer format is wrapped in it");
    if (message->compression() != codec::none) return malformed_message("a compressed message is wrapped in it");
    MOLDAU_TRY_ASSIGN(record_view record, read_message(*message));
    if (message->magic() == magic_v1) {
      record.timestamp_type = wrapper.timestamp_type();
      if (record.timestamp_type == timestamp_type::log_append_time) record.timestamp_ms = wrapper.max_timestamp_ms();
    }
    out.push_back(record);
  }
  if (out.empty()) return malformed_message("nothing is wrapped in it");
  return out;
}

}  // namespace

result<legacy_records> read_legacy(batch_view batch, codec_context& context, std::size_t limit_bytes) {
  legacy_records out;
  MOLDAU_TRY_ASSIGN(const record_view outer, read_message(batch));
  if (batch.compression() == codec::none) {
    out.records.push_back(outer);
    return out;
  }
  if (batch.compression() == codec::zstd) return malformed_message("zstd came after this format");
  if (!outer.value) return malformed_message("it is compressed but holds nothing");
  const lz4_header header = batch.magic() == magic_v0 ? lz4_header::unchecked : lz4_header::checked;
  MOLDAU_TRY_ASSIGN(out.decompressed, decompress(batch.compression(), *outer.value, limit_bytes, context, header));
  MOLDAU_TRY_ASSIGN(out.records, read_inner(out.decompressed, batch));
  // Some versions of librdkafka leave the wrapper's offset 0, in which case the inner ones are taken as they are.
  if (batch.magic() == magic_v1 && outer.offset.value() != 0) {
    const offset last_inner = out.records.back().offset;
    if (outer.offset < last_inner) return malformed_message("its offset lies before those wrapped in it");
    if (last_inner.value() < 0) return malformed_message("an offset wrapped in it is negative");
    const std::int64_t base = outer.offset.value() - last_inner.value();
    for (record_view& record : out.records) record.offset = offset(wrapping_add(record.offset.value(), base));
  }
  return out;
}

}  // namespace moldau::wire
