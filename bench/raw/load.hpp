#pragma once

#include <cstdint>
#include <string>

namespace moldau::bench {

/// What is sent or read, and how.
struct load {
  std::uint16_t port = 0;
  /// The broker's process, whose processor time is counted.
  int pid = 0;
  std::string topic;
  std::int32_t partitions = 1;
  std::size_t record_bytes = 100;
  /// Of a whole batch; Java's default for `batch.size`.
  std::size_t batch_bytes = 16384;
  int connections = 4;
  /// Produce requests that a connection may have unanswered.
  std::int64_t in_flight = 16;
  /// Fetch requests that a connection has with the broker.
  int fetches_in_flight = 2;
  std::int16_t acks = -1;
  /// The consumer's default for `max.partition.fetch.bytes`.
  std::int32_t partition_bytes_max = 1 << 20;
  /// What is measured, after a first part that isn't.
  std::int64_t bytes = 1LL << 30;
  std::int64_t warm_bytes = 64LL << 20;
};

struct figures {
  std::int64_t bytes = 0;
  std::int64_t records = 0;
  double seconds = 0;
  /// User and system time of the broker's process.
  double cpu_seconds = 0;
};

/// Makes the topic and waits until all its partitions have a leader.
void create_topic(const load& of);
[[nodiscard]] figures run_produce(const load& of);
/// Reads what `run_produce` wrote, from the start, and again once it comes to the end.
[[nodiscard]] figures run_fetch(const load& of);

}  // namespace moldau::bench
