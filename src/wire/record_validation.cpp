// Differences from Kafka's validator (LogValidator, and what UnifiedLog and ProduceRequest check before it):
// - Kafka opens every compressed batch; we open it only where the topic is compacted or the codec changes. Otherwise
//   the count, the largest timestamp and the first one are taken from the header, and only those are held against the
//   timestamp bounds: a compressed batch whose records don't parse is found by whoever reads it, as with followers.
// - Offset deltas must be 0, 1, 2...; Kafka doesn't look at them in uncompressed batches and rewrites compressed ones.
// - What a batch may come to when opened is bounded (MESSAGE_TOO_LARGE); in Kafka it isn't.
// - Bytes after the batch are refused (INVALID_RECORD); Kafka drops them silently if they are less than a batch.
// - A batch that is cut short is CORRUPT_MESSAGE; Kafka says INVALID_RECORD.
// - A codec number that names none is UNSUPPORTED_COMPRESSION_TYPE, and data that doesn't decompress INVALID_RECORD;
//   in Kafka both end as UNKNOWN_SERVER_ERROR.
// - A transactional batch without a producer id is refused; Kafka takes it and never ends its transaction.
// - Of the records' errors the first hundred are told.
// - Formats older than magic 2 are refused as in Kafka 4, which keeps code for converting them all the same.
#include "wire/record_validation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "wire/batch_builder.hpp"
#include "wire/record_varint.hpp"

namespace moldau::wire {
namespace {

/// Made where there is something to say.
std::string name_of(const produce_rules& of) {
  return fmt::format("{}-{}", of.topic, of.partition.value());
}

using verdict = std::expected<void, produce_error>;

std::unexpected<produce_error> refuse(errc code, std::string message) {
  return std::unexpected(produce_error{.code = code, .message = std::move(message)});
}

/// Whether a create time lies within the topic's bounds around now; no timestamp always does.
bool is_in_bounds(std::int64_t timestamp_ms, const produce_rules& rules) {
  if (timestamp_ms == no_timestamp) return true;
  __extension__ using wide = __int128;
  const wide age = wide{rules.now_ms} - timestamp_ms;
  return age <= rules.timestamp_before_max_ms && -age <= rules.timestamp_after_max_ms;
}

/// What is checked of each record, wherever it comes from, and what is learnt of them all.
class record_checks {
 public:
  record_checks(batch_view batch, const produce_rules& rules)
      : rules_(rules),
        base_timestamp_(batch.base_timestamp_ms()),
        claims_append_time_(batch.timestamp_type() == moldau::timestamp_type::log_append_time),
        append_time_(batch.max_timestamp_ms()) {}

  void see(std::int32_t index, std::int64_t timestamp_delta, bool has_key) {
    const std::int64_t timestamp = claims_append_time_ ? append_time_ : wrapping_add(base_timestamp_, timestamp_delta);
    max_timestamp_ = std::max(max_timestamp_, timestamp);
    if (rules_.is_compacted && !has_key) [[unlikely]] {
      note(index, errc::invalid_record,
           fmt::format("Compacted topic cannot accept message without key in topic partition {}", name_of(rules_)));
      return;
    }
    if (rules_.timestamp_type == moldau::timestamp_type::create_time && timestamp != no_timestamp) {
      // Most timestamps repeat or rise a little: the bounds are computed for those that differ.
      if (timestamp != last_good_timestamp_ && !is_in_bounds(timestamp, rules_)) [[unlikely]] {
        note(index, errc::invalid_timestamp,
             fmt::format("Timestamp {} of message with offset {} is out of range. The timestamp should be within "
                         "[{}, {}]",
                         timestamp, index, wrapping_sub(rules_.now_ms, rules_.timestamp_before_max_ms),
                         wrapping_add(rules_.now_ms, rules_.timestamp_after_max_ms)));
        return;
      }
      last_good_timestamp_ = timestamp;
    } else if (claims_append_time_) [[unlikely]] {
      note(index, errc::invalid_timestamp, "Producer should not set timestamp type to LogAppendTime.");
    }
  }

