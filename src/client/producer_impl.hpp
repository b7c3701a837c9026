#pragma once

#include <array>
#include <atomic>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "client/accumulator.hpp"
#include "client/cluster.hpp"
#include "client/partitioning.hpp"
#include "client/producer_topics.hpp"
#include "client/runtime.hpp"
#include "moldau/client/producer.hpp"
#include "rt/event.hpp"
#include "rt/spawn.hpp"
#include "wire/protocol/produce_request.hpp"
#include "wire/protocol/produce_response.hpp"

namespace moldau::client {

/// A producer around its state machine: takes records on the callers' threads, and carries batches between the
/// accumulator and the brokers on the client's own. Everything but `send` runs there.
class producer::impl final : public std::enable_shared_from_this<producer::impl>, private road, private clock {
 public:
  explicit impl(producer_options options);
  ~impl();

  /// Any thread. Waits for memory if the options say so and the caller may.
  result<void> send(const outgoing_record& record, std::uint64_t tag, const promise<delivery>* waiting);

  rt::task<result<void>> flush();
  rt::task<result<void>> purge(purge_options what);
  rt::task<result<std::vector<partition_id>>> partitions_of(std::string topic);
  /// Negative: as long as the delivery timeout lets it take.
  rt::task<result<void>> close(std::int64_t within_ms);
  rt::task<result<client::statistics>> statistics();
  void report_statistics();

  [[nodiscard]] const runtime& home() const { return runtime_; }
  /// Ends the thread, once `close` is done.
  void stop() { runtime_.stop(); }

 private:
  /// A request on its way, with all that it is made of; used again when it is answered.
  struct call final : peer::answer_handler {
    explicit call(impl& of) : owner(of) {}
    void on_answer(result<shared_bytes> body) override { owner.answered(*this, std::move(body)); }
    void add(batch_ptr batch);

    impl& owner;
    broker_id leader;
    std::int16_t version = 0;
    std::size_t bytes = 0;
    std::vector<batch_ptr> batches;
    wire::protocol::produce_request request;
    std::size_t topics = 0;
    std::vector<shared_bytes> externals;
  };

  /// What is known of a broker that leads something.
  struct node {
    connection_ptr connection;
    std::int16_t produce_version = 0;
    /// Why nothing can be produced to it, if so: no version in common.
    error refusal{errc::none, {}};
    bool is_connecting = false;
    std::size_t in_flight = 0;
    /// The request that batches are being put into.
    call* loading = nullptr;
    /// KIP-219: it asked for a pause until then.
    rt::time_point throttled_until;
    std::unique_ptr<rt::timer> throttle_timer;
    /// Since when it hasn't taken what was ready.
    std::optional<rt::time_point> blocked_since;
    bool is_avoided = false;
  };

  // The callers' side (producer_send.cpp).
  [[nodiscard]] result<void> send_intercepted(outgoing_record& record, std::uint64_t tag,
                                              const promise<delivery>* waiting);
  [[nodiscard]] partition_lane* choose(producer_topic& topic, const lane_list& lanes, outgoing_record& record,
                                       std::size_t size);
  [[nodiscard]] std::int32_t choose_without_key(producer_topic& topic, const lane_list& lanes, std::size_t size);
  [[nodiscard]] std::int32_t next_sticky(const lane_list& lanes);
  /// The record waits for its topic; nothing if the topic has become known.
  [[nodiscard]] std::optional<result<void>> keep(producer_topic& topic, const outgoing_record& record,
                                                 std::uint64_t tag, const promise<delivery>* waiting, std::size_t size);
  [[nodiscard]] result<void> wait_for_memory(std::size_t bytes, rt::time_point& until);
  void wake();
  rt::time_point now() const override { return runtime_.world().now(); }

  // Topics and their partitions (producer_metadata.cpp).
  void look_up(producer_topic& topic);
  rt::task<void> look_up_topic(producer_topic* topic);
  rt::task<result<void>> learn(const producer_topic& topic);
  [[nodiscard]] bool is_known(const producer_topic& topic) const;
  void place_kept(producer_topic& topic, const error* why);
  [[nodiscard]] lane_list lanes_of(const producer_topic& topic);
  void sync_topics();
  rt::task<void> refresh_leaders();
  void arm_metadata_timer();
  rt::task<void> learn_identity();

  // The sending (producer_impl.cpp, producer_requests.cpp).
  void pump();
  void arm_timer();
  bool is_open(partition_lane& lane, std::size_t bytes) override;
  void load(batch_ptr batch) override;
  [[nodiscard]] bool is_ready(node& to, broker_id leader);
  void note_blocked(node& to);
  rt::task<void> connect(broker_id leader);
  void send_loaded();
  void start_call(node& to, call& what);
  void answered(call& what, result<shared_bytes> body);
  void read_answer(call& what, const shared_bytes& body, std::vector<finished_batch>& finished);
  [[nodiscard]] batch_outcome outcome_of(const producer_batch& batch,
                                         const wire::protocol::produce_response::partition_produce_response& answer);
  void give_outcome(batch_ptr batch, batch_outcome outcome, std::vector<finished_batch>& finished);
  call& take_call(broker_id leader, const node& to);
  void recycle(call& what);
  [[nodiscard]] rt::time_point retry_at(int attempts) const;

  // Reports (producer_reports.cpp).
  /// Any thread.
  void tell_interceptors(const delivery_report& what);
  void log_later(std::string text) const;
  [[nodiscard]] std::vector<finished_batch> finished_list();
  void finish(std::vector<finished_batch> finished);
  void report(const finished_batch& done);
  void report(const delivery_report& what, const promise<delivery>* waiting);
  void fail(kept_record& record, producer_topic& topic, const error& why);
  void give_up(const error& why, purge_options what);

  // producer_statistics.cpp
  void add_to(client::statistics& into);

  const producer_options options_;
  runtime runtime_;
  std::shared_ptr<cluster> cluster_;
  producer_topics topics_;
  accumulator accumulator_;
  rt::gate running_;
  shared_random random_;
  std::atomic<bool> closed_ = false;
  /// Whether the I/O thread is on its way already.
  std::atomic<bool> woken_ = false;

  std::map<broker_id, node> nodes_;
  std::vector<std::unique_ptr<call>> calls_;
  std::vector<call*> free_calls_;
  call* chosen_ = nullptr;
  wire::protocol::produce_response::partition_produce_response answer_;
  std::vector<finished_batch> finished_spare_;
  rt::event reported_;
  timing delivery_time_;
  /// Records that failed before they had a partition.
  std::uint64_t failed_kept_ = 0;
  std::unique_ptr<rt::timer> timer_;
  rt::time_point timer_at_;
  std::unique_ptr<rt::timer> metadata_timer_;
  bool pumping_ = false;
  bool pump_again_ = false;
  bool learning_identity_ = false;
  bool refreshing_ = false;
  bool leader_missing_ = false;
  /// Some broker isn't avoided as its lanes say.
  bool avoidance_changed_ = false;
  bool is_seeded_ = false;
  bool is_closing_ = false;
  bool is_done_ = false;
};

}  // namespace moldau::client
