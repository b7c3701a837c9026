#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "moldau/client/assignor.hpp"
#include "moldau/client/options.hpp"
#include "moldau/core/async.hpp"
#include "moldau/core/bytes.hpp"
#include "moldau/core/ids.hpp"
#include "moldau/core/record.hpp"
#include "moldau/core/topic_partition.hpp"

namespace moldau::client {

/// Where to begin without a committed offset, or where it has gone. `auto.offset.reset`
enum class offset_reset : std::uint8_t {
  earliest,
  latest,
  none,         ///< `poll` fails with `errc::offset_out_of_range`.
  by_duration,  ///< What isn't older than `consumer_options::offset_reset_duration_ms` (KIP-1106).
};

enum class isolation : std::uint8_t { read_uncommitted = 0, read_committed = 1 };

/// A committed offset: of the next record to read.
struct committed_offset {
  moldau::offset offset = no_offset;
  /// Of the record before it, by which a reader finds out that the log was cut (KIP-320); -1 if unknown.
  moldau::leader_epoch leader_epoch = no_leader_epoch;
  std::string metadata;

  friend bool operator==(const committed_offset&, const committed_offset&) = default;
};

struct polled;

/// Sees every record come in and every commit that went well: for tracing and metrics. (`interceptor.classes`)
///
/// Called in the order of the list, on the I/O thread whatever `client.handlers` says, so that it may not block. What
/// it throws is logged, and all goes on as if it hadn't been called.
class consume_interceptor {
 public:
  virtual ~consume_interceptor() = default;
  /// What a poll is about to give: batches, one at least. It may take some out; they count as read nevertheless.
  virtual void on_consume(polled& records) { static_cast<void>(records); }
  /// These offsets have been committed, by a call or by themselves.
  virtual void on_commit(const std::map<topic_partition, committed_offset>& offsets) { static_cast<void>(offsets); }
};

struct consumer_options {
  client_options client;

  /// Default: none; needed for `subscribe` and commits. `group.id`
  std::optional<std::string> group_id;
  /// A member that keeps its partitions over a restart. Default: none. `group.instance.id`
  std::optional<std::string> instance_id;
  /// What the group may divide partitions by, best first. Empty: range, then cooperative-sticky, as in Java: with the
  /// first all members speak the eager protocol, and the group can move to the second when every member offers it.
  /// `partition.assignment.strategy`
  std::vector<std::shared_ptr<client::assignor>> assignors;
  /// Default: latest. `auto.offset.reset`
  client::offset_reset offset_reset = offset_reset::latest;
  /// With `by_duration`, in ms. `auto.offset.reset=by_duration:PT1H`
  std::int64_t offset_reset_duration_ms = 0;
  /// Whether positions are committed on the way. A poll says that what the one before brought is done with.
  /// Default: true. `enable.auto.commit`
  bool auto_commit = true;
  /// How often, in ms. Default: 5000. `auto.commit.interval.ms`
  std::int64_t auto_commit_interval_ms = 5'000;
  /// A member that isn't heard of for so long is out, in ms. Default: 45000. `session.timeout.ms`
  std::int64_t session_timeout_ms = 45'000;
  /// In ms. Default: 3000. `heartbeat.interval.ms`
  std::int64_t heartbeat_interval_ms = 3'000;
  /// The longest between two polls, in ms; past it the member leaves, and what it had is lost to it.
  /// Default: 300000. `max.poll.interval.ms`
  std::int64_t max_poll_interval_ms = 300'000;
  /// The most records of one poll; 0: about sixteen thousand, or eight mebibytes. Default: 0 (Kafka's is 500).
  /// `max.poll.records`
  std::size_t poll_records_max = 0;
  /// An answer waits for so many bytes... Default: 1. `fetch.min.bytes`
  std::int32_t fetch_min_bytes = 1;
  /// ...but no longer than this, in ms. Default: 500. `fetch.max.wait.ms`
  std::int32_t fetch_max_wait_ms = 500;
  /// Of one answer, in bytes. Default: 52428800. `fetch.max.bytes`
  std::int32_t fetch_max_bytes = 50 * 1024 * 1024;
  /// Of one partition in it, in bytes. Default: 1048576. `max.partition.fetch.bytes`
  std::int32_t partition_fetch_max_bytes = 1024 * 1024;
  /// Fetched and not yet polled, in bytes; no more is asked for past it, so the answers on their way come on top.
  /// Default: 16777216. librdkafka's `queued.max.messages.kbytes`, in kibibytes
  std::size_t prefetch_bytes_max = 16 * 1024 * 1024;
  /// Default: read_uncommitted. `isolation.level`
  client::isolation isolation = isolation::read_uncommitted;
  /// Whether each batch's checksum is compared. Default: true. `check.crcs`
  bool check_crcs = true;
  /// Where this consumer runs, so that the nearest replica serves it (KIP-392) and partitions near to it are given to
  /// it (KIP-881). Default: none. `client.rack`
  std::string rack;
  /// Whether asking for a topic that isn't there may make it, if the broker allows it. Default: true.
  /// `allow.auto.create.topics`
  bool allow_auto_create_topics = true;
  /// Whether a pattern leaves internal topics out. Default: true. `exclude.internal.topics`
  bool exclude_internal_topics = true;
  /// The longest that `close` without a deadline, and the destructor, take, in ms. Default: 30000.
  std::int64_t close_timeout_ms = 30'000;
  /// Default: none. `interceptor.classes`
  std::vector<std::shared_ptr<consume_interceptor>> interceptors;

