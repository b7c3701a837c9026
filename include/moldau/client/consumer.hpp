#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "moldau/client/options.hpp"
#include "moldau/core/async.hpp"
#include "moldau/core/bytes.hpp"
#include "moldau/core/ids.hpp"
#include "moldau/core/record.hpp"
#include "moldau/core/topic_partition.hpp"

namespace moldau::client {

/// Where to begin without a committed offset. `auto.offset.reset`
enum class offset_reset : std::uint8_t { earliest, latest, none };

enum class isolation : std::uint8_t { read_uncommitted = 0, read_committed = 1 };

/// A group's members and generation, for those who commit in its name.
struct group_metadata {
  std::string group_id;
  std::int32_t generation = -1;
  std::string member_id;
  std::optional<std::string> instance_id;
};

/// A committed offset: of the next record to read.
struct committed_offset {
  moldau::offset offset = no_offset;
  moldau::leader_epoch leader_epoch = no_leader_epoch;
  std::string metadata;

  friend bool operator==(const committed_offset&, const committed_offset&) = default;
};

struct consumer_options {
  client_options client;

  /// Default: none; needed for `subscribe` and commits. `group.id`
  std::optional<std::string> group_id;
  /// A member that keeps its partitions over a restart. Default: none. `group.instance.id`
  std::optional<std::string> instance_id;
  /// Default: latest. `auto.offset.reset`
  client::offset_reset offset_reset = offset_reset::latest;
  /// Whether positions are committed on the way. Default: true. `enable.auto.commit`
  bool auto_commit = true;
  /// How often, in ms. Default: 5000. `auto.commit.interval.ms`
  std::int64_t auto_commit_interval_ms = 5'000;
  /// A member that isn't heard of for so long is out, in ms. Default: 45000. `session.timeout.ms`
  std::int64_t session_timeout_ms = 45'000;
  /// In ms. Default: 3000. `heartbeat.interval.ms`
  std::int64_t heartbeat_interval_ms = 3'000;
  /// The longest between two polls, in ms; past it the member leaves. Default: 300000. `max.poll.interval.ms`
  std::int64_t max_poll_interval_ms = 300'000;
  /// An answer waits for so many bytes... Default: 1. `fetch.min.bytes`
  std::int32_t fetch_min_bytes = 1;
  /// ...but no longer than this, in ms. Default: 500. `fetch.max.wait.ms`
  std::int32_t fetch_max_wait_ms = 500;
  /// Of one answer, in bytes. Default: 52428800. `fetch.max.bytes`
  std::int32_t fetch_max_bytes = 50 * 1024 * 1024;
  /// Of one partition in it, in bytes. Default: 1048576. `max.partition.fetch.bytes`
  std::int32_t partition_fetch_max_bytes = 1024 * 1024;
  /// Fetched and not yet polled, in bytes; no more is asked for past it. Default: 67108864.
  std::size_t prefetch_bytes_max = 64 * 1024 * 1024;
  /// Default: read_uncommitted. `isolation.level`
  client::isolation isolation = isolation::read_uncommitted;
  /// Default: none. `client.rack`
  std::string rack;

  /// From Kafka's property names. Errors: `errc::invalid_argument` with every mistake, a line each.
  [[nodiscard]] static result<consumer_options> from_properties(const properties& from);
};

/// Records of one partition, in order: views into the fetched bytes, which live as long as this object.
class record_batch {
 public:
  record_batch();
  record_batch(record_batch&&) noexcept;
  record_batch& operator=(record_batch&&) noexcept;
  ~record_batch();

  [[nodiscard]] const std::string& topic() const;
  [[nodiscard]] partition_id partition() const;
  [[nodiscard]] const std::vector<record_view>& records() const;
  [[nodiscard]] auto begin() const { return records().begin(); }
  [[nodiscard]] auto end() const { return records().end(); }
  [[nodiscard]] std::size_t size() const { return records().size(); }
  /// Where the partition ended when this was fetched.
  [[nodiscard]] moldau::offset high_watermark() const;
  /// The offset behind this batch; it may leave out offsets that hold nothing for a reader.
  [[nodiscard]] moldau::offset next_offset() const;

