#include "coord/group_coordinator.hpp"

#include <algorithm>
#include <utility>

#include "wire/coordinator/group_metadata_key.hpp"
#include "wire/coordinator/legacy_offset_commit_key.hpp"
#include "wire/coordinator/offset_commit_key.hpp"
#include "wire/coordinator/offset_commit_value.hpp"
#include "wire/reader.hpp"

namespace moldau::coord {
namespace {

namespace records = wire::coordinator;

/// The newest version without tagged fields, which Kafka writes.
constexpr std::int16_t group_value_version = 3;

}  // namespace

errc append_error_to_response(errc why) {
  switch (why) {
    case errc::unknown_topic_or_partition:
    case errc::not_enough_replicas:
    case errc::request_timed_out:
      return errc::coordinator_not_available;
    case errc::not_leader_or_follower:
    case errc::kafka_storage_error:
      return errc::not_coordinator;
    case errc::message_too_large:
    case errc::record_list_too_large:
    case errc::invalid_fetch_size:
      return errc::unknown_server_error;
    default:
      return why;
  }
}

group_coordinator::group_coordinator(group_options options, runtime::appender append, base::logger log)
    : options_(std::move(options)),
      log_(log),
      runtime_(*this, std::move(append),
               {.batch_bytes_max = options_.batch_bytes_max, .commit_timeout_ms = options_.commit_timeout_ms}) {}

void group_coordinator::loaded(instant now) {
  const turn here(*this, now);
  for (auto& [id, entry] : groups_) {
    if (!entry.classic) continue;
    classic_group& group = *entry.classic;
    for (const auto& [name, member] : group.members()) reset_session(group, member);
    if (group.members().size() > static_cast<std::size_t>(options_.max_size)) {
      prepare_rebalance(group, "it is over group.max.size since this was changed");
    }
  }
  start_timer(timer_kind::retention, {}, {}, options_.retention_check_interval_ms);
}

void group_coordinator::resign() {
  timers_.clear();
  for (auto& [id, entry] : groups_) {
    if (!entry.classic) continue;
    classic_group& group = *entry.classic;
    group.move_to(classic_state::dead, now_.wall_ms);
    for (auto& [name, member] : group.members()) {
      group.answer_join(member, {.error = errc::not_coordinator, .member_id = member.id});
      group.answer_sync(member, {.error = errc::not_coordinator});
    }
  }
  runtime_.flush();
}

void group_coordinator::unload() {
  resign();
  runtime_.fail(errc::not_coordinator);
}

void group_coordinator::committed(offset end, instant now) {
  const turn here(*this, now);
  runtime_.committed(end);
}

void group_coordinator::poll(instant now) {
  const turn here(*this, now);
  runtime_.expire();
  for (const timer_key& due : timers_.take_due(now.monotonic_ms)) {
    if (due.kind == timer_kind::retention) {
      drop_expired();
      start_timer(timer_kind::retention, {}, {}, options_.retention_check_interval_ms);
      continue;
    }
    classic_group* group = classic(due.group);
    if (group == nullptr) continue;
    switch (due.kind) {
      case timer_kind::session:
        expire_session(*group, due.member);
        break;
      case timer_kind::join:
        if (group->is(classic_state::preparing_rebalance)) continue_initial_delay(*group);
        break;
      case timer_kind::sync:
        expire_sync(*group);
        break;
      case timer_kind::retention:
        break;
    }
  }
}

std::optional<std::int64_t> group_coordinator::next_deadline_ms() const {
  const auto timer = timers_.next_deadline_ms();
  const auto commit = runtime_.next_deadline_ms();
  if (!timer || !commit) return timer ? timer : commit;
  return std::min(*timer, *commit);
}

void group_coordinator::start_timer(timer_kind kind, const std::string& group, std::string member,
                                    std::int64_t after_ms) {
  // Never at once: a time of 0 that a client asked for must not make `poll` spin.
  timers_.set({kind, group, std::move(member)}, now_.monotonic_ms + std::max<std::int64_t>(after_ms, 1));
}

const classic_group* group_coordinator::find_classic(std::string_view group) const {
  const auto found = groups_.find(group);
  return found == groups_.end() ? nullptr : found->second.classic.get();
}

const foreign_group* group_coordinator::find_foreign(std::string_view group) const {
  const auto found = groups_.find(group);
  return found == groups_.end() ? nullptr : found->second.foreign.get();
}

classic_group* group_coordinator::classic(std::string_view group) {
  const auto found = groups_.find(group);
  return found == groups_.end() ? nullptr : found->second.classic.get();
}

classic_group& group_coordinator::make_classic(std::string_view group) {
  entry& place = groups_[std::string(group)];
  place.classic = std::make_unique<classic_group>(std::string(group), now_.wall_ms);
  return *place.classic;
}

void group_coordinator::erase_group(std::string_view group) {
  const auto found = groups_.find(group);
  if (found == groups_.end()) return;
  if (found->second.classic) {
    for (const auto& [id, member] : found->second.classic->members()) {
      timers_.cancel({timer_kind::session, found->first, id});
    }
    timers_.cancel({timer_kind::join, found->first, {}});
    timers_.cancel({timer_kind::sync, found->first, {}});
  }
  groups_.erase(found);
}

void group_coordinator::write_group(const classic_group& group, const std::map<std::string, shared_bytes>* assignments,
                                    runtime::callback done) {
  records::group_metadata_value value;
  const std::string_view protocol = group.protocol_name() ? std::string_view(*group.protocol_name()) : "";
  if (group.protocol_type()) value.protocol_type = *group.protocol_type();
  value.generation = group.generation();
  value.protocol = group.protocol_name();
  value.leader = group.leader();
  value.current_state_timestamp = group.state_since_ms().value_or(-1);
  // A group that has been left has members no more; one that is being made has none yet.
  std::vector<shared_bytes> held;
  held.reserve(2 * group.members().size());
  for (const auto& [id, member] : group.members()) {
    if (!group.protocol_name()) break;
    auto& to = value.members.emplace_back();
    to.member_id = member.id;
    to.group_instance_id = member.instance_id;
    to.client_id = member.client_id;
    to.client_host = member.client_host;
    to.rebalance_timeout = member.rebalance_timeout_ms;
    to.session_timeout = member.session_timeout_ms;
    to.subscription = held.emplace_back(member.metadata_of(protocol));
    const auto given =
        assignments == nullptr ? std::map<std::string, shared_bytes>::const_iterator() : assignments->find(id);
    to.assignment = held.emplace_back(assignments == nullptr        ? member.assignment
                                      : given == assignments->end() ? shared_bytes()
                                                                    : given->second);
  }
  std::vector<record> out;
  out.push_back(
      {encode_key(records::group_metadata_key{.group = group.id()}), encode_value(value, group_value_version)});
  // What the record says is the state already.
  runtime_.write(std::move(out), {.apply = false}, std::move(done));
}

void group_coordinator::apply(bytes_view key, std::optional<bytes_view> value, record_place place) {
  wire::reader in(key);
  const std::int16_t type = in.i16();
  if (!in.ok()) return;
  switch (type) {
    case records::legacy_offset_commit_key::type_id:
    case records::offset_commit_key::type_id:
      apply_offset(key.subspan(2), value, place);
      return;
    case records::group_metadata_key::type_id:
      apply_group(key.subspan(2), value);
      return;
    default:
      apply_foreign(type, key, value);
  }
}

void group_coordinator::apply_offset(bytes_view key, std::optional<bytes_view> value, record_place place) {
  wire::reader key_in(key);
  const auto of = records::offset_commit_key::decode(key_in, 0);
  if (!of) return;
  if (!value) {
    offsets_.remove(of->group, of->topic, of->partition);
    return;
  }
  wire::reader in(*value);
  const std::int16_t version = in.i16();
  const auto read = records::offset_commit_value::decode(in, version);
  if (!read) {
    log_.warn("skipping an offset of group {} at offset {} of its log: {}", of->group, place.offset.value(),
              read.error().message);
    return;
  }
  committed_offset what{.offset = read->offset,
                        .epoch = read->leader_epoch,
                        .metadata = std::string(read->metadata),
                        .commit_timestamp_ms = read->commit_timestamp,
                        .id = read->topic_id,
                        .record_offset = place.offset};
  if (read->expire_timestamp != -1) what.expire_timestamp_ms = read->expire_timestamp;
  // Whoever commits without being a member makes a simple group of it.
  if (!groups_.contains(of->group)) make_classic(of->group);
  offsets_.put(of->group, of->topic, of->partition, std::move(what), place.transaction);
}

void group_coordinator::apply_group(bytes_view key, std::optional<bytes_view> value) {
  wire::reader key_in(key);
  const auto of = records::group_metadata_key::decode(key_in, 0);
  if (!of) return;
  if (!value) {
    const auto found = groups_.find(of->group);
    if (found != groups_.end() && found->second.classic) erase_group(of->group);
    return;
  }
  wire::reader in(*value);
  const std::int16_t version = in.i16();
  const auto read = records::group_metadata_value::decode(in, version);
  if (!read) {
    log_.warn("skipping a record of group {}: {}", of->group, read.error().message);
    return;
  }
  entry& place = groups_[std::string(of->group)];
  place.foreign.reset();
  place.classic = std::make_unique<classic_group>(std::string(of->group), *read);
}

void group_coordinator::apply_foreign(std::int16_t type, bytes_view key, std::optional<bytes_view> value) {
  const auto owner = foreign_group::type_of(type);
  if (!owner) return;
  wire::reader in(key);
  static_cast<void>(in.i16());
  const std::string_view id = in.string(false);
  if (!in.ok()) return;
  auto found = groups_.find(id);
  if (found == groups_.end()) {
    if (!value) return;
    found = groups_.emplace(std::string(id), entry()).first;
  }
  entry& place = found->second;
  if (place.classic && !place.classic->is_simple()) return;
  if (place.classic) {
    // A simple group stands for offsets alone, and they are this group's.
    if (!value) return;
    place.classic.reset();
  }
  if (place.foreign && place.foreign->type() != *owner) return;
  if (!place.foreign) place.foreign = std::make_unique<foreign_group>(*owner);
  place.foreign->apply(type, key, value);
  if (place.foreign->is_gone()) groups_.erase(found);
}

}  // namespace moldau::coord