  [[nodiscard]] std::int64_t max_timestamp_ms() const { return max_timestamp_; }

  [[nodiscard]] verdict result() && {
    if (count_ == 0) return {};
    produce_error out{.code = has_timestamp_error_ ? errc::invalid_timestamp : errc::invalid_record};
    out.message = has_timestamp_error_
                      ? "One or more records have been rejected due to invalid timestamp"
                      : fmt::format("One or more records have been rejected due to {} record errors in total", count_);
    out.record_errors = std::move(errors_);
    return std::unexpected(std::move(out));
  }

 private:
  void note(std::int32_t index, errc code, std::string message) {
    ++count_;
    has_timestamp_error_ |= code == errc::invalid_timestamp;
    if (errors_.size() < record_errors_max) errors_.push_back({.batch_index = index, .message = std::move(message)});
  }

  const produce_rules& rules_;
  const std::int64_t base_timestamp_;
  const bool claims_append_time_;
  const std::int64_t append_time_;
  std::int64_t last_good_timestamp_ = no_timestamp;
  std::int64_t max_timestamp_ = no_timestamp;
  std::size_t count_ = 0;
  bool has_timestamp_error_ = false;
  std::vector<record_error> errors_;
};

std::unexpected<produce_error> malformed_record(std::int32_t index, std::string_view why) {
  return refuse(errc::invalid_record, fmt::format("record {} of the batch is malformed: {}", index, why));
}

/// Moves past a length and that many bytes (null if the length is negative).
const std::byte* skip_bytes(const std::byte* at, const std::byte* end, std::int32_t& size) {
  at = record_varint::read(at, end, size);
  if (at == nullptr || size <= 0) return at;
  return size > end - at ? nullptr : at + size;
}

const std::byte* skip_headers(const std::byte* at, const std::byte* end, std::int32_t count) {
  for (; count > 0; --count) {
    std::int32_t size = 0;
    if ((at = skip_bytes(at, end, size)) == nullptr || size < 0) return nullptr;
    if ((at = skip_bytes(at, end, size)) == nullptr) return nullptr;
  }
  return at;
}

/// The one walk over records that aren't compressed: nothing is built, every varint is read once.
verdict walk_plain(bytes_view records, std::int32_t count, record_checks& checks) {
  const std::byte* at = records.data();
  const std::byte* const records_end = at + records.size();
  for (std::int32_t i = 0; i < count; ++i) {
    std::int32_t size = 0;
    at = record_varint::read(at, records_end, size);
    if (at == nullptr || size < 1 || size > records_end - at) return malformed_record(i, "it is cut short");
    const std::byte* const end = at + size;
    std::int64_t timestamp_delta = 0;
    std::int32_t offset_delta = 0;
    std::int32_t key_size = 0;
    std::int32_t value_size = 0;
    std::int32_t header_count = 0;
    const bool ok = (at = record_varint::read(at + 1, end, timestamp_delta)) != nullptr &&
                    (at = record_varint::read(at, end, offset_delta)) != nullptr &&
                    (at = skip_bytes(at, end, key_size)) != nullptr &&
                    (at = skip_bytes(at, end, value_size)) != nullptr &&
                    (at = record_varint::read(at, end, header_count)) != nullptr && header_count >= 0 &&
                    (at = skip_headers(at, end, header_count)) != nullptr;
    if (!ok) return malformed_record(i, "its fields run past its end");
    if (at != end) return malformed_record(i, "its size is wrong");
    if (offset_delta != i) return malformed_record(i, fmt::format("its offset delta is {}", offset_delta));
    checks.see(i, timestamp_delta, key_size >= 0);
  }
  if (at != records_end) return refuse(errc::invalid_record, "there are more bytes than the batch's records take");
  return {};
}

verdict walk_compressed(batch_view batch, codec_context& context, const record_limits& limits, record_checks& checks) {
  const auto as_refusal = [](error&& e) {
    return refuse(e.code == errc::corrupt_message ? errc::invalid_record : e.code, std::move(e.message));
  };
  auto reader = record_reader::open(batch, context, limits);
  if (!reader) return as_refusal(std::move(reader).error());
  const std::int64_t base_offset = batch.base_offset().value();
  const std::int64_t base_timestamp = batch.base_timestamp_ms();
  record_view record;
  for (std::int32_t i = 0;; ++i) {
    auto more = reader->next(record);
    if (!more) return as_refusal(std::move(more).error());
    if (!*more) return {};
    if (wrapping_sub(record.offset.value(), base_offset) != i)
      return malformed_record(i, "its offset isn't the next one");
    checks.see(i, wrapping_sub(record.timestamp_ms, base_timestamp), record.key.has_value());
  }
}

/// What the header alone tells of timestamps, for batches that stay closed.
verdict check_header_timestamps(batch_view batch, const produce_rules& rules) {
  const bool claims_append_time = batch.timestamp_type() == moldau::timestamp_type::log_append_time;
  if (rules.timestamp_type == moldau::timestamp_type::log_append_time) {
    if (claims_append_time)
      return refuse(errc::invalid_timestamp, "Producer should not set timestamp type to LogAppendTime.");
    return {};
  }
  if (!is_in_bounds(batch.max_timestamp_ms(), rules) ||
      (!claims_append_time && !is_in_bounds(batch.base_timestamp_ms(), rules))) {
    return refuse(errc::invalid_timestamp, "One or more records have been rejected due to invalid timestamp");
  }
  return {};
}

/// The one batch there must be, its frame checked.
std::expected<batch_view, produce_error> only_batch(bytes_view records, const produce_rules& rules) {
  if (records.empty()) return refuse(errc::invalid_record, "a produce request must hold a batch for each partition");
  auto batch = first_batch(records);
  if (!batch) return refuse(batch.error().code, std::move(batch).error().message);
  if (batch->is_legacy()) {
    return refuse(errc::invalid_record,
                  fmt::format("a produce request must hold batches of magic 2, not {}", batch->magic()));
  }
  if (batch->size_bytes() != records.size())
    return refuse(errc::invalid_record, "a produce request must hold exactly one batch for each partition");
  if (batch->size_bytes() > rules.batch_bytes_max) {
    return refuse(errc::message_too_large,
                  fmt::format("The record batch size in the append to {} is {} bytes which exceeds the maximum "
                              "configured value of {}.",
                              name_of(rules), batch->size_bytes(), rules.batch_bytes_max));
  }
  if (!batch->is_crc_ok())
    return refuse(errc::corrupt_message, fmt::format("Record is corrupt (stored crc = {}) in topic partition {}.",
                                                     batch->crc(), name_of(rules)));
  return *batch;
}

/// The header's fields against one another.
verdict check_header(batch_view batch, const produce_rules& rules) {
  const batch_attributes attributes = batch.attributes();
  if (!attributes.is_known_codec()) {
    return refuse(errc::unsupported_compression_type,
                  fmt::format("no compression codec has the number {}", static_cast<int>(attributes.compression())));
  }
  if (attributes.compression() == codec::zstd && !rules.is_zstd_known)
    return refuse(errc::unsupported_compression_type, "this version of the produce request doesn't know zstd");
  const std::int32_t count = batch.record_count().value_or(0);
  if (count <= 0 || count - 1 != batch.last_offset_delta()) {
    return refuse(errc::invalid_record, fmt::format("the batch counts {} records but its last offset delta is {}",
                                                    count, batch.last_offset_delta()));
  }
  if (rules.origin != append_origin::client) return {};
  if (batch.base_offset() != offset(0)) {
    return refuse(errc::invalid_record,
                  fmt::format("a produced batch must start at offset 0, not {}", batch.base_offset().value()));
  }
  if (attributes.is_control()) return refuse(errc::invalid_record, "clients may not write control records");
  if (batch.has_producer_id() && batch.base_sequence() < 0) {
    return refuse(errc::invalid_record, fmt::format("producer {} gave the batch the sequence number {}",
                                                    batch.producer_id().value(), batch.base_sequence()));
  }
  if (attributes.is_transactional() && !batch.has_producer_id())
    return refuse(errc::invalid_record, "a transactional batch needs a producer id");
  return {};
}

}  // namespace

bool must_decompress(bytes_view records, const produce_rules& rules) {
  const auto batch = first_batch(records);
  if (!batch || batch->is_legacy() || batch->compression() == codec::none) return false;
  return rules.is_compacted || (rules.stored_codec && *rules.stored_codec != batch->compression());
}

std::expected<validated_batch, produce_error> validate_produce(bytes_view records, const produce_rules& rules,
                                                               codec_context& context) {
  auto batch = only_batch(records, rules);
  if (!batch) return std::unexpected(std::move(batch).error());
  if (verdict v = check_header(*batch, rules); !v) return std::unexpected(std::move(v).error());

  validated_batch out{.batch = *batch, .timestamp_type = rules.timestamp_type};
  const codec came_with = batch->compression();
  // Control records stay as they were written, as in Kafka.
  out.needs_rebuild = rules.stored_codec && *rules.stored_codec != came_with && !batch->is_control();
  if (came_with != codec::none && !out.needs_rebuild && !rules.is_compacted) {
    if (verdict v = check_header_timestamps(*batch, rules); !v) return std::unexpected(std::move(v).error());
    out.max_timestamp_ms = batch->max_timestamp_ms();
  } else {
    record_checks checks(*batch, rules);
    verdict v = came_with == codec::none ? walk_plain(batch->payload(), *batch->record_count(), checks)
                                         : walk_compressed(*batch, context, rules.limits, checks);
    if (v) v = std::move(checks).result();
    if (!v) return std::unexpected(std::move(v).error());
    out.max_timestamp_ms = checks.max_timestamp_ms();
  }
  if (rules.timestamp_type == moldau::timestamp_type::log_append_time) out.max_timestamp_ms = rules.now_ms;
  return out;
}

void assign(mutable_bytes batch, const validated_batch& valid, offset base, leader_epoch epoch) {
  set_base_offset(batch, base);
  set_leader_epoch(batch, epoch);
  set_max_timestamp(batch, valid.timestamp_type, valid.max_timestamp_ms);
}

result<shared_bytes> rebuild(batch_view batch, const compression& how, codec_context& context, record_limits limits) {
  MOLDAU_TRY_ASSIGN(record_reader reader, record_reader::open(batch, context, limits));
  batch_builder builder(batch.size_bytes());
  builder.begin({.compression = how,
                 .base_offset = batch.base_offset(),
                 .leader_epoch = batch.leader_epoch(),
                 .timestamp_type = batch.attributes().timestamp_type(),
                 .log_append_time_ms = batch.max_timestamp_ms(),
                 .producer_id = batch.producer_id(),
                 .producer_epoch = batch.producer_epoch(),
                 .base_sequence = batch.base_sequence(),
                 .is_transactional = batch.is_transactional(),
                 .is_control = batch.is_control(),
                 .delete_horizon_ms = batch.delete_horizon_ms()});
  record_view record;
  while (true) {
    MOLDAU_TRY_ASSIGN(const bool more, reader.next(record));
    if (!more) break;
    MOLDAU_TRY(builder.append_at(record.offset, record.timestamp_ms, record.key, record.value, record.headers));
  }
  builder.set_last_offset(batch.last_offset());
  return builder.finish(context);
}

}  // namespace moldau::wire
