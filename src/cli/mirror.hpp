#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <regex>
#include <string>
#include <unordered_map>
#include <vector>

#include "cli/commands.hpp"
#include "moldau/client/admin.hpp"
#include "moldau/client/consumer.hpp"
#include "moldau/core/record.hpp"

/// The parts of `moldau mirror`.
///
/// How far the copying has come is kept at the destination, as offsets of a group without members: for a partition of
/// the copy the next offset of the source, and beside it where the copy ended then. What a killed run wrote behind that
/// is read again from the copy, and skipped when the source brings it: nothing is lost, and nothing copied twice.
namespace moldau::cli::mirroring {

/// One side: how to reach it, and who it is.
struct side {
  client::properties properties;
  client::admin admin;
  std::string cluster_id;
  std::size_t brokers = 0;

  [[nodiscard]] static result<side> connect(const context& in, const std::string& servers,
                                            const std::vector<std::string>& own_properties);
};

/// A topic and its copy, which has at least as many partitions.
struct copied_topic {
  std::string source;
  topic_id source_id;
  std::string target;
  std::size_t partitions = 0;
};

/// Which topics are copied.
class selection {
 public:
  /// Errors: `errc::invalid_argument` for a pattern that is none, or where nothing is selected.
  [[nodiscard]] static result<selection> make(const mirror_arguments& told);

  /// What there is to copy now. Topics that aren't at the destination yet are made there, with the source's partitions
  /// and properties; those with fewer partitions grow.
  [[nodiscard]] result<std::vector<copied_topic>> prepare(side& source, side& destination) const;

 private:
  [[nodiscard]] result<std::vector<std::string>> names(client::admin& source) const;
  [[nodiscard]] result<void> make_missing(side& source, side& destination, std::vector<copied_topic>& all,
                                          const std::map<std::string, std::size_t>& replicas) const;

  const mirror_arguments* told_ = nullptr;
  std::vector<std::regex> patterns_;
  std::vector<std::regex> excluded_;
};

/// How far a partition's copy has come: all below `source_next` lies in the copy below `target_end`.
struct resume_point {
  offset source_next;
  offset target_end;
  topic_id source_id;
};

/// Keeps resume points in the destination's group, by the copy's partition.
class resume_store {
 public:
  resume_store(client::admin& destination, std::string group, std::string source_cluster);

  /// Errors: `errc::invalid_argument` for points of another cluster or topic.
  [[nodiscard]] result<std::map<topic_partition, resume_point>> read(const std::vector<copied_topic>& of);
  /// Errors: `errc::fenced_instance_id` when another mirror has written meanwhile.
  [[nodiscard]] result<void> write(const std::map<topic_partition, resume_point>& points);

 private:
  [[nodiscard]] std::string metadata_of(const resume_point& point) const;

  client::admin& destination_;
  std::string group_;
  std::string source_cluster_;
  std::map<topic_partition, client::committed_offset> written_;
};

/// What the end of a copy holds, to know it again when the source brings it.
class copied_tail {
 public:
  void add(const record_view& record);
  /// Whether the record is there; each is found as often as it is.
  [[nodiscard]] bool take(const record_view& record);
  [[nodiscard]] bool empty() const { return left_ == 0; }
  void clear();

 private:
  std::unordered_map<std::uint64_t, std::uint32_t> counts_;
  std::uint64_t left_ = 0;
};

/// A partition on its way. Progress is told on the producer's thread, all else on the copying one's.
class lane {
 public:
  lane(topic_partition source, topic_partition target, resume_point begin)
      : source_(std::move(source)), target_(std::move(target)), position_(begin.source_next), reached_(begin) {}

  [[nodiscard]] const topic_partition& source() const { return source_; }
  [[nodiscard]] const topic_partition& target() const { return target_; }
  /// The next offset to read.
  [[nodiscard]] offset position() const { return position_; }
  void move_to(offset position);

  /// The records that the copy holds behind the resume point, up to `target_end`; of the source's below `until`.
  void set_tail(copied_tail tail, offset target_end, offset until);
  /// Whether the copy has it already.
  [[nodiscard]] bool is_copied(const record_view& record) { return !tail_.empty() && tail_.take(record); }

  void sent(std::size_t bytes);
  void skipped() { ++skipped_; }
  /// All of the source's below `next` was sent or skipped.
  void finished_batch(offset next);
  /// A record of this partition lies at `at` of the copy (-1: somewhere before what follows).
  void delivered(offset at);
  /// How far it has come.
  [[nodiscard]] resume_point reached();

  [[nodiscard]] std::uint64_t records() const { return sent_; }
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }
  [[nodiscard]] std::uint64_t already_there() const { return skipped_; }

  /// Where the source ends, as far as is known.
  offset source_end{0};
  /// With --once: where to stop, and whether it has.
  std::optional<offset> stop_at;
  bool is_done = false;

 private:
  struct mark {
    std::uint64_t sent = 0;
    offset next;
  };
  void settle();

  topic_partition source_;
  topic_partition target_;
  offset position_;
  copied_tail tail_;
  offset tail_end_{0};
  offset tail_until_{0};
  std::uint64_t sent_ = 0;
  std::uint64_t bytes_ = 0;
  std::uint64_t skipped_ = 0;

  std::mutex mutex_;
  std::uint64_t delivered_ = 0;
  offset last_target_end_{0};
  std::deque<mark> marks_;
  resume_point reached_;
};

/// Reads the ends of the copies from the given offsets on.
[[nodiscard]] result<std::map<topic_partition, copied_tail>> read_tails(const side& destination,
                                                                        std::map<topic_partition, offset> from,
                                                                        const std::map<topic_partition, offset>& ends);

/// A sentence on standard error for what isn't as one would wish, but no reason to stop.
void note(std::string_view sentence);

}  // namespace moldau::cli::mirroring
