#pragma once

#include <map>
#include <optional>
#include <string>

#include "moldau/core/ids.hpp"
#include "tests/sim/verdict.hpp"

namespace moldau::scenarios {

/// Checks topics: one whose creation was answered is there until it is deleted, with its id; one whose deletion was
/// answered is gone, and a new one of its name begins empty. While an answer is missing, either may be.
class topic_ledger {
 public:
  explicit topic_ledger(verdict& out) : out_(out) {}

  /// A request that changes the topic is on its way: until it is answered nothing is known.
  void changing(const std::string& name) { topics_[name] = {}; }
  void created(const std::string& name, const topic_id& id) {
    topics_[name] = {.is_known = true, .id = id, .end = offset(0)};
  }
  void deleted(const std::string& name) { topics_[name] = {.is_known = true, .id = std::nullopt}; }
  /// The cluster says that the topic is there (with that id), or that it isn't.
  void told(const std::string& name, const std::optional<topic_id>& there);
  /// A record was written to the topic's first partition, at that offset. All others of its topic were, too.
  void written(const std::string& name, offset at);
  /// A write was refused, but what it held may be there.
  void write_failed(const std::string& name) { topics_[name].end.reset(); }
  /// The records of all topics may have gone.
  void records_lost() {
    for (auto& [name, topic] : topics_) topic.end.reset();
  }
  /// Whether it is certain that the topic is there; nothing if that isn't known.
  [[nodiscard]] std::optional<bool> is_there(const std::string& name) const;

 private:
  struct state {
    bool is_known = false;
    std::optional<topic_id> id;
    /// Where the first partition ends; nothing if that isn't known.
    std::optional<offset> end;
  };

  verdict& out_;
  std::map<std::string, state> topics_;
};

}  // namespace moldau::scenarios
