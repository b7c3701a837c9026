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

/// How a record without a partition finds one. "Without a key" below means a null key.
enum class partitioner : std::uint8_t {
  java,               ///< Java's own: murmur2 of the key; without one, KIP-794's sticky and adaptive choice.
  murmur2,            ///< murmur2 of the key; without one that of an empty key.
  murmur2_random,     ///< murmur2 of the key; without one any.
  consistent,         ///< librdkafka's: CRC-32 of the key; without one that of an empty key.
  consistent_random,  ///< librdkafka's default: CRC-32 of the key; without one, or with an empty one, any.
  fnv1a,              ///< FNV-1a of the key, as Sarama has it; without one that of an empty key.
  fnv1a_random,       ///< The same; without a key any.
  round_robin,        ///< One after the other, whatever the key.
  random,             ///< Any, whatever the key.
};

/// Where a record with that key (null: none) belongs by the key alone; nothing where chance, turn or load decides. So a
/// program can tell beforehand, and compare with other clients. `partitions` is above 0.
[[nodiscard]] std::optional<partition_id> partition_of_key(partitioner how, const std::optional<bytes_view>& key,
                                                           std::int32_t partitions);

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
  /// -1 if the record failed before it had one.
  partition_id partition;
  moldau::offset offset = no_offset;
  std::int64_t timestamp_ms = -1;
  /// What `send` was given.
  std::uint64_t tag = 0;
  /// Null if it was delivered.
  const moldau::error* error = nullptr;
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

/// A record on its way through the interceptors, which may change it.
class intercepted_record {
 public:
  explicit intercepted_record(outgoing_record& record) : record_(record) {}

  /// What it points to must live as long as the record's own bytes; `keep` gives memory that does.
  [[nodiscard]] outgoing_record& record() { return record_; }
  /// A copy that lives until the record is sent.
  bytes_view keep(bytes_view bytes);
  /// Adds a header; key and value are copied.
  void add_header(std::string_view key, std::optional<bytes_view> value);

 private:
  outgoing_record& record_;
  std::vector<std::unique_ptr<std::byte[]>> kept_;
  std::vector<header_view> headers_;
};

/// Sees every record go out and every report come back: for tracing and metrics. (`interceptor.classes`)
///
/// Called in the order of the list. `on_send` runs on the thread that sends; `on_acknowledgement` where delivery
/// handlers run, before them. Neither may block. What they throw is logged, and all goes on as if they hadn't been
/// called.
class producer_interceptor {
 public:
  virtual ~producer_interceptor() = default;
  virtual void on_send(intercepted_record& record) = 0;
  virtual void on_acknowledgement(const delivery_report& report) = 0;
};

struct producer_options {
  client_options client;

  /// Default: all. `acks`
  client::acks acks = acks::all;
  /// Whether a retry can neither double nor reorder records. Needs `acks::all`. Default: true. `enable.idempotence`
  bool idempotence = true;
  /// How long a batch waits for more records, in ms. Default: 5. `linger.ms`
  std::int64_t linger_ms = 5;
  /// A batch is sent at this size, in bytes before compression. Default: 16384. `batch.size`
  std::size_t batch_bytes = 16 * 1024;
  /// Default: none. `compression.type`
  client::codec codec = codec::none;
  /// Default: the codec's usual one. `compression.gzip.level`, `.lz4.level`, `.zstd.level`
  std::optional<int> codec_level;

  /// Default: Java's. `partitioner.class`; `partitioner` with librdkafka's names
  client::partitioner partitioner = partitioner::java;
  /// A choice of one's own instead: given the record and the number of partitions, it names one. Runs on the thread
  /// that sends, on several at once if several send. Default: none.
  std::function<partition_id(const outgoing_record&, std::int32_t partitions)> choose_partition;
  /// Java's: whether records without a key go rather to partitions with short queues. Default: true.
  /// `partitioner.adaptive.partitioning.enable`
  bool adaptive_partitioning = true;
  /// Java's: records without a key avoid partitions whose broker hasn't taken a batch for so long, in ms; 0 for never.
  /// Only with `adaptive_partitioning`. Default: 0. `partitioner.availability.timeout.ms`
  std::int64_t availability_timeout_ms = 0;
  /// Java's: whether records with a key are placed as if they had none. Default: false. `partitioner.ignore.keys`
  bool ignore_keys = false;

