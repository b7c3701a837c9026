#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>

#include "client/partition_key.hpp"
#include "moldau/client/consumer.hpp"
#include "moldau/core/ids.hpp"
#include "moldau/core/topic_partition.hpp"
#include "rt/world.hpp"

namespace moldau::client {

/// ListOffsets' two special times.
inline constexpr std::int64_t latest_time = -1;
inline constexpr std::int64_t earliest_time = -2;

/// A place in a partition and the epoch of the record before it.
struct log_position {
  moldau::offset offset = no_offset;
  moldau::leader_epoch epoch = no_leader_epoch;

  friend bool operator==(const log_position&, const log_position&) = default;
};

/// A partition that a consumer reads: where it is, and what has to be found out before it can be fetched. No I/O.
///
///     unresolved --(commit found)--> validating or ready;  --(none)--> resetting --> ready
///     ready --(a new leader)--> validating --> ready, or resetting where the log was cut
class consumed_partition {
 public:
  enum class phase : std::uint8_t {
    unresolved,  ///< The group's commit has to be asked for.
    resetting,   ///< An offset has to be asked for by time.
    validating,  ///< The leader has to be asked whether its log still holds what lies before (KIP-320).
    ready,
  };

  explicit consumed_partition(topic_partition of) : name_(std::make_shared<const topic_partition>(std::move(of))) {}

  [[nodiscard]] const topic_partition& of() const { return *name_; }
  [[nodiscard]] const std::shared_ptr<const topic_partition>& name() const { return name_; }
  [[nodiscard]] phase current() const { return phase_; }
  [[nodiscard]] bool has_position() const { return phase_ == phase::validating || phase_ == phase::ready; }
  [[nodiscard]] std::int64_t reset_time() const { return reset_time_; }

  /// Of the next record that `poll` gives.
  [[nodiscard]] const log_position& position() const { return position_; }
  /// Of the next record to be asked for.
  [[nodiscard]] const log_position& fetch_position() const { return fetch_; }
  /// Counts starts from elsewhere: what was asked for in an older round is dropped when it comes.
  [[nodiscard]] std::uint64_t round() const { return round_; }

  void start(std::uint64_t round) {
    const counts kept = received;
    *this = consumed_partition(name_, paused);
    received = kept;
    round_ = round;
  }
  /// Goes on at `at`, once the leader has confirmed it if its epoch is known.
  void seek(log_position at, std::uint64_t round) {
    start(round);
    position_ = fetch_ = at;
    phase_ = at.epoch >= leader_epoch(0) ? phase::validating : phase::ready;
  }
  /// Goes on at whatever offset that time has.
  void reset(std::int64_t time_ms, std::uint64_t round) {
    start(round);
    phase_ = phase::resetting;
    reset_time_ = time_ms;
  }
  void resolved(log_position at) {
    position_ = fetch_ = at;
    phase_ = at.epoch >= leader_epoch(0) ? phase::validating : phase::ready;
  }
  /// An offset that was just told needs no validating.
  void reset_done(log_position at) {
    position_ = fetch_ = at;
    phase_ = phase::ready;
  }
  void fetched(log_position behind) { fetch_ = behind; }
  void polled(log_position behind) { position_ = behind; }

  /// The partition's leader by the metadata. One of a newer epoch than the last may have cut its log.
  void saw_leader(leader_epoch epoch) {
    if (phase_ != phase::ready || epoch <= leader_) return;
    const bool is_news = leader_ != no_leader_epoch;
    leader_ = epoch;
    if (is_news && fetch_.epoch >= leader_epoch(0)) phase_ = phase::validating;
  }
  [[nodiscard]] leader_epoch leader() const { return leader_; }

  enum class verdict : std::uint8_t { fine, again, truncated };
  /// The leader's log holds records of the asked epoch up to `end`, and asked it was for `fetch_position`. `again`:
  /// what was fetched ahead is void, the position itself has to be validated. `truncated`: records that were polled
  /// are gone from the log.
  [[nodiscard]] verdict validated(log_position end, leader_epoch by, std::uint64_t round) {
    leader_ = std::max(leader_, by);
    if (end.offset >= fetch_.offset && end.epoch >= leader_epoch(0)) {
      phase_ = phase::ready;
      return verdict::fine;
    }
    if (fetch_ == position_) return verdict::truncated;
    const log_position back = position_;
    const leader_epoch known = leader_;
    seek(back, round);
    leader_ = known;
    return verdict::again;
  }
  void skip_validation(leader_epoch by) {
    leader_ = std::max(leader_, by);
    if (phase_ == phase::validating) phase_ = phase::ready;
  }

  /// Over all rounds.
  struct counts {
    std::uint64_t records = 0;
    std::uint64_t bytes = 0;
  } received;

  bool paused = false;
  /// The group takes it away: `poll` gives no more of it.
  bool leaving = false;
  /// A call for its phase is under way.
  bool busy = false;
  /// The fetch that asks for it; 0 if none does.
  std::uint64_t asked_by = 0;
  rt::time_point not_before{};

  /// A replica that the leader said is nearer, and until when that is believed (KIP-392).
  broker_id preferred = no_broker;
  rt::time_point preferred_until{};

  moldau::offset high_watermark = no_offset;
  moldau::offset last_stable_offset = no_offset;
  moldau::offset log_start = no_offset;
  /// The end was reported at this offset.
  std::optional<moldau::offset> reported_end;
  /// What this consumer committed last.
  moldau::offset committed = no_offset;

 private:
  consumed_partition(std::shared_ptr<const topic_partition> name, bool is_paused)
      : paused(is_paused), name_(std::move(name)) {}

  std::shared_ptr<const topic_partition> name_;
  phase phase_ = phase::unresolved;
  std::int64_t reset_time_ = latest_time;
  log_position position_;
  log_position fetch_;
  leader_epoch leader_ = no_leader_epoch;
  std::uint64_t round_ = 0;
};

using consumed_partitions = std::map<topic_partition, consumed_partition, partition_less>;

}  // namespace moldau::client