  struct body;
  explicit record_batch(std::unique_ptr<body> from);

 private:
  std::unique_ptr<body> body_;
};

/// What `poll` brings.
struct polled {
  std::vector<record_batch> batches;
  /// Partitions whose end was reached since the last poll.
  std::vector<topic_partition> ends;

  [[nodiscard]] bool empty() const { return batches.empty() && ends.empty(); }
};

/// Told when a group gives or takes partitions, on the I/O thread (or on `client.handlers`).
struct rebalance_listener {
  std::function<void(const std::vector<topic_partition>&)> on_assigned;
  std::function<void(const std::vector<topic_partition>&)> on_revoked;
};

/// Reads records from a cluster, as a member of a group or from partitions that it is given.
///
/// One thread at a time; `wakeup` from any. `close`, and the destructor, commit (with `auto_commit`) and leave the
/// group.
///
///     auto c = consumer::make({.client = {.bootstrap_servers = {"localhost:9092"}}, .group_id = "g"}).value();
///     c.subscribe({"greetings"}).get().value();
///     for (auto& batch : c.poll(1s).get().value().batches)
///       for (const record_view& record : batch) std::cout << as_text(*record.value) << '\n';
class consumer {
 public:
  [[nodiscard]] static result<consumer> make(consumer_options options);

  consumer(consumer&&) noexcept;
  consumer& operator=(consumer&&) noexcept;
  ~consumer();

  /// Reads these partitions, without a group's say, from their committed offsets or as `offset_reset` says.
  async<void> assign(std::vector<topic_partition> partitions);
  /// The same from given offsets.
  async<void> assign(std::map<topic_partition, moldau::offset> positions);
  /// Joins the group for these topics.
  async<void> subscribe(std::vector<std::string> topics, rebalance_listener listener = {});
  [[nodiscard]] async<std::vector<topic_partition>> assignment();

  /// What has come, at once, or the first that comes within `timeout`; nothing if nothing does. `wakeup` ends it early.
  /// Errors: `offset_out_of_range` (with `offset_reset::none`), `unknown_topic_or_partition`, `corrupt_message`,
  /// authorization's, `closed`.
  async<polled> poll(std::chrono::milliseconds timeout);
  void wakeup();

  async<void> seek(topic_partition partition, moldau::offset to);
  async<void> pause(std::vector<topic_partition> partitions);
  async<void> resume(std::vector<topic_partition> partitions);
  /// The offset of the next record that `poll` will bring.
  async<moldau::offset> position(topic_partition partition);

  /// Commits the positions of what was polled. Errors: `unknown_member_id`, `illegal_generation` (the group went on
  /// without this member), `rebalance_in_progress`.
  async<void> commit();
  async<void> commit(std::map<topic_partition, committed_offset> offsets);
  async<std::map<topic_partition, committed_offset>> committed(std::vector<topic_partition> partitions);

  async<std::map<topic_partition, moldau::offset>> beginning_offsets(std::vector<topic_partition> partitions);
  async<std::map<topic_partition, moldau::offset>> end_offsets(std::vector<topic_partition> partitions);
  /// The first offset at or after each time, in ms since 1970; left out where there is none.
  async<std::map<topic_partition, moldau::offset>> offsets_for_times(std::map<topic_partition, std::int64_t> times_ms);
  async<std::vector<partition_id>> partitions_of(std::string topic);
  async<client::group_metadata> group_metadata();

  async<void> close();

  class impl;

 private:
  explicit consumer(std::shared_ptr<impl> body);
  std::shared_ptr<impl> impl_;
};

}  // namespace moldau::client
