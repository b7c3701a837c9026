#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "client/cluster.hpp"
#include "client/fetched.hpp"
#include "client/group_member.hpp"
#include "client/group_protocol.hpp"
#include "client/runtime.hpp"
#include "moldau/client/consumer.hpp"
#include "rt/event.hpp"
#include "rt/spawn.hpp"
#include "wire/protocol/fetch_response.hpp"
#include "wire/protocol/join_group_response.hpp"

namespace moldau::client {

/// A consumer's state, all on the client's thread: what is assigned, what is on its way, what waits to be polled.
class consumer::impl : public std::enable_shared_from_this<consumer::impl> {
 public:
  explicit impl(consumer_options options);
  ~impl();

  rt::task<result<void>> assign(std::map<topic_partition, std::optional<offset>> positions);
  rt::task<result<void>> subscribe(std::vector<std::string> topics, rebalance_listener listener);
  rt::task<result<std::vector<topic_partition>>> assignment();
  rt::task<result<polled>> poll(std::chrono::milliseconds timeout);
  void wakeup();
  rt::task<result<void>> seek(topic_partition partition, offset to);
  rt::task<result<void>> pause(std::vector<topic_partition> partitions, bool paused);
  rt::task<result<offset>> position(topic_partition partition);
  rt::task<result<void>> commit_positions();
  rt::task<result<void>> commit(std::map<topic_partition, committed_offset> offsets);
  rt::task<result<std::map<topic_partition, committed_offset>>> committed(std::vector<topic_partition> partitions);
  rt::task<result<std::map<topic_partition, offset>>> offsets_at(std::map<topic_partition, std::int64_t> times);
  rt::task<result<std::vector<partition_id>>> partitions_of(std::string topic);
  rt::task<result<client::group_metadata>> group_metadata();
  rt::task<result<void>> close();

  [[nodiscard]] const runtime& home() const { return runtime_; }
  void stop() { runtime_.stop(); }

 private:
  struct partition_state {
    /// Of the next record that `poll` gives; none until it is resolved.
    std::optional<offset> position;
    /// Of the next record to be asked for.
    offset fetch_from;
    /// What was asked for before a seek or a new assignment is dropped when it comes.
    std::uint64_t round = 0;
    bool paused = false;
    bool fetching = false;
    bool resolving = false;
    /// The end was reported at this offset.
    std::optional<offset> reported_end;
    leader_epoch epoch = no_leader_epoch;
    rt::time_point not_before{};
  };
  struct fetched_part {
    topic_partition of;
    std::uint64_t round = 0;
    std::size_t bytes = 0;
    fetched_partition part;
    /// Whether the partition ends behind it.
    bool is_end = false;
  };

  // consumer_fetch.cpp
  void pump();
  rt::task<void> resolve(std::vector<topic_partition> which);
  rt::task<void> fetch(broker_id leader, std::map<topic_partition, std::uint64_t> asked);
  void take_answer(const peer::reply<wire::protocol::fetch_response>& answer,
                   const std::map<topic_partition, std::uint64_t>& asked);
  void take_partition(const topic_partition& of, partition_state& state,
                      const wire::protocol::fetch_response::partition_data& data, const shared_bytes& bytes);
  rt::task<void> refresh_leaders(std::set<std::string> topics);
  result<void> open_fetched(polled& into);
  [[nodiscard]] partition_state* state_of(const topic_partition& of, std::uint64_t round);

  // consumer_group.cpp
  rt::task<void> membership();
  rt::task<void> join();
  rt::task<void> sync(std::optional<std::vector<group_member_view>> members);
  rt::task<void> heartbeat();
  rt::task<void> leave();
  rt::task<result<std::map<std::string, std::vector<topic_partition>>>> divide(std::vector<group_member_view> members);
  rt::task<void> give_up_partitions();
  void tell(const std::function<void(const std::vector<topic_partition>&)>& whom, std::vector<topic_partition> what);
  void set_assignment(const std::map<topic_partition, std::optional<offset>>& positions);
  rt::task<void> auto_commit();
  void unreachable(const error& why);

  const consumer_options options_;
  runtime runtime_;
  std::shared_ptr<cluster> cluster_;
  rt::gate running_;
  bool closed_ = false;

  std::map<topic_partition, partition_state> assigned_;
  std::uint64_t next_round_ = 1;
  std::deque<fetched_part> fetched_;
  std::size_t fetched_bytes_ = 0;
  std::set<broker_id> fetching_;
  bool refreshing_ = false;
  wire::codec_context codecs_;
  std::vector<topic_partition> ends_;
  std::optional<error> failure_;
  rt::event news_;
  bool woken_ = false;
  std::unique_ptr<rt::timer> retry_timer_;

  std::vector<std::string> topics_;
  rebalance_listener listener_;
  std::optional<group_member> member_;
  bool membership_runs_ = false;
  std::string protocol_;
  rt::event member_news_;
  rt::time_point next_auto_commit_{};
  bool auto_committing_ = false;
};

}  // namespace moldau::client
