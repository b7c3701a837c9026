#pragma once

#include <map>
#include <optional>
#include <string>

#include "moldau/core/ids.hpp"
#include "tests/sim/verdict.hpp"

namespace moldau::scenarios {

/// Checks topics: one whose creation was answered is there until it is deleted, with its id; one whose deletion was
/// answered is gone. While an answer is missing, either may be.
class topic_ledger {
 public:
  explicit topic_ledger(verdict& out) : out_(out) {}

  /// A request that changes the topic is on its way: until it is answered nothing is known.
  void changing(const std::string& name) { topics_[name] = {}; }
  void created(const std::string& name, const topic_id& id) { topics_[name] = {.is_known = true, .id = id}; }
  void deleted(const std::string& name) { topics_[name] = {.is_known = true, .id = std::nullopt}; }
  /// The cluster says that the topic is there (with that id), or that it isn't.
  void told(const std::string& name, const std::optional<topic_id>& there);
  /// Whether it is certain that the topic is there; nothing if that isn't known.
  [[nodiscard]] std::optional<bool> is_there(const std::string& name) const;

 private:
  struct state {
    bool is_known = false;
    std::optional<topic_id> id;
  };

  verdict& out_;
  std::map<std::string, state> topics_;
};

}  // namespace moldau::scenarios
