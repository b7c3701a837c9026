#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>

#include "moldau/core/ids.hpp"
#include "moldau/core/topic_partition.hpp"
#include "tests/sim/verdict.hpp"

namespace moldau::scenarios {

/// Whom a record comes from: a value is "<producer>/<number>/<padding>", and no value is sent as two records.
struct origin {
  std::string_view producer;
  std::int64_t number = 0;

  /// Nothing if `value` isn't written so.
  [[nodiscard]] static std::optional<origin> of(std::string_view value);
  [[nodiscard]] static std::string write(std::string_view producer, std::int64_t number, std::string_view padding);
};

/// What an acknowledgement promises.
enum class promise : unsigned char {
  durable,  ///< acks=all: nothing takes it away.
  written,  ///< acks=1: a power cut may take it away, as long as no consumer has seen it.
};

/// Checks records: what was acknowledged is there, in order, exactly once, and what a consumer saw once stays.
///
/// It knows only what clients were told; it is fed as that comes in, and asked for the rest at the end, when a consumer
/// has read everything. One for a run; outlives the cluster's processes.
class record_ledger {
 public:
  /// `synced`: what is acknowledged is on the disk first. Without it (`log.flush.ack=false`) a power cut may take the
  /// end of a log, whatever it promised; nothing else may.
  explicit record_ledger(verdict& out, bool synced = true) : out_(out), synced_(synced) {}

  /// The partition's records may go from its start on (retention).
  void may_expire(const topic_partition& of) { partitions_[of].expires = true; }
  /// DeleteRecords was asked for everything below `below`: so much of the partition may go, and no more.
  void may_go(const topic_partition& of, offset below);
  /// This producer's records are to be in order and without gaps: it repeats what wasn't acknowledged.
  void in_order(const std::string& producer) { ordered_.insert(producer); }

  /// `life` is when the request was sent: one that was under way when the power went promises what a cut may break.
  void acknowledged(const topic_partition& of, std::string_view value, offset at, promise how, std::uint64_t life);
  /// A consumer was given this record.
  void saw(const topic_partition& of, offset at, std::string_view value);
  /// Which process of the broker lives; asked before a request is sent.
  [[nodiscard]] std::uint64_t life() const { return life_; }
  /// What was answered in that life may have gone since, consumers' records included: who read it begins anew.
  [[nodiscard]] bool may_be_gone(std::uint64_t life) const { return !synced_ && life < powered_since_; }
  /// `observer`, who has one question under way at a time and asked it in that life, was told these bounds. None of
  /// them goes back, but for a log start that no disk knew of when the process ended: Kafka writes it to a checkpoint
  /// now and then only.
  void saw_bounds(const std::string& observer, std::uint64_t life, const topic_partition& of, offset log_start,
                  offset high_watermark);
  /// `observer` was told that DeleteRecords, which it had asked for everything below `asked`, has come to `log_start`.
  void went(const std::string& observer, std::uint64_t life, const topic_partition& of, offset asked, offset log_start);
  /// As `saw_bounds`, of the log start alone.
  void saw_start(const std::string& observer, std::uint64_t life, const topic_partition& of, offset log_start);
  /// The machine went: what is merely written may be gone.
  void power_was_cut();
  void process_ended() { ++life_; }
  /// A clean stop: all that was there is on the disk.
  void stopped();
  /// Everything from `log_start` to `high_watermark` has been read and fed to `saw`: checks what is left.
  void all_was_read(const topic_partition& of, offset log_start, offset high_watermark);

  [[nodiscard]] std::size_t acknowledged_count() const { return acknowledged_; }

 private:
  struct ack {
    std::string value;
    promise how = promise::durable;
  };
  struct bounds {
    std::uint64_t life = 0;
    offset log_start{0};
    offset high_watermark{0};
  };
  struct partition {
    bool expires = false;
    std::map<offset, std::string> seen;
    std::unordered_map<std::string, offset> where;
    std::multimap<offset, ack> acks;
    std::map<std::string, bounds> told;
    /// How far the records have certainly gone that were allowed to go.
    offset expired{0};
    /// How far DeleteRecords was asked to go.
    offset may_go_below{0};
    /// What is below was on the disk when the process stopped.
    offset kept{0};
  };

  void forget_unsynced(partition& in) const;
  void check_order(const topic_partition& of, const partition& in);

  verdict& out_;
  bool synced_;
  std::map<topic_partition, partition> partitions_;
  std::set<std::string, std::less<>> ordered_;
  std::uint64_t life_ = 1;
  /// The first one after the last power cut.
  std::uint64_t powered_since_ = 1;
  std::size_t acknowledged_ = 0;
};

}  // namespace moldau::scenarios
