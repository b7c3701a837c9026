#pragma once

#include <chrono>
#include <cstdint>

#include "base/log.hpp"
#include "testing/sim/random.hpp"

namespace moldau::testing::sim {

/// What a power cut does to what wasn't synced.
struct power_cut {
  /// Each unsynced write: all of it reached the disk, or some of its 512-byte sectors did; otherwise nothing did.
  double write_kept = 0.3;
  double write_torn = 0.4;
  /// Each unsynced creation, renaming and removal: it survived.
  double name_kept = 0.5;

  /// Exactly what was synced is there.
  [[nodiscard]] static power_cut lose_all() { return {.write_kept = 0, .write_torn = 0, .name_kept = 0}; }
  /// Everything had reached the disk.
  [[nodiscard]] static power_cut keep_all() { return {.write_kept = 1, .write_torn = 0, .name_kept = 1}; }
  /// Every write is torn.
  [[nodiscard]] static power_cut tear_all() { return {.write_kept = 0, .write_torn = 1, .name_kept = 0.5}; }
};

struct disk_options {
  /// How long a call takes; of syncs; of a slow call, which is one in `slow` of them.
  delay_range latency{std::chrono::microseconds(1), std::chrono::microseconds(50)};
  delay_range sync_latency{std::chrono::microseconds(100), std::chrono::milliseconds(2)};
  delay_range slow_latency{std::chrono::milliseconds(20), std::chrono::seconds(2)};
  double slow = 0;
  /// Probabilities that one call fails with `io_error`. A failed write may have written a part; after a failed sync
  /// some of what it should have synced is gone for good at the next power cut, and no later sync brings it back.
  double write_error = 0;
  double sync_error = 0;
  double read_error = 0;
  /// Probability that an operation that changes something is a crash point (a power cut; see `disk`).
  double crash = 0;
  /// Probability that a range is in the page cache when somebody asks.
  double resident = 1;
  /// Writing past it fails with `disk_full`, after what fits.
  std::uint64_t capacity_bytes = 1ULL << 40U;
  /// The default of `host::crash` and of crash points.
  sim::power_cut power_cut;
};

struct network_options {
  /// From one host to another, and within one.
  delay_range latency{std::chrono::microseconds(100), std::chrono::milliseconds(1)};
  delay_range loopback_latency{std::chrono::microseconds(5), std::chrono::microseconds(30)};
  /// Extra delay of one segment in `slow` (a retransmission).
  delay_range slow_latency{std::chrono::milliseconds(5), std::chrono::milliseconds(400)};
  double slow = 0;
  std::uint64_t bytes_per_second = 1'000'000'000;
  /// Bytes travel in segments of a random size up to this.
  std::uint64_t segment_bytes_max = 64 * 1024;
  /// A write completes once all its bytes are in here; what the peer hasn't taken stays in it.
  std::uint64_t send_buffer_bytes = 256 * 1024;
  std::uint64_t receive_buffer_bytes = 256 * 1024;
  /// Probability that a read is given less than what is there.
  double short_read = 0;
  /// Probability that a read or write that needs no waiting completes inside the call instead of by the core's queue.
  double immediate = 0.5;
  /// Probability that a segment's sending cuts its connection: both ends learn of it, at different times, or only one.
  double cut = 0;
  /// Probability that connecting is refused though somebody listens.
  double refuse = 0;
  /// Probability that an accept fails with `io_error` (descriptors have run out); what would be accepted waits.
  double accept_error = 0;
  /// How long unacknowledged bytes are sent again before the sender gives the connection up.
  rt::duration retransmission_timeout = std::chrono::seconds(60);
  std::size_t backlog = 128;
};

/// What the simulator may do to a program. The defaults are `calm()`: some time passes everywhere, and nothing fails.
struct options {
  /// What an event costs its core: random, up to this. With 0, code that posts to itself for ever stops time.
  rt::duration event_cost_max = std::chrono::microseconds(2);
  /// Timers fire up to this much late.
  rt::duration timer_slack_max{0};
  /// Every host's wall clock at the start, and how far one host's may be off in either direction.
  std::int64_t wall_start_ms = 1'700'000'000'000;
  std::int64_t wall_skew_max_ms = 0;
  /// How many worker threads a host has, and how long work waits for one that is free.
  unsigned workers_per_host = 4;
  delay_range worker_delay{std::chrono::microseconds(1), std::chrono::microseconds(40)};
  disk_options disk;
  network_options network;
  /// Least level of the lines that are kept, and how many of them.
  base::log_level log_level = base::log_level::info;
  std::size_t log_lines = 4000;
};

/// Nothing fails. Latencies and the order of events are still random by seed.
[[nodiscard]] options calm();
/// Slow calls and segments, short reads, cold pages, refused and cut connections, late timers, skewed clocks; which and
/// how much by `seed`. Disk errors and crashes are left to the scenario, as a program may stop on them.
[[nodiscard]] options rough(std::uint64_t seed);

}  // namespace moldau::testing::sim