  /// From Kafka's property names. Errors: `errc::invalid_argument` with every mistake, a line each.
  [[nodiscard]] static result<consumer_options> from_properties(const properties& from);
};

/// Records of one partition, in order: views into the fetched bytes, which live as long as this object or a copy of it.
/// Copying counts a reference; copies may be used and destroyed on any thread.
class record_batch {
 public:
  record_batch() = default;
  record_batch(const record_batch& other) noexcept;
  record_batch(record_batch&& other) noexcept;
  record_batch& operator=(record_batch other) noexcept;
  ~record_batch();

  [[nodiscard]] const std::string& topic() const;
  [[nodiscard]] partition_id partition() const;
  [[nodiscard]] std::span<const record_view> records() const { return records_; }
  [[nodiscard]] auto begin() const { return records_.begin(); }
  [[nodiscard]] auto end() const { return records_.end(); }
  [[nodiscard]] std::size_t size() const { return records_.size(); }
  /// The offset behind this batch; it may leave out offsets that hold nothing for a reader.
  [[nodiscard]] moldau::offset next_offset() const { return next_.offset; }
  /// What a commit of all up to here says.
  [[nodiscard]] const committed_offset& position() const { return next_; }
  /// Where the partition ended when this was fetched...
  [[nodiscard]] moldau::offset high_watermark() const;
  /// ...without the transactions that were open then...
  [[nodiscard]] moldau::offset last_stable_offset() const;
  /// ...and where it began.
  [[nodiscard]] moldau::offset log_start_offset() const;

  struct body;
  /// `of` comes with a reference that is this object's from now on.
  record_batch(body* of, std::span<const record_view> records, committed_offset next)
      : body_(of), records_(records), next_(std::move(next)) {}

 private:
  body* body_ = nullptr;
  std::span<const record_view> records_;
  committed_offset next_;
};

/// What `poll` brings.
struct polled {
  std::vector<record_batch> batches;
  /// Partitions whose end was reached since the last poll.
  std::vector<topic_partition> ends;

