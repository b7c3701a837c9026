// Record batches of every magic and codec: framing, produce validation, reading, rebuilding. The first byte of the
// input says what is done with the rest, which is one or more batches.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "wire/record_batch.hpp"
#include "wire/record_reader.hpp"
#include "wire/record_search.hpp"
#include "wire/record_validation.hpp"

namespace {

using namespace moldau;        // NOLINT: this is all about it
using namespace moldau::wire;  // NOLINT

constexpr std::size_t limit_bytes = std::size_t{1} << 20U;
constexpr record_limits limits{.batch_bytes_max = limit_bytes, .record_bytes_max = limit_bytes};

void require(bool holds) {
  if (!holds) std::abort();
}

struct record_sum {
  std::int32_t count = 0;
  std::size_t bytes = 0;
  friend bool operator==(const record_sum&, const record_sum&) = default;
};

/// Reads every record and touches all its bytes.
std::optional<record_sum> read_through(batch_view batch, codec_context& context) {
  auto reader = record_reader::open(batch, context, limits);
  if (!reader) return std::nullopt;
  record_sum sum;
  record_view record;
  unsigned touched = 0;
  const auto touch = [&](bytes_view bytes) {
    for (std::byte b : bytes) touched += std::to_integer<unsigned>(b);
    sum.bytes += bytes.size();
  };
  while (true) {
    const auto more = reader->next(record);
    if (!more) return std::nullopt;
    if (!*more) break;
    ++sum.count;
    if (record.key) touch(*record.key);
    if (record.value) touch(*record.value);
    for (const header_view& header : record.headers) {
      touch(as_bytes(header.key));
      if (header.value) touch(*header.value);
    }
  }
  volatile unsigned kept = touched;
  (void)kept;
  return sum;
}

/// A batch that passes must read, keep its checksum when it is assigned, and hold the same under another codec.
void produce(mutable_bytes bytes, const produce_rules& rules, codec_context& context) {
  const auto valid = validate_produce(bytes, rules, context);
  if (!valid) {
    require(valid.error().code != errc::none);
    return;
  }
  const bool was_opened = valid->batch.compression() == codec::none || rules.is_compacted || valid->needs_rebuild;
  if (!was_opened) return;
  const auto sum = read_through(valid->batch, context);
  require(sum && sum->count == valid->batch.record_count());
  assign(bytes, *valid, offset(1'000'000), leader_epoch(3));
  require(valid->batch.is_crc_ok() && valid->batch.base_offset() == offset(1'000'000));
  const auto rebuilt = rebuild(valid->batch, compression::of(codec::lz4), context, limits);
  require(rebuilt.has_value());
  require(read_through(batch_view(*rebuilt), context) == sum);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const unsigned what = data[0];
  // In a block of just that size, so that the sanitizer sees a step too far.
  std::vector<std::byte> bytes(reinterpret_cast<const std::byte*>(data + 1),
                               reinterpret_cast<const std::byte*>(data + size));
  codec_context context;
  batch_iterator batches{bytes_view(bytes)};
  for (auto batch = batches.next(); batch && *batch; batch = batches.next()) {
    (void)(*batch)->is_crc_ok();
    (void)read_through(**batch, context);
    (void)first_since(**batch, 0, offset(0), context, limits);
    (void)first_of_max_timestamp(**batch, context, limits);
  }
  const bool mend_crc = (what & 1U) != 0;
  if (const auto first = first_batch(bytes); mend_crc && first && !first->is_legacy())
    update_crc(mutable_bytes(bytes).first(first->size_bytes()));
  produce(bytes,
          {.is_compacted = (what & 2U) != 0,
           .timestamp_type = (what & 4U) != 0 ? timestamp_type::log_append_time : timestamp_type::create_time,
           .now_ms = 1'700'000'000'000,
           .stored_codec = (what & 8U) != 0 ? std::optional(codec::none) : std::nullopt,
           .limits = limits},
          context);
  return 0;
}
