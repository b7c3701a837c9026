#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "moldau/core/ids.hpp"
#include "tests/sim/verdict.hpp"

namespace moldau::scenarios {

/// Checks a compacted partition: of each key the last value stays, in order, and deletion takes the key away.
///
/// Each key has one writer, which waits for the answer to one record before it sends the next, and writes no more of
/// the key when an answer is missing. Values are `origin`s, whose numbers rise with every record of the writer.
class key_ledger {
 public:
  explicit key_ledger(verdict& out) : out_(out) {}

  /// A record is on its way; no value is a tombstone.
  void sending(const std::string& key, std::optional<std::string> value);
  void acknowledged(const std::string& key, offset at);
  [[nodiscard]] std::size_t acknowledged_count() const { return acknowledged_; }

  /// One reading from the start to the high watermark.
  class pass {
   public:
    /// What was acknowledged before is to be found.
    explicit pass(key_ledger& of) : of_(&of), expected_(of.last_) {}
    void saw(offset at, std::string_view key, std::optional<std::string_view> value);
    /// It has come to the high watermark. `all_is_compacted`: so long after the last record of all keys but `stirrer`
    /// that each of them has one record left, and those that were deleted have none. Not `in_time`: it took so long
    /// that tombstones may have gone behind the values that it saw (`delete.retention.ms`).
    void ended(bool all_is_compacted, std::string_view stirrer = {}, bool in_time = true);

   private:
    friend class key_ledger;
    struct record {
      offset at{0};
      std::optional<std::string> value;
    };
    struct found {
      record last;
      std::size_t count = 0;
    };

    key_ledger* of_;
    std::map<std::string, record, std::less<>> expected_;
    std::map<std::string, found, std::less<>> found_;
    offset next_{0};
  };

 private:
  using record = pass::record;

  /// A tombstone of it was written, or sent and not answered.
  [[nodiscard]] bool may_be_deleted(const std::string& key) const;

  verdict& out_;
  /// What was acknowledged last.
  std::map<std::string, record, std::less<>> last_;
  /// What is under way, or had no answer.
  std::map<std::string, std::optional<std::string>, std::less<>> sent_;
  /// Every value that was sent, and where it was read.
  std::map<std::string, std::optional<offset>, std::less<>> values_;
  /// What was read, ever: an offset's record stays what it is.
  std::map<offset, std::string> seen_;
  std::size_t acknowledged_ = 0;
};

}  // namespace moldau::scenarios
