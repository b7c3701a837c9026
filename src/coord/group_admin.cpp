#include <algorithm>
#include <cctype>
#include <utility>

#include "coord/group_coordinator.hpp"
#include "wire/coordinator/group_metadata_key.hpp"
#include "wire/coordinator/offset_commit_key.hpp"

namespace moldau::coord {
namespace {

namespace records = wire::coordinator;

/// KIP-1043: from here on a group that isn't there is an error; before, it is dead.
constexpr std::int16_t missing_group_is_error_since = 6;

std::string_view trimmed(std::string_view text) {
  const auto is_space = [](char c) { return static_cast<unsigned char>(c) <= ' '; };
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

/// Names that a request asks for, in any case and with space around them; all if there are none.
class name_filter {
 public:
  explicit name_filter(std::span<const std::string_view> names) {
    for (const std::string_view one : names) names_.insert(lower(trimmed(one)));
  }
  [[nodiscard]] bool takes(std::string_view name) const { return names_.empty() || names_.contains(lower(name)); }

 private:
  std::set<std::string, std::less<>> names_;
};

record group_tombstone(std::string_view group) {
  return {encode_key(records::group_metadata_key{.group = group}), std::nullopt};
}

}  // namespace

std::vector<listed_group> group_coordinator::list(std::span<const std::string_view> states,
                                                  std::span<const std::string_view> types) const {
  const name_filter of_state(states);
  const name_filter of_type(types);
  std::vector<listed_group> out;
  for (const auto& [id, entry] : groups_) {
    listed_group one{.id = id};
    if (entry.classic) {
      one.protocol_type = entry.classic->protocol_type().value_or("");
      one.state = name(entry.classic->state());
      one.type = name(group_type::classic);
    } else {
      // The type's name is that of its protocol too.
      one.type = one.protocol_type = name(entry.foreign->type());
      one.state = entry.foreign->state();
    }
    if (of_state.takes(one.state) && of_type.takes(one.type)) out.push_back(std::move(one));
  }
  return out;
}

described_group group_coordinator::describe(std::string_view id, std::int16_t api_version) const {
  described_group out;
  const classic_group* group = find_classic(id);
  if (group == nullptr) {
    out.state = name(classic_state::dead);
    if (api_version >= missing_group_is_error_since) {
      out.error = errc::group_id_not_found;
      out.error_message = find_foreign(id) != nullptr ? "Group " + std::string(id) + " is not a classic group."
                                                      : "Group " + std::string(id) + " not found.";
    }
    return out;
  }
  const bool stable = group->is(classic_state::stable);
  out.state = name(group->state());
  out.protocol_type = group->protocol_type().value_or("");
  if (stable) out.protocol = group->protocol_name().value_or("");
  for (const auto& [name, member] : group->members()) {
    out.members.push_back({.id = name,
                           .instance_id = member.instance_id,
                           .client_id = member.client_id,
                           .client_host = member.client_host,
                           .metadata = stable ? member.metadata_of(out.protocol) : shared_bytes(),
                           .assignment = member.assignment});
  }
  return out;
}

void group_coordinator::remove_groups(std::span<const std::string_view> groups, instant now,
                                      reply<std::vector<errc>> done) {
  const turn here(*this, now);
  std::vector<errc> out;
  std::vector<record> written;
  std::set<std::string_view> seen;
  for (const std::string_view id : groups) {
    const auto found = groups_.find(id);
    if (found == groups_.end() || !seen.insert(id).second) {
      out.push_back(errc::group_id_not_found);
      continue;
    }
    const classic_group* group = found->second.classic.get();
    const foreign_group* other = found->second.foreign.get();
    if (group != nullptr ? !group->is(classic_state::empty) : other->has_members()) {
      out.push_back(errc::non_empty_group);
      continue;
    }
    if (other != nullptr && other->type() == group_type::share) {
      // Its state in the share coordinator would stay behind.
      out.push_back(errc::unsupported_version);
      continue;
    }
    std::ranges::move(offset_tombstones(id), std::back_inserter(written));
    if (group != nullptr) {
      written.push_back(group_tombstone(id));
    } else {
      std::ranges::move(other->tombstones(), std::back_inserter(written));
    }
    out.push_back(errc::none);
  }
  if (written.empty()) return done(std::move(out));
  runtime_.write(std::move(written), {.atomic = false},
                 [done = std::move(done), out = std::move(out)](errc error) mutable {
                   if (error != errc::none) std::ranges::fill(out, append_error_to_response(error));
                   done(std::move(out));
                 });
}

void group_coordinator::drop_expired() {
  std::vector<record> written;
  for (const auto& [id, entry] : groups_) {
    const classic_group* classic = entry.classic.get();
    // What the members of other protocols' groups consume can't be told, and a share group has no offsets here.
    if (classic == nullptr && (entry.foreign->has_members() || entry.foreign->type() == group_type::share)) continue;
    // A group of members that isn't empty expires only what no member consumes, and only where that can be told.
    const bool empty = classic == nullptr || classic->is(classic_state::empty);
    if (!empty &&
        !(classic->uses_consumer_protocol() && classic->subscribed_topics() && classic->is(classic_state::stable))) {
      continue;
    }
    // Of other protocols' groups it isn't known since when they are empty, not by Kafka either.
    const auto empty_since = classic != nullptr && empty && classic->protocol_type() ? classic->state_since_ms()
                                                                                     : std::optional<std::int64_t>();
    const auto expired = [&](const committed_offset& what) {
      if (what.expire_timestamp_ms) return now_.wall_ms >= *what.expire_timestamp_ms;
      // A record's time may be any number.
      return empty_since.value_or(what.commit_timestamp_ms) <= now_.wall_ms - options_.offsets_retention_ms;
    };
    bool all_gone = !offsets_.has_open_transactions(id);
    if (const auto* topics = offsets_.find(id)) {
      for (const auto& [topic, partitions] : *topics) {
        // An empty group's subscription is known to be none.
        const bool subscribed = classic != nullptr && classic->protocol_type() && classic->is_subscribed_to(topic);
        for (const auto& [partition, what] : partitions) {
          if (!subscribed && expired(what) && !offsets_.is_pending(id, topic, partition)) {
            written.push_back(
                {encode_key(records::offset_commit_key{.group = id, .topic = topic, .partition = partition}),
                 std::nullopt});
          } else {
            all_gone = false;
          }
        }
      }
    }
    if (!all_gone || !empty) continue;
    if (classic == nullptr) {
      std::ranges::move(entry.foreign->tombstones(), std::back_inserter(written));
    } else if (!classic->has_pending()) {
      written.push_back(group_tombstone(id));
    }
  }
  if (written.empty()) return;
  log_.info("dropping {} offsets and groups whose time is over", written.size());
  runtime_.write(std::move(written), {.atomic = false}, [this](errc error) {
    if (error != errc::none) log_.warn("cannot drop what has expired: {}", moldau::name(error));
  });
}

}  // namespace moldau::coord
