#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "moldau/core/ids.hpp"
#include "moldau/core/result.hpp"
#include "moldau/core/topic_partition.hpp"
#include "rt/world.hpp"
#include "wire/protocol/fetch_request.hpp"

namespace moldau::broker {

/// One partition that a fetch asks for, with what the session's client was told last about it.
struct fetch_target {
  /// From version 13 on topics come by id, before by name; the other is filled in from the image.
  topic_id id;
  std::string topic;
  partition_id partition;
  offset fetch_offset;
  std::int32_t max_bytes = 0;
  leader_epoch current_leader_epoch = no_leader_epoch;
  leader_epoch last_fetched_epoch = no_leader_epoch;

  // What was last sent; -1 makes the next response name the partition whatever it holds.
  offset sent_high_watermark = no_offset;
  offset sent_log_start_offset = no_offset;
};

/// What a partition's answer holds, as far as the session must know.
struct fetch_outcome {
  errc error = errc::none;
  offset high_watermark = no_offset;
  offset log_start_offset = no_offset;
  std::size_t records_bytes = 0;
  bool diverging = false;
};

/// A client's incremental fetch session (KIP-227): the partitions that it asks for again and again, by name or id.
class fetch_session {
 public:
  explicit fetch_session(std::int32_t id, bool by_topic_id) : id_(id), by_topic_id_(by_topic_id) {}

  [[nodiscard]] std::int32_t id() const { return id_; }
  [[nodiscard]] std::int32_t epoch() const { return epoch_; }
  [[nodiscard]] bool by_topic_id() const { return by_topic_id_; }
  [[nodiscard]] std::size_t size() const { return targets_.size(); }

  /// Adds and changes the partitions that the request names and drops those that it forgets.
  void update(const wire::protocol::fetch_request& request);

  /// In the order to be read: what had data last time comes last, so that none starves.
  [[nodiscard]] std::list<fetch_target>& targets() { return targets_; }

  /// Whether an incremental response names the partition; remembers what it was told.
  bool must_answer(fetch_target& target, const fetch_outcome& outcome);
  /// Moves the partition to the end of the order.
  void rotate(std::list<fetch_target>::iterator target) { targets_.splice(targets_.end(), targets_, target); }

  void advance_epoch() { epoch_ = epoch_ == INT32_MAX ? 1 : epoch_ + 1; }

 private:
  friend class fetch_sessions;

  struct key {
    topic_id id;
    std::string topic;
    partition_id partition;
    friend bool operator==(const key&, const key&) = default;
  };
  struct key_hash {
    std::size_t operator()(const key& k) const noexcept {
      return (std::hash<uuid>{}(k.id) ^ std::hash<std::string>{}(k.topic)) * 31 +
             static_cast<std::size_t>(k.partition.value());
    }
  };

  std::int32_t id_;
  std::int32_t epoch_ = 1;
  bool by_topic_id_;
  std::list<fetch_target> targets_;
  std::unordered_map<key, std::list<fetch_target>::iterator, key_hash> index_;
  rt::time_point created_;
  rt::time_point last_used_;
};

/// The fetch sessions of one core's connections, bounded in number (`max.incremental.fetch.session.cache.slots`).
class fetch_sessions {
 public:
  /// Ids are `core` modulo `cores`, so that two cores never give out the same.
  fetch_sessions(std::size_t slots, rt::duration eviction_age, unsigned core, unsigned cores)
      : slots_(slots), eviction_age_(eviction_age), core_(core), cores_(cores) {}

  /// What a request is to be answered from: a session, or a list that lives as long as the request.
  struct context {
    /// Shared, since an eviction may come while a long poll waits.
    std::shared_ptr<fetch_session> session;
    /// Only partitions with news are answered.
    bool incremental = false;
    /// What the response names as its session; 0 if there is none.
    [[nodiscard]] std::int32_t response_session_id() const { return kept ? session->id() : 0; }
    bool kept = false;
  };

  /// Errors: `fetch_session_id_not_found`, `invalid_fetch_session_epoch`, `fetch_session_topic_id_error`; each goes
  /// into the response's top level, and the client starts a full fetch.
  [[nodiscard]] result<context> begin(const wire::protocol::fetch_request& request, std::int16_t version,
                                      rt::world& world);

  [[nodiscard]] std::size_t size() const { return sessions_.size(); }
  /// Of all sessions.
  [[nodiscard]] std::size_t partitions() const;
  [[nodiscard]] std::uint64_t evictions() const { return evictions_; }

 private:
  bool make_room(std::size_t partitions, rt::time_point now);

  std::size_t slots_;
  rt::duration eviction_age_;
  unsigned core_;
  unsigned cores_;
  std::unordered_map<std::int32_t, std::shared_ptr<fetch_session>> sessions_;
  std::uint64_t evictions_ = 0;
};

}  // namespace moldau::broker
