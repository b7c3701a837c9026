#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "testing/fake_broker/call.hpp"

namespace moldau::testing::fake {

/// Why this broker can't speak for that group, if it can't.
[[nodiscard]] inline errc coordinates(const call& what, std::string_view group_id) {
  if (group_id.empty()) return errc::invalid_group_id;
  const broker_id id = what.in.coordinator_of(group_id);
  if (id == no_broker) return errc::coordinator_not_available;
  return id == what.on.id ? errc::none : errc::not_coordinator;
}

/// The group, if it is there.
[[nodiscard]] inline group* find_group(const call& what, std::string_view group_id) {
  const auto found = what.in.groups.find(group_id);
  return found == what.in.groups.end() ? nullptr : &found->second;
}

[[nodiscard]] inline std::optional<std::string> own(const std::optional<std::string_view>& text) {
  if (!text) return std::nullopt;
  return std::string(*text);
}

}  // namespace moldau::testing::fake
