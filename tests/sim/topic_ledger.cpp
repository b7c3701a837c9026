#include "tests/sim/topic_ledger.hpp"

#include <fmt/format.h>

namespace moldau::scenarios {

void topic_ledger::told(const std::string& name, const std::optional<topic_id>& there) {
  const auto found = topics_.find(name);
  if (found == topics_.end() || !found->second.is_known) {
    topics_[name] = {.is_known = true, .id = there};
    return;
  }
  const state& known = found->second;
  if (known.id == there) return;
  if (known.id && there) {
    out_.fail(
        fmt::format("topic {} has changed its id from {} to {}", name, known.id->to_string(), there->to_string()));
  } else if (known.id) {
    out_.fail(fmt::format("topic {} with id {} has gone", name, known.id->to_string()));
  } else {
    out_.fail(fmt::format("topic {} is there with id {} after its deletion", name, there->to_string()));
  }
}

void topic_ledger::written(const std::string& name, offset at) {
  state& in = topics_[name];
  if (in.end && at != *in.end) {
    out_.fail(fmt::format("{} ends at {}, though {} records were written since its creation", name, at.value(),
                          in.end->value()));
  }
  in.end = at + 1;
}

std::optional<bool> topic_ledger::is_there(const std::string& name) const {
  const auto found = topics_.find(name);
  if (found == topics_.end() || !found->second.is_known) return std::nullopt;
  return found->second.id.has_value();
}

}  // namespace moldau::scenarios
