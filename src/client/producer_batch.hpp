#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "moldau/client/producer.hpp"
#include "moldau/core/async.hpp"
#include "moldau/core/bytes.hpp"
#include "moldau/core/ids.hpp"
#include "moldau/core/topic_partition.hpp"
#include "rt/world.hpp"
#include "wire/batch_builder.hpp"

namespace moldau::client {

/// Who wants to know about a record: the holder of an async, or the delivery handler with a tag.
struct report_to {
  std::optional<promise<delivery>> waiting;
  std::uint64_t tag = 0;
  /// Which `flush` waits for it.
  std::uint64_t flush_round = 0;
};

/// A record on its way from `send` to a batch: the only copy of its bytes.
struct queued_record {
  std::string topic;
  std::optional<partition_id> partition;
  std::int64_t timestamp_ms = -1;
  /// Key, value and headers one after the other.
  shared_bytes bytes;
  std::optional<bytes_view> key;
  std::optional<bytes_view> value;
  std::vector<header_view> headers;
  report_to report;
  rt::time_point queued_at;
  /// What it counts for in `buffer_memory_bytes`.
  std::size_t size_bytes = 0;
};

/// Records of one partition that travel together.
struct producer_batch {
  topic_partition to;
  rt::time_point created_at;
  std::size_t size_bytes = 0;
  std::vector<report_to> reports;
  std::vector<std::int64_t> timestamps_ms;
  /// Filled when the batch is closed.
  shared_bytes bytes;
  producer_id id = no_producer_id;
  producer_epoch epoch = no_producer_epoch;
  std::int32_t base_sequence = -1;
  /// How often it has been sent.
  int attempts = 0;

  [[nodiscard]] std::int32_t count() const { return static_cast<std::int32_t>(reports.size()); }
};

using batch_ptr = std::unique_ptr<producer_batch>;

/// What the broker, or the way to it, said to a batch.
struct batch_outcome {
  moldau::error error;
  moldau::offset base_offset = no_offset;
  std::int64_t log_append_time_ms = -1;
};

/// A batch whose fate is known.
struct finished_batch {
  batch_ptr batch;
  batch_outcome outcome;
};

}  // namespace moldau::client
