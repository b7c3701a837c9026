#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "moldau/core/ids.hpp"
#include "moldau/core/result.hpp"

namespace moldau::wire::protocol {
struct voters_record;
}

namespace moldau::raft {

/// A listener as the quorum's records hold it: where a voter takes raft requests.
struct endpoint {
  std::string name;
  std::string host;
  std::uint16_t port = 0;

  friend bool operator==(const endpoint&, const endpoint&) = default;
};

/// A replica of the metadata log: its node and the directory the log lies in (KIP-853).
struct replica_key {
  broker_id id = no_broker;
  /// Zero where the quorum doesn't know directories (kraft.version 0).
  directory_id directory;

  friend auto operator<=>(const replica_key&, const replica_key&) = default;
};

struct voter {
  replica_key key;
  std::vector<endpoint> endpoints;
  std::int16_t min_kraft_version = 0;
  std::int16_t max_kraft_version = 0;

  friend bool operator==(const voter&, const voter&) = default;
};

/// Who votes, one voter a node id. A value; not thread safe.
class voter_set {
 public:
  voter_set() = default;
  explicit voter_set(std::vector<voter> voters);

  /// The set that a VotersRecord holds, copied out of it.
  [[nodiscard]] static voter_set from_record(const wire::protocol::voters_record& record);
  /// `controller.quorum.voters`: "1@host:9093,2@host:9093", all on listener `name`, with kraft.version 0.
  /// Errors: `invalid_argument` with a sentence that names the entry.
  [[nodiscard]] static result<voter_set> parse(std::string_view text, std::string_view listener_name);
  /// Strings of the record point into this set.
  [[nodiscard]] wire::protocol::voters_record to_record() const;

  [[nodiscard]] bool empty() const { return voters_.empty(); }
  [[nodiscard]] std::size_t size() const { return voters_.size(); }
  [[nodiscard]] const voter* find(broker_id id) const;
  /// Whether `key` votes; a set that doesn't know directories goes by the id alone.
  [[nodiscard]] bool contains(const replica_key& key) const;
  [[nodiscard]] bool is_only_voter(const replica_key& key) const { return size() == 1 && contains(key); }
  /// This set with the voter of `changed`'s id replaced.
  [[nodiscard]] voter_set with(voter changed) const;

  [[nodiscard]] auto begin() const { return voters_.begin(); }
  [[nodiscard]] auto end() const { return voters_.end(); }

  friend bool operator==(const voter_set&, const voter_set&) = default;

 private:
  void set(voter v);

  /// In rising order of their ids.
  std::vector<voter> voters_;
};

}  // namespace moldau::raft
