#include <algorithm>
#include <limits>
#include <utility>

#include "coord/group_coordinator.hpp"
#include "coord/utf16.hpp"
#include "wire/coordinator/offset_commit_key.hpp"
#include "wire/coordinator/offset_commit_value.hpp"

namespace moldau::coord {
namespace {

namespace records = wire::coordinator;

/// The newest version, which tells the topic's id; the one with a retention of its own is older.
constexpr std::int16_t offset_value_version = 4;
constexpr std::int16_t expiring_offset_value_version = 1;
/// From here on OffsetCommit says that a group isn't there; before, clients understand only a wrong generation.
constexpr std::int16_t group_id_not_found_since = 9;

shared_bytes key_of(std::string_view group, std::string_view topic, partition_id partition) {
  return encode_key(records::offset_commit_key{.group = group, .topic = topic, .partition = partition});
}

/// Whether two ids of one name may be the same topic: older records and requests tell none.
bool same_topic(const topic_id& a, const topic_id& b) {
  return a.is_zero() || b.is_zero() || a == b;
}

fetched_offset fetched(partition_id partition, const committed_offset* held, bool unstable) {
  fetched_offset out{.partition = partition};
  if (unstable) {
    out.error = errc::unstable_offset_commit;
  } else if (held != nullptr) {
    out.offset = held->offset;
    out.epoch = held->epoch;
    out.metadata = held->metadata;
  }
  return out;
}

}  // namespace

errc group_coordinator::check_commit(const commit_request& request, const caller& from) const {
  const auto found = groups_.find(request.group);
  if (found == groups_.end()) {
    // Without a generation it comes from an admin, or from a consumer that assigns by itself: a simple group.
    if (request.generation < 0) return errc::none;
    return from.api_version >= group_id_not_found_since ? errc::group_id_not_found : errc::illegal_generation;
  }
  if (const foreign_group* other = found->second.foreign.get()) {
    if (request.generation < 0 && !other->has_members()) return errc::none;
    const std::int32_t* epoch = other->member_epoch(request.member_id);
    if (epoch == nullptr) return errc::unknown_member_id;
    if (from.api_version < group_id_not_found_since) return errc::unsupported_version;
    return *epoch == request.generation ? errc::none : errc::stale_member_epoch;
  }
  const classic_group& group = *found->second.classic;
  if (request.generation < 0 && group.is(classic_state::empty)) return errc::none;
  if (request.generation >= 0 || !request.member_id.empty() || request.instance_id) {
    if (const errc wrong = group.check_member(request.member_id, request.instance_id); wrong != errc::none) {
      return wrong;
    }
    if (request.generation != group.generation()) return errc::illegal_generation;
  } else if (!group.is(classic_state::empty)) {
    return errc::unknown_member_id;
  }
  // The member knows the generation but has no assignment of it yet.
  return group.is(classic_state::completing_rebalance) ? errc::rebalance_in_progress : errc::none;
}

void group_coordinator::commit_offsets(const commit_request& request, const caller& from, instant now,
                                       reply<commit_result> done) {
  // Nothing is appended here, before or after: commits gather until the owner flushes or something else comes.
  set_time(now);
  if (const errc wrong = check_commit(request, from); wrong != errc::none) {
    return done({.error = wrong, .offsets = {}});
  }
  // A commit says that its member is alive.
  if (classic_group* group = classic(request.group);
      group != nullptr && (group->is(classic_state::stable) || group->is(classic_state::preparing_rebalance))) {
    if (const classic_member* member = group->find(request.member_id)) reset_session(*group, *member);
  }
  commit_result out;
  out.offsets.reserve(request.offsets.size());
  std::vector<record> written;
  for (const offset_to_commit& one : request.offsets) {
    if (one.metadata && utf16_length(*one.metadata) > static_cast<std::size_t>(options_.offset_metadata_max)) {
      out.offsets.push_back(errc::offset_metadata_too_large);
      continue;
    }
    out.offsets.push_back(errc::none);
    records::offset_commit_value value;
    value.offset = one.offset;
    value.leader_epoch = one.epoch;
    value.metadata = one.metadata.value_or("");
    value.commit_timestamp = now.wall_ms;
    value.topic_id = one.id;
    if (request.retention_ms != -1) {
      // Whatever a client asks for: no time lies after the last one.
      value.expire_timestamp = request.retention_ms > std::numeric_limits<std::int64_t>::max() - now.wall_ms
                                   ? std::numeric_limits<std::int64_t>::max()
                                   : now.wall_ms + request.retention_ms;
    }
    written.push_back(
        {key_of(request.group, one.topic, one.partition),
         encode_value(value, request.retention_ms == -1 ? offset_value_version : expiring_offset_value_version)});
  }
  if (written.empty()) return done(std::move(out));
  runtime_.write(std::move(written), [done = std::move(done), out = std::move(out)](errc error) mutable {
    if (error != errc::none) out = {.error = append_error_to_response(error), .offsets = {}};
    done(std::move(out));
  });
}

errc group_coordinator::check_fetch(const fetch_request& request, bool& unknown) const {
  const auto found = groups_.find(request.group);
  unknown = found == groups_.end();
  if (unknown || !found->second.foreign) return errc::none;
  if (!request.member_id && request.member_epoch < 0) return errc::none;
  const std::int32_t* epoch = found->second.foreign->member_epoch(request.member_id.value_or(""));
  if (epoch == nullptr) return errc::unknown_member_id;
  return *epoch == request.member_epoch ? errc::none : errc::stale_member_epoch;
}

void group_coordinator::fetch_offsets(const fetch_request& request, instant now, reply<fetch_result> done) {
  const turn here(*this, now);
  bool unknown = false;
  if (const errc wrong = check_fetch(request, unknown); wrong != errc::none) {
    return done({.error = wrong, .topics = {}});
  }
  fetch_result out;
  const auto* held = unknown ? nullptr : offsets_.find(request.group);
  const auto unstable = [&](std::string_view topic, partition_id partition) {
    return request.require_stable && offsets_.is_pending(request.group, topic, partition);
  };
  if (!request.topics) {
    if (held != nullptr) {
      for (const auto& [topic, partitions] : *held) {
        auto& to = out.topics.emplace_back(fetch_result::topic{topic, {}});
        for (const auto& [partition, what] : partitions) {
          to.partitions.push_back(fetched(partition, &what, unstable(topic, partition)));
        }
      }
    }
  } else {
    for (const auto& topic : *request.topics) {
      auto& to = out.topics.emplace_back(fetch_result::topic{std::string(topic.name), {}});
      for (const partition_id partition : topic.partitions) {
        const committed_offset* what = unknown ? nullptr : offsets_.find(request.group, topic.name, partition);
        if (what != nullptr && !same_topic(what->id, topic.id)) what = nullptr;
        to.partitions.push_back(fetched(partition, what, unstable(topic.name, partition)));
      }
    }
  }
  // What has been read may not be on the disk yet.
  runtime_.after_writes([done = std::move(done), out = std::move(out)](errc error) mutable {
    // Older consumers understand only this.
    if (error != errc::none) out = {.error = errc::not_coordinator, .topics = {}};
    done(std::move(out));
  });
}

void group_coordinator::delete_offsets(const delete_offsets_request& request, instant now, reply<commit_result> done) {
  const turn here(*this, now);
  const auto refuse = [&](errc why) { done({.error = why, .offsets = {}}); };
  if (request.group.empty()) return refuse(errc::invalid_group_id);
  const auto found = groups_.find(request.group);
  if (found == groups_.end()) return refuse(errc::group_id_not_found);
  const classic_group* group = found->second.classic.get();
  if (group != nullptr && !group->is(classic_state::empty) && !group->uses_consumer_protocol()) {
    return refuse(errc::non_empty_group);
  }
  // What the members of another protocol consume can't be told here: while there are any, they consume it all.
  const auto subscribed = [&](std::string_view topic) {
    return group != nullptr ? group->is_subscribed_to(topic) : found->second.foreign->has_members();
  };
  commit_result out;
  std::vector<record> written;
  for (const auto& [topic, partition] : request.partitions) {
    if (subscribed(topic)) {
      out.offsets.push_back(errc::group_subscribed_to_topic);
      continue;
    }
    out.offsets.push_back(errc::none);
    if (offsets_.find(request.group, topic, partition) != nullptr ||
        offsets_.is_pending(request.group, topic, partition)) {
      written.push_back({key_of(request.group, topic, partition), std::nullopt});
    }
  }
  if (written.empty()) return done(std::move(out));
  runtime_.write(std::move(written), [done = std::move(done), out = std::move(out)](errc error) mutable {
    if (error != errc::none) out = {.error = append_error_to_response(error), .offsets = {}};
    done(std::move(out));
  });
}

void group_coordinator::topics_deleted(const std::map<topic_id, std::string>& topics, instant now) {
  const turn here(*this, now);
  std::vector<record> written;
  for (const auto& [group, held] : offsets_.all()) {
    for (const auto& [id, name] : topics) {
      const auto found = held.find(name);
      if (found == held.end()) continue;
      for (const auto& [partition, what] : found->second) {
        if (same_topic(what.id, id)) written.push_back({key_of(group, name, partition), std::nullopt});
      }
    }
  }
  if (written.empty()) return;
  runtime_.write(std::move(written), {.atomic = false}, [this](errc error) {
    if (error != errc::none) log_.warn("cannot drop offsets of deleted topics: {}", moldau::name(error));
  });
}

std::vector<record> group_coordinator::offset_tombstones(std::string_view group) const {
  std::vector<record> out;
  offsets_.for_each(group, [&](std::string_view topic, partition_id partition) {
    out.push_back({key_of(group, topic, partition), std::nullopt});
  });
  return out;
}

}  // namespace moldau::coord