  [[nodiscard]] bool empty() const { return batches.empty() && ends.empty(); }
  [[nodiscard]] std::size_t records() const {
    std::size_t sum = 0;
    for (const record_batch& batch : batches) sum += batch.size();
    return sum;
  }
};

/// A record in a loop over a consumer; its views live until the loop goes on.
struct consumed_record : record_view {
  std::string_view topic;
  partition_id partition;
};

/// Told when a group gives or takes partitions, on the I/O thread (or on `client.handlers`). While a poll is under way:
/// what was polled before is done with by then.
struct rebalance_listener {
  using told = std::function<void(const std::vector<topic_partition>&)>;

  /// With the cooperative protocol only what is new.
  told on_assigned;
  /// The positions have been committed (with `auto_commit`), and the partitions are gone.
  told on_revoked;
  /// They may be another member's already: nothing can be committed for them. Default: `on_revoked`.
  told on_lost;
  /// Before they go: the group waits for what this returns, such as a commit.
  std::function<async<void>(const std::vector<topic_partition>&)> before_revoked;
};

/// Whether a member stays in its group when its consumer is closed (KIP-1092).
enum class group_stay : std::uint8_t {
  as_usual,  ///< A static member stays until its session ends, any other leaves.
  leave,
  remain,
};

struct close_options {
  /// 0: `consumer_options::close_timeout_ms`.
  std::chrono::milliseconds within{0};
  group_stay stay = group_stay::as_usual;
};

/// Reads records from a cluster, as a member of a group or from partitions that it is given.
///
/// One thread at a time; `wakeup` from any. `close`, and the destructor, commit (with `auto_commit`) and leave the
/// group, within a deadline; nothing is called once they are done.
///
///     auto c = consumer::make({.client = {.bootstrap_servers = {"localhost:9092"}}, .group_id = "g"}).value();
///     c.subscribe({"greetings"}).get().value();
///     for (auto& record : c) std::cout << as_text(*record.value) << '\n';
///
/// or, batch by batch:
///
///     for (auto& batch : c.poll(1s).get().value().batches)
///       for (const record_view& record : batch) std::cout << as_text(*record.value) << '\n';
class consumer {
 public:
  /// Errors: `errc::invalid_argument`, with all that is wrong in the options.
  [[nodiscard]] static result<consumer> make(consumer_options options);

  consumer(consumer&&) noexcept;
  consumer& operator=(consumer&&) noexcept;
  ~consumer();

  /// Reads these partitions, without a group's say, from their committed offsets or as `offset_reset` says. What was
  /// assigned before and is again goes on where it is. Errors: `unknown_topic_or_partition`; `invalid_argument` while
  /// subscribed.
  async<void> assign(std::vector<topic_partition> partitions);
  /// The same from given offsets.
  async<void> assign(std::map<topic_partition, moldau::offset> positions);
  /// Joins the group for these topics, in place of those before. The group gives partitions while the consumer polls.
  async<void> subscribe(std::vector<std::string> topics, rebalance_listener listener = {});
  /// The same for all topics whose whole name matches a regular expression (ECMAScript's), also those that are made
  /// later (seen within `metadata.max.age.ms`). Errors: `invalid_argument` for what is no expression.
  async<void> subscribe_matching(std::string expression, rebalance_listener listener = {});
  /// Leaves the group, or gives up what was assigned.
  async<void> unsubscribe();
  [[nodiscard]] async<std::vector<topic_partition>> assignment();
  /// The topics that are subscribed now; of a pattern, those that match.
  [[nodiscard]] async<std::vector<std::string>> subscription();

  /// What has come, at once, or the first that comes within `timeout`; nothing if nothing does. `wakeup` ends it early.
  /// Errors: `offset_out_of_range` (with `offset_reset::none`), `log_truncated` (the same, where the log was cut below
  /// the position; `seek` goes on), `corrupt_message` (again and again, until a `seek` goes past it),
  /// authorization's, the group's (`fenced_instance_id`, `inconsistent_group_protocol` ...), `closed`.
  async<polled> poll(std::chrono::milliseconds timeout);
  void wakeup();

