#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "moldau/core/result.hpp"
#include "testing/sim/disk_image.hpp"
#include "testing/sim/options.hpp"
#include "testing/sim/scheduler.hpp"

namespace moldau::testing::sim {

/// How a process ended.
enum class ending : unsigned char {
  exited,     ///< By itself.
  killed,     ///< As by SIGKILL: the machine goes on, so the page cache stays and peers see closed connections.
  power_cut,  ///< The machine went: what wasn't synced is lost, kept or torn, and peers hear nothing.
};

enum class disk_op : unsigned char { read, write, sync, truncate, create, rename, remove, sync_directory };

/// One host's disk, which outlives its processes. What rules what survives is told at `disk_image`, `power_cut` and
/// `disk_options`; this class adds the controls for tests and checkers, which take no time and are never faulty.
///
/// A crash point ends the host's process inside a file call that changes something, by throwing `host_crashed`: the
/// change was made, and is unsynced; if it was a sync, chance says whether that still happened. The exception also
/// leaves calls that a destructor makes, so programs shouldn't change files in destructors. In a call that the test
/// makes itself, it reaches the test.
class disk {
 public:
  disk(scheduler& queue, random_source random, disk_options faults)
      : queue_(queue), random_(random), faults_(std::move(faults)) {}

  /// Latencies, probabilities and capacity; may be changed at any time.
  [[nodiscard]] disk_options& faults() { return faults_; }
  /// Everything that changes something fails.
  void set_read_only(bool on) { read_only_ = on; }
  /// The `n`th operation of that kind from now on (1: the next) fails with `code`.
  void fail_nth(disk_op op, std::uint64_t n, errc code = errc::io_error);
  /// How many of those failures haven't come yet; and takes them back.
  [[nodiscard]] std::size_t failures_to_come() const;
  void forget_failures() { planned_.clear(); }

  /// How many operations that change something were begun, by all processes so far.
  [[nodiscard]] std::uint64_t changes() const { return changes_; }
  /// Ends the process inside the `n`th of them from now on (1: the next). Run a scenario once, count, and go through
  /// all.
  void crash_at_change(std::uint64_t n, ending how = ending::power_cut);
  /// Takes back a crash point that wasn't reached.
  void disarm() { crash_at_.reset(); }

  /// The whole file as programs see it; nothing if there is none.
  [[nodiscard]] std::optional<std::string> content_of(std::string_view path) const;
  /// The whole file as it would be if the power went now and nothing unsynced survived.
  [[nodiscard]] std::optional<std::string> durable_content_of(std::string_view path) const;
  /// Makes a file with its directories, all durable.
  void put(std::string_view path, bytes_view bytes);
  /// Flips bits of one byte at rest. False if the file has no such byte.
  bool corrupt(std::string_view path, std::uint64_t position, std::byte flipped = std::byte{1});
  /// Every file's path, sorted, from the root and without a leading slash.
  [[nodiscard]] std::vector<std::string> files() const;
  [[nodiscard]] disk_image& image() { return image_; }

  /// For the world's file system: accounts for an operation that begins. Fails as faults say; otherwise tells whether
  /// this is the crash point, in which case the caller makes its change, calls `crash` and returns its result.
  [[nodiscard]] result<bool> begin(disk_op op, std::string_view path, const actor& who);
  /// What is written counts in the trace.
  void trace(bytes_view written);
  /// Ends the process, and throws (unless an exception is on its way already: then fails).
  [[nodiscard]] std::unexpected<error> crash();
  void when_crashed(std::function<void(ending)> end_process) { end_process_ = std::move(end_process); }
  [[nodiscard]] random_source& random() { return random_; }
  [[nodiscard]] std::uint64_t free_bytes() const;
  void cut_power(const power_cut& how) { image_.cut_power(random_, how); }

 private:
  struct planned_failure {
    std::uint64_t after;
    errc code;
  };

  [[nodiscard]] std::optional<std::string> read_all(std::string_view path, bool durable) const;

  scheduler& queue_;
  random_source random_;
  disk_options faults_;
  disk_image image_;
  bool read_only_ = false;
  std::uint64_t changes_ = 0;
  std::optional<std::uint64_t> crash_at_;
  ending crash_as_ = ending::power_cut;
  std::map<disk_op, std::vector<planned_failure>> planned_;
  std::function<void(ending)> end_process_;
};

}  // namespace moldau::testing::sim
