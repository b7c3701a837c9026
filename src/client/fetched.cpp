#include "client/fetched.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "wire/record_batch.hpp"
#include "wire/record_control.hpp"
#include "wire/record_reader.hpp"

namespace moldau::client {

namespace {

constexpr std::size_t inflated_bytes_max = std::size_t{1} << 30U;

/// Points every record's headers into one vector, which mustn't grow afterwards.
void keep_headers(record_batch::body& of, const std::vector<std::size_t>& counts) {
  std::size_t from = 0;
  for (std::size_t i = 0; i < of.records.size(); ++i) {
    of.records[i].headers = std::span(of.headers).subspan(from, counts[i]);
    from += counts[i];
  }
}

record_view copied(const record_view& from, wire::arena& into) {
  record_view out = from;
  if (from.key) out.key = into.store(*from.key);
  if (from.value) out.value = into.store(*from.value);
  return out;
}

}  // namespace

offset end_of_batches(bytes_view records, offset from) {
  wire::batch_iterator batches(records);
  offset end = from;
  while (true) {
    const auto batch = batches.next();
    if (!batch || !*batch) return end;
    end = std::max(end, (*batch)->next_offset());
  }
}

fetched_partition::fetched_partition(topic_partition of, shared_bytes records, offset from, offset high_watermark,
                                     std::vector<wire::protocol::fetch_response::aborted_transaction> aborted,
                                     isolation level)
    : of_(std::move(of)),
      records_(std::move(records)),
      rest_(records_.view()),
      position_(from),
      high_watermark_(high_watermark),
      aborted_(std::move(aborted)),
      level_(level) {
  std::ranges::sort(aborted_, {}, &wire::protocol::fetch_response::aborted_transaction::first_offset);
}

bool fetched_partition::is_aborted(const wire::batch_view& batch) {
  if (level_ != isolation::read_committed || !batch.has_producer_id()) return false;
  while (next_aborted_ < aborted_.size() && aborted_[next_aborted_].first_offset <= batch.last_offset()) {
    aborting_.insert(aborted_[next_aborted_++].producer_id);
  }
  return batch.is_transactional() && aborting_.contains(batch.producer_id());
}

result<std::unique_ptr<record_batch::body>> fetched_partition::next(wire::codec_context& codecs) {
  const auto wrong = [&](const error& why) {
    return fail(why.code, fmt::format("partition {} of '{}' at offset {}: {}", of_.partition.value(), of_.topic,
                                      position_.value(), why.message));
  };
  wire::batch_iterator batches(rest_);
  const auto found = batches.next();
  if (!found) return wrong(found.error());
  if (!*found) return nullptr;
  auto out = std::make_unique<record_batch::body>();
  out->topic = of_.topic;
  out->partition = of_.partition;
  out->high_watermark = high_watermark_;
  out->next_offset = std::max(position_, (*found)->next_offset());
  if (out->next_offset > position_) {
    // What can't be opened stays next: who asks again isn't led past it.
    if (const auto opened = open(**found, *out, codecs); !opened) return wrong(opened.error());
  }
  rest_ = batches.rest();
  position_ = out->next_offset;
  return out;
}

result<void> fetched_partition::open(const wire::batch_view& batch, record_batch::body& into,
                                     wire::codec_context& codecs) {
  if (!batch.is_crc_ok()) return fail(errc::corrupt_message, "the checksum of the batch is wrong");
  const bool aborted = is_aborted(batch);
  wire::record_reader reader = wire::record_reader::over({}, {});
  if (!batch.is_legacy() && batch.compression() != wire::codec::none) {
    MOLDAU_TRY_ASSIGN(into.inflated,
                      wire::decompress(batch.compression(), batch.payload(), inflated_bytes_max, codecs));
    reader = wire::record_reader::over(batch.header(), into.inflated);
  } else {
    MOLDAU_TRY_ASSIGN(reader, wire::record_reader::open(batch, codecs));
    if (!batch.is_legacy()) into.fetched = records_;
  }
  if (batch.is_control()) {
    record_view marker;
    const auto got = reader.next(marker);
    if (got && *got) {
      const auto type = wire::decode_control_key(marker.key);
      if (type && *type == wire::control_record_type::abort) aborting_.erase(batch.producer_id());
    }
    return {};
  }
  if (aborted) return {};
  std::vector<std::size_t> header_counts;
  record_view record;
  while (true) {
    MOLDAU_TRY_ASSIGN(const bool more, reader.next(record));
    if (!more) break;
    if (record.offset < position_) continue;
    header_counts.push_back(record.headers.size());
    into.headers.insert(into.headers.end(), record.headers.begin(), record.headers.end());
    into.records.push_back(batch.is_legacy() ? copied(record, into.copies) : record);
  }
  keep_headers(into, header_counts);
  return {};
}

record_batch::record_batch() : body_(std::make_unique<body>()) {}
record_batch::record_batch(std::unique_ptr<body> from) : body_(std::move(from)) {}
record_batch::record_batch(record_batch&&) noexcept = default;
record_batch& record_batch::operator=(record_batch&&) noexcept = default;
record_batch::~record_batch() = default;

const std::string& record_batch::topic() const {
  return body_->topic;
}
partition_id record_batch::partition() const {
  return body_->partition;
}
const std::vector<record_view>& record_batch::records() const {
  return body_->records;
}
moldau::offset record_batch::high_watermark() const {
  return body_->high_watermark;
}
moldau::offset record_batch::next_offset() const {
  return body_->next_offset;
}

}  // namespace moldau::client
