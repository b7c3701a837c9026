#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "rt/task.hpp"
#include "tests/sim/client.hpp"
#include "tests/sim/key_ledger.hpp"
#include "tests/sim/session.hpp"

namespace moldau::scenarios {

/// Writes a few keys of its own over and over with acks=all, one record at a time; every now and then a tombstone.
class keyed_writer {
 public:
  keyed_writer(client_context& context, std::string name, topic_partition to, key_ledger& keys);

  rt::task<void> run();
  /// Writes that many records of one more key, that far from one another, so that segments roll and are compacted.
  /// They are dated after all that others write, whose clocks may be ahead: a segment rolls by its records' time.
  /// False if the broker can't be reached any more.
  rt::task<bool> stir(int records, rt::duration apart);

 private:
  rt::task<bool> write(const std::string& key, bool tombstone, std::int64_t at_ms);
  /// A request had no answer and may still come to pass, long after others: another key takes its place.
  void give_up(std::uint64_t slot) { ++generations_[slot]; }

  client_context& context_;
  std::string name_;
  topic_partition to_;
  key_ledger& keys_;
  session session_;
  std::int64_t written_ = 0;
  std::array<int, 8> generations_{};
};

/// `delete.retention.ms` of the topic must be longer than this by what compaction may take with a slow disk: in this
/// time a reader that began before a key's value went still finds its tombstone.
inline constexpr rt::duration keyed_pass_time_max = std::chrono::seconds(1);

/// Reads a compacted partition from its start to its high watermark, over and over.
class keyed_reader {
 public:
  keyed_reader(client_context& context, std::string name, topic_partition from, key_ledger& keys);

  rt::task<void> run();
  /// Reads all of it once. False if the broker can't be reached any more.
  rt::task<bool> read_all(bool all_is_compacted);

 private:
  /// One pass; false where it came to no end.
  rt::task<bool> pass(bool all_is_compacted);

  client_context& context_;
  std::string name_;
  topic_partition from_;
  key_ledger& keys_;
  session session_;
};

}  // namespace moldau::scenarios