  /// Reads on there; nothing that was fetched before comes any more. `epoch` is that of the record before it, if known.
  async<void> seek(topic_partition partition, moldau::offset to, moldau::leader_epoch epoch = no_leader_epoch);
  async<void> seek_to_beginning(std::vector<topic_partition> partitions);
  async<void> seek_to_end(std::vector<topic_partition> partitions);
  /// To the first record at or after each time, in ms since 1970; to the end where there is none.
  async<void> seek_to_time(std::map<topic_partition, std::int64_t> times_ms);
  async<void> pause(std::vector<topic_partition> partitions);
  async<void> resume(std::vector<topic_partition> partitions);
  [[nodiscard]] async<std::vector<topic_partition>> paused();
  /// The offset of the next record that `poll` will bring.
  async<moldau::offset> position(topic_partition partition);
  /// How far the position is behind the end that this consumer may read up to, by the last fetch; nothing before one.
  async<std::optional<std::int64_t>> current_lag(topic_partition partition);
  /// The same of all that is assigned, by asking the brokers now.
  async<std::map<topic_partition, std::int64_t>> lag();

  /// Commits the positions of what was polled. Commits are carried out in the order of the calls.
  /// Errors: `unknown_member_id`, `illegal_generation` (the group went on without this member), `fenced_instance_id`,
  /// `rebalance_in_progress`.
  async<void> commit();
  async<void> commit(std::map<topic_partition, committed_offset> offsets);
  /// Up to and with that record.
  async<void> commit(const consumed_record& record);
  async<void> commit(const record_batch& batch, const record_view& record);
  /// The whole batch.
  async<void> commit(const record_batch& batch);
  async<std::map<topic_partition, committed_offset>> committed(std::vector<topic_partition> partitions);

  async<std::map<topic_partition, moldau::offset>> beginning_offsets(std::vector<topic_partition> partitions);
  async<std::map<topic_partition, moldau::offset>> end_offsets(std::vector<topic_partition> partitions);
  /// The first offset at or after each time, in ms since 1970; left out where there is none.
  async<std::map<topic_partition, moldau::offset>> offsets_for_times(std::map<topic_partition, std::int64_t> times_ms);
  async<std::vector<partition_id>> partitions_of(std::string topic);
  /// Who this consumer is in its group, for those who commit in its name.
  async<client::group_metadata> group_metadata();
  /// Has the group divide its partitions anew.
  async<void> enforce_rebalance(std::string reason);
  /// What it has counted up to now; every `client.statistics_interval_ms` it goes to `client.on_statistics` as well.
  async<client::statistics> statistics();

  async<void> close(close_options how = {});

  struct cursor;
  /// Goes over all records as they come, waiting for them; ends at an error, a `wakeup` or when the consumer is closed.
  class record_iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = consumed_record;
    using difference_type = std::ptrdiff_t;
    using reference = const consumed_record&;
    using pointer = const consumed_record*;

    explicit record_iterator(cursor& on) : on_(&on) {}
    reference operator*() const;
    pointer operator->() const { return &**this; }
    record_iterator& operator++();
    void operator++(int) { ++*this; }
    friend bool operator==(const record_iterator& it, std::default_sentinel_t) { return it.is_at_end(); }

   private:
    [[nodiscard]] bool is_at_end() const;
    cursor* on_;
  };
  /// A loop that is left early leaves the records that it hasn't come to: they aren't committed, and come again.
  [[nodiscard]] record_iterator begin();
  [[nodiscard]] static std::default_sentinel_t end() { return {}; }
  /// Why the last loop ended.
  [[nodiscard]] result<void> loop_status() const;

  class impl;

 private:
  explicit consumer(std::shared_ptr<impl> body);
  [[nodiscard]] std::map<topic_partition, committed_offset> take_unread();

  std::shared_ptr<impl> impl_;
  std::unique_ptr<cursor> cursor_;
};

}  // namespace moldau::client
