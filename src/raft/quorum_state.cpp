#include "raft/quorum_state.hpp"

#include <fmt/format.h>

#include <limits>
#include <nlohmann/json.hpp>

namespace moldau::raft {

namespace {

using nlohmann::json;

std::unexpected<error> bad(std::string_view what) {
  return fail(errc::malformed, fmt::format("the file quorum-state can't be read: {}", what));
}

/// A number of the file, or `fallback` where it is missing; nothing if it isn't a 32-bit number.
std::optional<std::int32_t> number(const json& from, const char* name, std::int32_t fallback) {
  const auto it = from.find(name);
  if (it == from.end()) return fallback;
  if (!it->is_number_integer()) return std::nullopt;
  const auto v = it->get<std::int64_t>();
  if (v < std::numeric_limits<std::int32_t>::min() || v > std::numeric_limits<std::int32_t>::max()) return std::nullopt;
  return static_cast<std::int32_t>(v);
}

}  // namespace

result<quorum_state> parse_quorum_state(std::string_view text) {
  const std::string_view line = text.substr(0, text.find('\n'));
  const json from = json::parse(line, nullptr, false);
  if (!from.is_object()) return bad("it isn't one line of JSON");
  const auto version = number(from, "data_version", -1);
  if (!version || *version < 0 || *version > 1) return bad("its data_version is neither 0 nor 1");
  const auto leader = number(from, "leaderId", -1);
  const auto epoch = number(from, "leaderEpoch", -1);
  const auto voted = number(from, "votedId", -1);
  if (!leader || !epoch || !voted) return bad("leaderId, leaderEpoch or votedId isn't a number");
  if (*epoch < 0) return bad("it has no leaderEpoch");
  quorum_state out;
  out.leader = broker_id(*leader);
  out.epoch = leader_epoch(*epoch);
  out.voted = broker_id(*voted);
  if (*version == 1) {
    const auto it = from.find("votedDirectoryId");
    if (it == from.end() || !it->is_string()) return bad("it has no votedDirectoryId");
    const auto id = uuid::parse(it->get_ref<const std::string&>());
    if (!id) return bad("votedDirectoryId isn't a directory id");
    out.voted_directory = *id;
    return out;
  }
  if (const auto it = from.find("currentVoters"); it != from.end() && it->is_array()) {
    for (const auto& v : *it) {
      const auto id = v.is_object() ? number(v, "voterId", -1) : std::nullopt;
      if (!id) return bad("currentVoters holds something else than voters");
      out.voters.emplace_back(*id);
    }
  }
  return out;
}

std::string print_quorum_state(const quorum_state& state, std::int16_t kraft_version) {
  if (kraft_version > 0) {
    return fmt::format(R"({{"leaderId":{},"leaderEpoch":{},"votedId":{},"votedDirectoryId":"{}","data_version":1}})",
                       state.leader.value(), state.epoch.value(), state.voted.value(),
                       state.voted_directory.to_string());
  }
  std::string voters;
  for (const broker_id id : state.voters) {
    voters += fmt::format(R"({}{{"voterId":{}}})", voters.empty() ? "" : ",", id.value());
  }
  return fmt::format(
      R"({{"clusterId":"","leaderId":{},"leaderEpoch":{},"votedId":{},"appliedOffset":0,"currentVoters":[{}],)"
      R"("data_version":0}})",
      state.leader.value(), state.epoch.value(), state.voted.value(), voters);
}

}  // namespace moldau::raft