  /// The most that a record, and a request of several batches, may take, in bytes. Default: 1048576.
  /// `max.request.size`
  std::size_t request_bytes_max = 1024 * 1024;
  /// Memory for records that wait or are on their way, in bytes. Default: 33554432. `buffer.memory`
  std::size_t buffer_memory_bytes = 32 * 1024 * 1024;
  /// Default: `send` waits, for `max_block_ms`.
  client::when_full when_full = when_full::block;
  /// The longest that `send` waits for memory, and a record for its topic to be known, in ms. Default: 60000.
  /// `max.block.ms`
  std::int64_t max_block_ms = 60'000;
  /// The longest from `send` to the report, in ms. Default: 120000. `delivery.timeout.ms`
  std::int64_t delivery_timeout_ms = 120'000;
  /// How often a batch is sent again at most. Default: as often as the delivery timeout allows. `retries`
  std::int32_t retries = INT32_MAX;
  /// Requests under way to one broker. Default: 5. `max.in.flight.requests.per.connection`
  std::size_t in_flight_max = 5;

  /// Called once for each record that was sent with a tag, on the I/O thread (or on `client.handlers`), where nothing
  /// may block. A `send` from there that finds no memory fails at once.
  std::function<void(const delivery_report&)> on_delivery;
  /// Default: none. `interceptor.classes`
  std::vector<std::shared_ptr<producer_interceptor>> interceptors;

  /// From Kafka's property names, and librdkafka's where Java has none.
  /// Errors: `errc::invalid_argument` with every mistake, a line each.
  [[nodiscard]] static result<producer_options> from_properties(const properties& from);
  /// Nothing, or `errc::invalid_argument` with what can't be so.
  [[nodiscard]] result<void> validate() const;
};

/// What `purge` drops.
struct purge_options {
  /// Records that wait here. They were never sent, unless for a repetition.
  bool waiting = true;
  /// Records on their way: whether they arrive isn't known.
  bool in_flight = false;
};

/// Sends records to a cluster. Any number of threads may use one.
///
/// Records of one partition arrive in the order of the `send` calls, each once (with idempotence; without it, a retry
/// may double them, and reorder them unless `in_flight_max` is 1). `close`, and the destructor, first send what waits,
/// for as long as `delivery_timeout_ms`; afterwards no handler is called any more.
///
///     auto p = producer::make({.client = {.bootstrap_servers = {"localhost:9092"}}}).value();
///     auto done = p.send({.topic = "greetings", .value = as_bytes("hello")}).get();
///
/// On a single topic and partition `send` takes one lock, the partition's own, and copies the record once, into the
/// batch as it goes over the wire.
class producer {
 public:
  /// Nothing is connected yet. Errors: `errc::invalid_argument`.
  [[nodiscard]] static result<producer> make(producer_options options);

  producer(producer&&) noexcept;
  producer& operator=(producer&&) noexcept;
  ~producer();

  /// Queues a record; the value comes when its fate is known. Waits only if memory has run out and the options say so.
  /// Errors: `message_too_large`, `unknown_topic_or_partition`, `timed_out` (the delivery timeout passed; whether it
  /// was appended isn't known), `out_of_memory` (none came free in time), `closed`, `cancelled` (purged), and the
  /// brokers' codes. `error::retriable` tells whether the same record may succeed later.
  async<delivery> send(const outgoing_record& record);
  /// The form for engines: no memory but the batch's is taken, and `on_delivery` gets `tag`.
  /// Errors, at once: `message_too_large`, `out_of_memory`, `closed`. A record refused here gets no report.
  [[nodiscard]] result<void> send(const outgoing_record& record, std::uint64_t tag);

  /// Sends what waits without lingering; the value comes when everything sent before has its report.
  async<void> flush();
  /// Drops records; each gets a report with `errc::cancelled`.
  async<void> purge(purge_options what = {});
  /// The partitions of a topic. Errors: `unknown_topic_or_partition`.
  async<std::vector<partition_id>> partitions_of(std::string topic);
  /// What it has counted up to now; every `client.statistics_interval_ms` it goes to `client.on_statistics` as well.
  async<client::statistics> statistics();

  /// Flushes and ends; later calls fail with `errc::closed`. Any number of times.
  async<void> close();
  /// The same, but what isn't delivered after `within_ms` is given up, with `errc::cancelled`.
  async<void> close(std::int64_t within_ms);

  class impl;

 private:
  explicit producer(std::shared_ptr<impl> body);
  std::shared_ptr<impl> impl_;
};

}  // namespace moldau::client
