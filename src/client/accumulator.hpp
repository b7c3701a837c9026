#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "client/producer_batch.hpp"
#include "moldau/core/result.hpp"
#include "wire/compression.hpp"

namespace moldau::client {

/// Who the producer is to the brokers. Without idempotence it stays none.
struct producer_identity {
  producer_id id = no_producer_id;
  producer_epoch epoch = no_producer_epoch;

  friend bool operator==(const producer_identity&, const producer_identity&) = default;
};

/// Gathers records into batches, numbers them and decides what may be sent when: the producer's state machine, without
/// I/O, clock or threads.
///
/// Rules that keep order and uniqueness: a partition's batches leave in the order of their sequence numbers; while one
/// has to be repeated nothing newer leaves, and repeats go one at a time; a partition changes to a new identity only
/// when nothing of it is on its way or to be repeated, and then counts from 0.
class accumulator {
 public:
  struct options {
    std::size_t batch_bytes = 16 * 1024;
    rt::duration linger{};
    rt::duration delivery_timeout{};
    bool idempotence = true;
    wire::compression compression;
    /// On their way from one partition at once.
    std::size_t in_flight_max = 5;
  };

  explicit accumulator(options chosen) : options_(chosen) {}

  /// Adds a record to the last batch of its partition, or to a new one. The bytes are copied.
  [[nodiscard]] result<void> append(const topic_partition& to, queued_record& record, rt::time_point now);

  /// Batches that may leave now, one a partition at most. `can_send(partition)` says whether its leader can take one.
  /// With idempotence nothing leaves before there is an identity. Batches whose time is up go to `finished` instead.
  [[nodiscard]] std::vector<batch_ptr> take_ready(rt::time_point now,
                                                  const std::function<bool(const topic_partition&)>& can_send,
                                                  std::vector<finished_batch>& finished);
  /// Only the second half of that: gives up batches whose time is up.
  void expire(rt::time_point now, std::vector<finished_batch>& finished);
  /// A batch came back. It is finished, or kept to be sent again after `retry_after`.
  void on_outcome(batch_ptr batch, batch_outcome outcome, rt::time_point retry_after,
                  std::vector<finished_batch>& finished);

  /// The identity to be used from now on.
  void set_identity(producer_identity identity);
  /// Whether a new identity is needed: none yet, or the sequence of a partition has been lost.
  [[nodiscard]] bool needs_identity() const { return options_.idempotence && needs_identity_; }

  /// From now until `flushing(false)` nothing lingers.
  void flushing(bool on) { flushing_ = on; }
  /// Whether nothing waits and nothing is on its way.
  [[nodiscard]] bool is_idle() const;
  /// When `take_ready` may have something more to give even if nothing happens; nothing if only news will tell.
  [[nodiscard]] std::optional<rt::time_point> next_deadline(rt::time_point now) const;
  /// Gives up everything that isn't on its way.
  void drop_waiting(const error& why, std::vector<finished_batch>& finished);
  /// Topics with batches that wait.
  [[nodiscard]] std::vector<topic_partition> waiting_partitions() const;
  /// Whether the last batch of a partition is closed or missing: where a record without a key may change partition.
  [[nodiscard]] bool is_between_batches(const topic_partition& of) const;

 private:
  struct partition_queue {
    /// Closed batches in order, never sent or without a sequence.
    std::deque<batch_ptr> waiting;
    /// The batch that still takes records.
    batch_ptr open;
    wire::batch_builder builder;
    /// To be sent again, by sequence.
    std::deque<batch_ptr> repeats;
    rt::time_point repeat_after;
    std::size_t in_flight = 0;
    /// Base sequences on their way.
    std::deque<std::int32_t> in_flight_sequences;
    producer_identity identity;
    std::int32_t next_sequence = 0;
    /// The sequence has been lost: counts anew with the next identity.
    bool lost = false;
  };

  result<void> close_batch(partition_queue& queue);
  void expire(partition_queue& queue, rt::time_point now, std::vector<finished_batch>& finished);
  void number(partition_queue& queue, producer_batch& batch);
  void lose_sequence(partition_queue& queue);
  [[nodiscard]] bool is_due(const partition_queue& queue, rt::time_point now) const;

  options options_;
  wire::codec_context codecs_;
  std::map<topic_partition, partition_queue> queues_;
  producer_identity identity_;
  bool needs_identity_ = true;
  bool flushing_ = false;
};

}  // namespace moldau::client
