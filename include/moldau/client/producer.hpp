#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "moldau/client/options.hpp"
#include "moldau/core/async.hpp"
#include "moldau/core/bytes.hpp"
#include "moldau/core/ids.hpp"
#include "moldau/core/record.hpp"
#include "moldau/core/topic_partition.hpp"

namespace moldau::client {

/// Whose word makes a record delivered: nobody's, the leader's, or that of all in-sync replicas.
enum class acks : std::int16_t { none = 0, leader = 1, all = -1 };

enum class codec : std::uint8_t { none = 0, gzip = 1, snappy = 2, lz4 = 3, zstd = 4 };

/// How a record without a partition finds one.
enum class partitioner : std::uint8_t {
  murmur2,         ///< Java's: murmur2 of the key; without a key one partition until a batch is full.
  murmur2_random,  ///< The same; without a key any.
  consistent,      ///< librdkafka's: CRC-32 of the key; without a key any.
};

/// What to do when `buffer_memory_bytes` are waiting.
enum class when_full : std::uint8_t { block, fail };

/// What became of one record.
struct delivery {
  std::string topic;
  partition_id partition;
  /// -1 with `acks::none`.
  moldau::offset offset = no_offset;
  /// As the broker keeps it, in ms since 1970.
  std::int64_t timestamp_ms = -1;
};

/// The same for the delivery handler, without copies: views that are valid inside the call.
struct delivery_report {
  std::string_view topic;
  partition_id partition;
  moldau::offset offset = no_offset;
  std::int64_t timestamp_ms = -1;
  /// What `send` was given.
  std::uint64_t tag = 0;
  /// Null if it was delivered.
  const moldau::error* error = nullptr;
};

struct producer_options {
  client_options client;

  /// Default: all. `acks`
  client::acks acks = acks::all;
  /// Whether a retry can neither double nor reorder records. Needs `acks::all`. Default: true. `enable.idempotence`
  bool idempotence = true;
  /// How long a batch waits for more records, in ms. Default: 5. `linger.ms`
  std::int64_t linger_ms = 5;
  /// A batch is sent at this size, in bytes. Default: 16384. `batch.size`
  std::size_t batch_bytes = 16 * 1024;
  /// Default: none. `compression.type`
  client::codec codec = codec::none;
  /// Default: the codec's usual one. `compression.gzip.level`, `.lz4.level`, `.zstd.level`
  std::optional<int> codec_level;
  /// Default: Java's. `partitioner.class`
  client::partitioner partitioner = partitioner::murmur2;
  /// A record isn't larger than this, in bytes. Default: 1048576. `max.request.size`
  std::size_t record_bytes_max = 1024 * 1024;
  /// Records that may wait here, in bytes. Default: 33554432. `buffer.memory`
  std::size_t buffer_memory_bytes = 32 * 1024 * 1024;
  /// Default: `send` waits. `max.block.ms` of 0
  client::when_full when_full = when_full::block;
  /// The longest from `send` to the report, in ms. Default: 120000. `delivery.timeout.ms`
  std::int64_t delivery_timeout_ms = 120'000;
  /// Requests under way to one broker. Default: 5. `max.in.flight.requests.per.connection`
  std::size_t in_flight_max = 5;

  /// Called once for each record that was sent with a tag, on the I/O thread (or on `client.handlers`).
  std::function<void(const delivery_report&)> on_delivery;

  /// From Kafka's property names. Errors: `errc::invalid_argument` with every mistake, a line each.
  [[nodiscard]] static result<producer_options> from_properties(const properties& from);
};

/// A record to be sent: views that need to live only until `send` returns.
struct outgoing_record {
  std::string_view topic;
  /// Default: the partitioner decides.
  std::optional<partition_id> partition;
  std::optional<bytes_view> key;
  std::optional<bytes_view> value;
  std::span<const header_view> headers;
  /// Milliseconds since 1970. Default: now.
  std::optional<std::int64_t> timestamp_ms;
};

/// Sends records to a cluster. Any number of threads may use one.
///
/// Records of one partition arrive in the order of the `send` calls, each once (with idempotence). `close`, and the
/// destructor, first send what waits, for as long as `delivery_timeout_ms`.
///
///     auto p = producer::make({.client = {.bootstrap_servers = {"localhost:9092"}}}).value();
///     auto done = p.send({.topic = "greetings", .value = as_bytes("hello")}).get();
class producer {
 public:
  /// Nothing is connected yet. Errors: `errc::invalid_argument`.
  [[nodiscard]] static result<producer> make(producer_options options);

  producer(producer&&) noexcept;
  producer& operator=(producer&&) noexcept;
  ~producer();

  /// Queues a record; the value comes when its fate is known.
  /// Errors: `message_too_large`, `unknown_topic_or_partition`, `timed_out` (the delivery timeout passed),
  /// `out_of_memory` (with `when_full::fail`), `closed`, and the brokers' codes.
  async<delivery> send(const outgoing_record& record);
  /// The form for engines: no memory but the batch's is taken, and `on_delivery` gets `tag`.
  /// Errors, at once: `message_too_large`, `out_of_memory`, `closed`.
  [[nodiscard]] result<void> send(const outgoing_record& record, std::uint64_t tag);

  /// Sends what waits without lingering; the value comes when everything sent before has its report.
  async<void> flush();
  /// Drops what waits here (what is on its way isn't touched); each gets a report with `errc::cancelled`.
  async<void> purge();
  /// The partitions of a topic. Errors: `unknown_topic_or_partition`.
  async<std::vector<partition_id>> partitions_of(std::string topic);

  /// Flushes and ends; later calls fail with `errc::closed`. Any number of times.
  async<void> close();

  class impl;

 private:
  explicit producer(std::shared_ptr<impl> body);
  std::shared_ptr<impl> impl_;
};

}  // namespace moldau::client
