#pragma once

#include <map>
#include <memory>
#include <optional>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "client/cluster.hpp"
#include "client/consumer_partition.hpp"
#include "client/fetch_answer.hpp"
#include "client/fetch_session.hpp"
#include "client/fetched.hpp"
#include "client/group_protocol.hpp"
#include "client/group_session.hpp"
#include "client/runtime.hpp"
#include "moldau/client/consumer.hpp"
#include "rt/event.hpp"
#include "rt/spawn.hpp"

namespace moldau::client {

using committed_offsets = std::map<topic_partition, committed_offset>;

/// A consumer's state, all on the client's thread: what is assigned, what is on its way, what waits to be polled.
///
/// Its parts, a file each: what the application calls (consumer_impl), finding positions (consumer_positions), fetching
/// and decoding (consumer_fetch), membership in a group (consumer_group), commits and the end (consumer_commit).
class consumer::impl final : public group_user, public std::enable_shared_from_this<consumer::impl> {
 public:
  explicit impl(consumer_options options);
  ~impl() override;

  rt::task<result<void>> assign(std::map<topic_partition, std::optional<offset>> positions);
  rt::task<result<void>> subscribe(std::vector<std::string> topics, std::optional<std::regex> pattern,
                                   rebalance_listener listener);
  rt::task<result<void>> unsubscribe();
  rt::task<result<std::vector<topic_partition>>> assignment();
  rt::task<result<std::vector<std::string>>> subscription();
  rt::task<result<polled>> poll(std::chrono::milliseconds timeout);
  void wakeup();
  rt::task<result<void>> seek(topic_partition partition, log_position to);
  rt::task<result<void>> seek_to_times(std::map<topic_partition, std::int64_t> times);
  rt::task<result<void>> pause(std::vector<topic_partition> partitions, bool paused);
  rt::task<result<std::vector<topic_partition>>> paused();
  rt::task<result<offset>> position(topic_partition partition);
  rt::task<result<std::optional<std::int64_t>>> current_lag(topic_partition partition);
  rt::task<result<std::map<topic_partition, std::int64_t>>> lag();
  /// `unread`: where positions stand that have been handed out but not been looked at.
  rt::task<result<void>> commit_positions(committed_offsets unread);
  rt::task<result<void>> commit(committed_offsets offsets);
  rt::task<result<committed_offsets>> committed(std::vector<topic_partition> partitions);
  rt::task<result<std::map<topic_partition, offset>>> offsets_at(std::map<topic_partition, std::int64_t> times);
  rt::task<result<std::vector<partition_id>>> partitions_of(std::string topic);
  rt::task<result<client::group_metadata>> group_metadata();
  rt::task<result<void>> enforce_rebalance(std::string reason);
  rt::task<result<void>> close(close_options how);
  rt::task<result<client::statistics>> statistics();
  void report_statistics();
  /// Takes back what was handed out from there on.
  void rewind(const committed_offsets& unread);

  [[nodiscard]] const runtime& home() const { return runtime_; }
  void stop() { runtime_.stop(); }

 private:
  using verdict = consumed_partition::verdict;
  using phase = consumed_partition::phase;
  /// Partitions and the round in which something is done for them.
  using rounds = std::map<topic_partition, std::uint64_t>;

  /// Fetched records that wait to be polled.
  struct part {
    std::uint64_t number = 0;
    std::shared_ptr<const topic_partition> of;
    std::uint64_t round = 0;
    std::size_t bytes = 0;
    /// None while a worker opens more of it.
    std::optional<fetched_partition> fetched;
    bool is_compressed = false;
    /// Whether the partition ends behind it.
    bool is_end = false;
    /// What has been opened and not been given out whole.
    body_ptr opened;
    /// What of `opened` has been given out.
    std::size_t given = 0;
    std::optional<error> wrong;
  };
  /// Fetches from one broker, one at a time. What they are made of is used again from one to the next.
  struct broker_fetches {
    fetch_session session;
    bool busy = false;
    std::vector<fetch_ask> asks;
    /// Of what is asked: partitions may go while the request does.
    std::vector<std::shared_ptr<const topic_partition>> names;
    wire::protocol::fetch_request request;
  };

  // consumer_impl.cpp
  [[nodiscard]] consumed_partition* state_of(const partition_key& of, std::uint64_t round);
  [[nodiscard]] result<consumed_partition*> assigned(const topic_partition& of);
  [[nodiscard]] std::optional<std::int64_t> lag_of(const consumed_partition& state) const;
  void fail_with(error why);
  void drop_partitions(const std::vector<topic_partition>& which);
  [[nodiscard]] std::vector<topic_partition> held() const;
  [[nodiscard]] bool is_subscribed() const { return session_ != nullptr; }
  void run_at(rt::time_point at);
  void wake_polls_at(rt::time_point at);
  /// Waits; less long when the consumer is closed.
  rt::task<void> wait_ms(std::int64_t ms);
  [[nodiscard]] rt::time_point after_ms(std::int64_t ms) const;

  // consumer_positions.cpp
  rt::task<void> find_commits(rounds which);
  rt::task<void> find_offsets(rounds which, std::map<topic_partition, std::int64_t> times);
  rt::task<void> validate(broker_id leader, rounds which);
  void judge_end(const topic_partition& of, std::uint64_t round, log_position end, leader_epoch by);
  void reset_by_policy(consumed_partition& state, errc why, std::string what);
  [[nodiscard]] std::int64_t policy_time() const;

