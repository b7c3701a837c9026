#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/accumulator.hpp"
#include "client/partitioning.hpp"

namespace moldau::client {

/// A record that waits for its topic to be known: a copy of it.
struct kept_record {
  shared_bytes bytes;
  std::optional<partition_id> partition;
  std::int64_t timestamp_ms = -1;
  std::optional<bytes_view> key;
  std::optional<bytes_view> value;
  std::vector<header_view> headers;
  std::uint64_t tag = 0;
  std::optional<promise<delivery>> waiting;
  /// What it counts for in `buffer.memory`.
  std::size_t charged_bytes = 0;
};

[[nodiscard]] kept_record keep_record(const outgoing_record& record);

/// The partitions of a topic as those who send see them: a list that never changes, by partition.
using lane_list = std::vector<partition_lane*>;

/// A topic that somebody sends to. Lives as long as the table.
class producer_topic {
 public:
  explicit producer_topic(std::string_view name) : name_(name) {}
  producer_topic(const producer_topic&) = delete;
  producer_topic& operator=(const producer_topic&) = delete;

  [[nodiscard]] const std::string& name() const { return name_; }
  /// Null as long as the topic isn't known. Any thread.
  [[nodiscard]] const lane_list* lanes() const { return lanes_.load(std::memory_order_acquire); }
  /// The next state of `lanes`. Old ones stay, for somebody may be reading them: topics grow seldom. I/O thread.
  void set_lanes(lane_list lanes) {
    states_.push_back(std::make_unique<const lane_list>(std::move(lanes)));
    lanes_.store(states_.back().get(), std::memory_order_release);
  }

  sticky_partition sticky;
  std::atomic<std::uint32_t> turn = 0;

  /// Guards the next two. Held while kept records are placed, so that none of the same thread overtakes them.
  std::mutex mutex;
  std::vector<kept_record> kept;
  bool is_shut = false;

  // The I/O thread's.
  bool is_looked_up = false;
  std::uint64_t lookups = 0;

 private:
  friend class producer_topics;

  const std::string name_;
  std::atomic<const lane_list*> lanes_ = nullptr;
  std::vector<std::unique_ptr<const lane_list>> states_;
  producer_topic* next_in_bucket_ = nullptr;
};

/// Topics by name. Reading takes no lock: topics are only ever added.
class producer_topics {
 public:
  [[nodiscard]] producer_topic* find(std::string_view name) const;
  /// The topic of that name, made if need be. Any thread.
  producer_topic& add(std::string_view name);
  /// All of them so far.
  [[nodiscard]] std::vector<producer_topic*> all() const;
  /// No record is kept from now on, of topics to come either.
  void shut();

 private:
  [[nodiscard]] static std::size_t bucket_of(std::string_view name) {
    return std::hash<std::string_view>{}(name) % bucket_count;
  }
  static constexpr std::size_t bucket_count = 256;

  std::array<std::atomic<producer_topic*>, bucket_count> buckets_{};
  mutable std::mutex mutex_;
  std::vector<std::unique_ptr<producer_topic>> topics_;
  bool is_shut_ = false;
};

}  // namespace moldau::client
