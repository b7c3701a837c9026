#pragma once

#include <atomic>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "client/accumulator.hpp"
#include "client/cluster.hpp"
#include "client/runtime.hpp"
#include "moldau/client/producer.hpp"
#include "rt/event.hpp"
#include "rt/spawn.hpp"
#include "wire/protocol/produce_request.hpp"
#include "wire/protocol/produce_response.hpp"

namespace moldau::client {

/// A producer's thread side: takes records from the callers' threads, finds their partitions, and carries batches
/// between the accumulator and the brokers. Everything but `enqueue` runs on the client's thread.
class producer::impl : public std::enable_shared_from_this<producer::impl> {
 public:
  explicit impl(producer_options options);
  ~impl();

  /// Any thread. Waits for room if the options say so and the caller may.
  result<void> enqueue(const outgoing_record& record, report_to report);

  rt::task<result<void>> flush();
  rt::task<result<void>> purge();
  rt::task<result<std::vector<partition_id>>> partitions_of(std::string topic);
  rt::task<result<void>> close();

  [[nodiscard]] const runtime& home() const { return runtime_; }
  [[nodiscard]] const producer_options& options() const { return options_; }
  /// Ends the thread, once `close` is done.
  void stop() { runtime_.stop(); }

 private:
  void drain_inbox();
  void place(queued_record record);
  [[nodiscard]] std::optional<partition_id> choose(const queued_record& record, const topic_view& topic);
  rt::task<void> look_up(std::string topic);
  void fail(queued_record record, const error& why);

  void pump();
  void arm_timer();
  rt::task<void> learn_identity();
  rt::task<void> refresh_leaders();
  rt::task<void> send(broker_id leader, std::vector<batch_ptr> batches);
  void answered(std::vector<batch_ptr> batches, const wire::protocol::produce_response& answer);
  void failed(std::vector<batch_ptr> batches, const error& why);
  void finish(std::vector<finished_batch> finished);
  void report(const report_to& to, const delivery_report& what);
  [[nodiscard]] rt::time_point retry_at(int attempts) const;

  const producer_options options_;
  runtime runtime_;
  std::shared_ptr<cluster> cluster_;
  accumulator accumulator_;
  rt::gate running_;

  /// Guards the four below.
  std::mutex mutex_;
  std::condition_variable room_;
  std::vector<queued_record> inbox_;
  std::size_t buffered_bytes_ = 0;
  bool closed_ = false;
  std::uint64_t flush_round_ = 0;

  std::map<std::string, std::vector<queued_record>, std::less<>> unplaced_;
  std::map<std::string, partition_id, std::less<>> sticky_;
  std::map<broker_id, std::size_t> requests_;
  /// Records without a report, by the flush that waits for them.
  std::map<std::uint64_t, std::size_t> unreported_;
  rt::event reported_;
  std::unique_ptr<rt::timer> timer_;
  bool learning_identity_ = false;
  bool refreshing_ = false;
  int flushes_ = 0;
};

}  // namespace moldau::client