  // consumer_fetch.cpp
  void pump();
  rt::task<void> fetch(broker_id from, std::uint64_t id);
  rt::task<result<fetch_answer>> ask_for_records(broker_id from, const wire::protocol::fetch_request& request);
  void take_answer(broker_id from, std::uint64_t id, const fetch_answer& answer);
  void take_partition(broker_id from, consumed_partition& state, const fetch_answer::partition_data& data,
                      const shared_bytes& bytes);
  void take_error(broker_id from, consumed_partition& state, const fetch_answer::partition_data& data);
  [[nodiscard]] std::set<std::string> leaderless() const;
  rt::task<void> refresh_leaders();
  void open_ahead();
  rt::task<void> open_on_worker(std::uint64_t number, fetched_partition what);
  [[nodiscard]] bool is_current(const part& of);
  result<void> give(polled& into);
  bool give_from(part& from, consumed_partition& state, std::size_t most, polled& into);
  std::size_t drop_part(std::size_t index);
  void make_room();
  rt::task<void> end_fetch_sessions();

  // consumer_group.cpp
  rt::task<void> prepare() override;
  rt::task<void> lost() override;
  [[nodiscard]] std::vector<group_protocol> protocols() override;
  rt::task<result<std::map<std::string, shared_bytes>>> lead(std::string protocol,
                                                             std::vector<group_peer> members) override;
  rt::task<void> lead_on(std::vector<group_peer> members) override;
  rt::task<result<void>> joined(std::string protocol, bool is_leader, shared_bytes part) override;
  void failed(const error& why) override;
  void recover_membership();
  rt::task<bool> until_polling();
  rt::task<void> give_up(std::vector<topic_partition> which);
  void add_partitions(const std::vector<topic_partition>& which);
  rt::task<void> tell(const rebalance_listener::told& whom, std::vector<topic_partition> what);
  rt::task<void> watch();
  rt::task<void> learn_topics();
  [[nodiscard]] rebalance_protocol protocol() const;
  [[nodiscard]] assignor* assignor_named(std::string_view name) const;
  [[nodiscard]] assignable_topics snapshot(const std::set<std::string>& topics) const;
  /// The leader looks after all topics of the group.
  rt::task<result<void>> look_after(std::set<std::string> topics);
  void expect_rest(bool may_be);
  rt::task<void> finish_division();

  // consumer_commit.cpp
  rt::task<void> auto_commit();
  [[nodiscard]] committed_offsets positions_to_commit() const;
  [[nodiscard]] bool may_auto_commit() const;
  rt::task<void> say_goodbye(close_options how);
  rt::task<void> end(close_options how);

  // consumer_interceptors.cpp
  void intercept(polled& given);
  void tell_committed(const committed_offsets& taken);

  // consumer_statistics.cpp
  void add_to(client::statistics& into) const;

  const consumer_options options_;
  runtime runtime_;
  std::shared_ptr<cluster> cluster_;
  rt::gate running_;
  /// No call is taken any more...
  bool closing_ = false;
  /// ...and now nothing goes on either.
  bool closed_ = false;
  bool ended_ = false;

  consumed_partitions assigned_;
  std::uint64_t next_round_ = 1;
  std::uint64_t next_request_ = 1;
  std::map<broker_id, broker_fetches> brokers_;
  /// In the order of their coming; those before `first_part_` have gone.
  std::vector<part> parts_;
  std::size_t first_part_ = 0;
  std::uint64_t next_part_ = 1;
  std::size_t buffered_bytes_ = 0;
  bool refreshing_ = false;
  std::shared_ptr<body_pool> bodies_ = std::make_shared<body_pool>();
  /// One for what is opened here, one for what a worker opens.
  decode_context decoding_here_;
  std::shared_ptr<decode_context> decoding_there_ = std::make_shared<decode_context>();
  bool opening_ = false;
  std::vector<topic_partition> ends_;
  std::optional<error> failure_;
  rt::event news_;
  rt::event closing_news_;
  bool woken_ = false;
  std::unique_ptr<rt::timer> retry_timer_;
  rt::time_point retry_at_{};
  /// One for all polls: it is set for the earliest that there was, and who is woken too early waits on.
  std::unique_ptr<rt::timer> poll_timer_;
  rt::time_point poll_at_{};

  std::vector<std::shared_ptr<assignor>> assignors_;
  std::vector<std::string> topics_;
  std::optional<std::regex> pattern_;
  rebalance_listener listener_;
  std::shared_ptr<group_session> session_;
  /// Why it ended; the next poll but one begins anew.
  std::optional<error> group_failure_;
  /// What this member said when it joined, and (at the leader) what the topics were like.
  std::vector<std::string> joined_topics_;
  assignable_topics divided_;
  /// Whether this leader has kept partitions back until their owners have given them up, and whether the round that
  /// goes on is the one that it asked for because nobody had got them.
  bool has_rest_ = false;
  bool finishing_ = false;
  std::uint64_t rebalances_ = 0;
  bool watching_ = false;
  rt::event watch_news_;
  std::size_t polling_ = 0;
  rt::event poll_news_;

  rt::time_point next_auto_commit_{};
  bool auto_committing_ = false;
  bool committing_ = false;
  rt::event commit_news_;
};

}  // namespace moldau::client
