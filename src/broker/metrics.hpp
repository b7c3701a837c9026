#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>

#include "base/metrics.hpp"
#include "broker/request.hpp"
#include "moldau/core/errc.hpp"
#include "moldau/core/ids.hpp"
#include "rt/world.hpp"

namespace moldau::broker {

/// One core's part of what is counted for a topic, or for all topics together.
struct topic_counters {
  topic_counters(base::metrics& in, const base::labels& of);

  std::unique_ptr<base::counter> messages_in;
  std::unique_ptr<base::counter> bytes_in;
  std::unique_ptr<base::counter> bytes_out;
};

/// What one core counts: its connections' requests, and the records and bytes that they carried. Written by that core
/// alone, without a locked instruction, and read by the admin port. Every name is in docs/guide/metrics.md.
class shard_metrics {
 public:
  /// `in` outlives it.
  explicit shard_metrics(base::metrics& in);

  /// A request has its answer. What the socket takes afterwards isn't part of the time.
  void answered(const request& what, const answer& done, rt::time_point now);
  /// One partition's batch was appended.
  void produced(const topic_id& topic, std::uint64_t records, std::uint64_t bytes);
  void produce_failed() { failed_produce_->add(); }
  /// One partition's records go out.
  void fetched(const topic_id& topic, std::uint64_t bytes);
  void fetch_failed() { failed_fetch_->add(); }
  void connection_opened() { connections_opened_->add(); }
  void connection_closed() { connections_closed_->add(); }

  /// From now on the topic has series of its own; it may be called again.
  void add_topic(const topic_id& id, const std::string& name);
  void remove_topic(const topic_id& id) { topics_.erase(id); }

  /// Seconds of the core's sync rounds.
  [[nodiscard]] base::histogram& sync_seconds() { return *sync_seconds_; }

 private:
  /// Made with an API's first request.
  struct api_series {
    std::unique_ptr<base::counter> requests;
    std::unique_ptr<base::counter> request_bytes;
    std::unique_ptr<base::counter> response_bytes;
    std::unique_ptr<base::histogram> seconds;
    std::map<errc, std::unique_ptr<base::counter>> errors;
  };
  api_series& series_of(std::int16_t api_key);

  base::metrics& in_;
  std::unordered_map<std::int16_t, std::unique_ptr<api_series>> apis_;
  topic_counters all_;
  std::unordered_map<topic_id, std::unique_ptr<topic_counters>> topics_;
  std::unique_ptr<base::counter> failed_produce_;
  std::unique_ptr<base::counter> failed_fetch_;
  std::unique_ptr<base::counter> connections_opened_;
  std::unique_ptr<base::counter> connections_closed_;
  std::unique_ptr<base::histogram> sync_seconds_;
};

}  // namespace moldau::broker
