#include "wire/record_search.hpp"

namespace moldau::wire {
namespace {

template <typename Fits>
result<std::optional<timestamp_offset>> first_that(batch_view batch, codec_context& context, record_limits limits,
                                                   Fits fits) {
  MOLDAU_TRY_ASSIGN(record_reader reader, record_reader::open(batch, context, limits));
  record_view record;
  while (true) {
    MOLDAU_TRY_ASSIGN(const bool more, reader.next(record));
    if (!more) return std::nullopt;
    if (fits(record)) return timestamp_offset{.timestamp_ms = record.timestamp_ms, .offset = record.offset};
  }
}

}  // namespace

result<std::optional<timestamp_offset>> first_since(batch_view batch, std::int64_t timestamp_ms, offset from,
                                                    codec_context& context, record_limits limits) {
  if (batch.max_timestamp_ms() < timestamp_ms || batch.last_offset() < from) return std::nullopt;
  return first_that(batch, context, limits, [&](const record_view& record) {
    return record.timestamp_ms >= timestamp_ms && record.offset >= from;
  });
}

result<std::optional<timestamp_offset>> first_of_max_timestamp(batch_view batch, codec_context& context,
                                                               record_limits limits) {
  const std::int64_t max = batch.max_timestamp_ms();
  if (max == no_timestamp) return std::nullopt;
  if (!batch.is_legacy() && batch.timestamp_type() == timestamp_type::log_append_time)
    return timestamp_offset{.timestamp_ms = max, .offset = batch.base_offset()};
  return first_that(batch, context, limits, [&](const record_view& record) { return record.timestamp_ms == max; });
}

}  // namespace moldau::wire
