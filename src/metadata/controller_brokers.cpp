#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "metadata/controller.hpp"
#include "metadata/records.hpp"
#include "wire/arena.hpp"
#include "wire/metadata/broker_registration_change_record.hpp"
#include "wire/metadata/fence_broker_record.hpp"
#include "wire/metadata/producer_ids_record.hpp"
#include "wire/metadata/register_broker_record.hpp"
#include "wire/metadata/register_controller_record.hpp"
#include "wire/metadata/unfence_broker_record.hpp"
#include "wire/metadata/unregister_broker_record.hpp"
#include "wire/protocol/allocate_producer_ids_request.hpp"
#include "wire/protocol/allocate_producer_ids_response.hpp"
#include "wire/protocol/broker_heartbeat_request.hpp"
#include "wire/protocol/broker_heartbeat_response.hpp"
#include "wire/protocol/broker_registration_request.hpp"
#include "wire/protocol/broker_registration_response.hpp"
#include "wire/protocol/controller_registration_request.hpp"
#include "wire/protocol/controller_registration_response.hpp"
#include "wire/protocol/unregister_broker_request.hpp"
#include "wire/protocol/unregister_broker_response.hpp"

namespace moldau::metadata {

namespace {

namespace records = wire::metadata;

/// `ProducerIdsBlock.PRODUCER_ID_BLOCK_SIZE`
constexpr std::int32_t producer_id_block = 1000;
/// Since 3.3-IV2; older clusters are below what this controller takes over (3.3-IV3).
constexpr std::int8_t change_to_fenced = 1;
constexpr std::int8_t change_to_unfenced = -1;

bool contains(const std::vector<broker_id>& list, broker_id id) {
  return std::ranges::find(list, id) != list.end();
}

/// Ids that name no directory: the first hundred.
bool is_reserved(const directory_id& id) {
  const auto& bytes = id.bytes();
  return std::ranges::all_of(bytes.begin(), bytes.begin() + 15, [](std::byte b) { return b == std::byte{0}; }) &&
         std::to_integer<int>(bytes[15]) < 100;
}

template <typename To, typename From>
void copy_listeners_and_features(To& to, const From& from) {
  for (const auto& l : from.listeners) {
    auto& e = to.end_points.emplace_back();
    e.name = l.name;
    e.host = l.host;
    e.port = l.port;
    e.security_protocol = l.security_protocol;
  }
  for (const auto& f : from.features) {
    auto& e = to.features.emplace_back();
    e.name = f.name;
    e.min_supported_version = f.min_supported_version;
    e.max_supported_version = f.max_supported_version;
  }
}

records::broker_registration_change_record change_of(const broker_registration& broker) {
  records::broker_registration_change_record r;
  r.broker_id = broker.id;
  r.broker_epoch = broker.epoch;
  return r;
}

}  // namespace

bool controller::has_live_session(const broker_registration& broker, std::int64_t now_ms) const {
  const auto it = sessions_.find(broker.id);
  if (it == sessions_.end() || broker.fenced) return false;
  // A controller that has just started on a broker's own node knows that the broker's last run is over: waiting for
  // its session to run out, as Kafka does, would cost every restart after a crash nine seconds.
  if (broker.id == options_.node && !it->second.contacted) return false;
  return now_ms - it->second.last_contact_ms < options_.session_timeout_ms;
}

result<broker_registration> controller::check_registration(const wire::protocol::broker_registration_request& request,
                                                           std::int64_t now_ms) const {
  if (request.cluster_id != options_.cluster_id) {
    return fail(errc::inconsistent_cluster_id,
                fmt::format("Expected cluster ID {}, but got cluster ID {}", options_.cluster_id, request.cluster_id));
  }
  const broker_registration* existing = latest_.find_broker(request.broker_id);
  if (existing != nullptr && existing->incarnation != request.incarnation_id && has_live_session(*existing, now_ms)) {
    return fail(errc::duplicate_broker_registration, "Another broker is registered with that broker id.");
  }
  if (request.is_migrating_zk_broker) {
    return fail(errc::broker_id_not_registered, "Controller does not support registering ZK brokers.");
  }
  if (has_directories(metadata_version())) {
    if (request.log_dirs.empty()) return fail(errc::invalid_registration, "No directories specified in request");
    if (std::ranges::any_of(request.log_dirs, is_reserved)) {
      return fail(errc::invalid_registration, "Reserved directory ID in request");
    }
    auto sorted = request.log_dirs;
    std::ranges::sort(sorted);
    if (std::ranges::adjacent_find(sorted) != sorted.end()) {
      return fail(errc::invalid_registration, "Duplicate directory ID in request");
    }
    for (const auto& [id, other] : *latest_.brokers) {
      if (id == request.broker_id) continue;
      for (const directory_id& d : other->directories) {
        if (!std::ranges::binary_search(sorted, d)) continue;
        return fail(errc::invalid_registration,
                    fmt::format("Broker {} is already registered with directory {}", id.value(), d.to_string()));
      }
    }
  }
  for (const auto& [name, level] : *latest_.features) {
    version_range range;
    for (const auto& f : request.features) {
      if (f.name == name) range = {.min = f.min_supported_version, .max = f.max_supported_version};
    }
    if (level < range.min || level > range.max) {
      return fail(errc::unsupported_version,
                  fmt::format("Unable to register because the broker does not support finalized version {} of {}. The "
                              "broker wants a version between {} and {}, inclusive.",
                              level, name, range.min, range.max));
    }
  }
  return existing == nullptr ? broker_registration{} : *existing;
}

outcome<wire::protocol::broker_registration_response> controller::register_broker(
    const wire::protocol::broker_registration_request& request, std::int64_t now_ms) {
  wire::protocol::broker_registration_response response;
  const auto existing = check_registration(request, now_ms);
  if (!existing) {
    response.error_code = existing.error().code;
    return finish(std::move(response), record_list{}, now_ms);
  }
  const bool known = existing->id != no_broker;
  const bool same_incarnation = known && existing->incarnation == request.incarnation_id;
  record_list out;
  if (known && !same_incarnation) {
    const broker_id id = request.broker_id;
    const bool clean = existing->epoch == request.previous_broker_epoch;
    if (clean || !elr_enabled()) {
      change_leaders({.removed = id}, [id](const partition& p) { return contains(p.isr, id); }, out);
    } else {
      change_leaders(
          {.unclean = id},
          [id](const partition& p) { return contains(p.isr, id) || contains(p.eligible_leader_replicas, id); }, out);
    }
  }
  records::register_broker_record r;
  r.broker_id = request.broker_id;
  r.incarnation_id = request.incarnation_id;
  r.rack = request.rack;
  copy_listeners_and_features(r, request);
  if (has_directories(metadata_version())) r.log_dirs = request.log_dirs;
  if (same_incarnation) {
    r.fenced = existing->fenced;
    r.in_controlled_shutdown = existing->in_controlled_shutdown;
    r.broker_epoch = existing->epoch;
  } else {
    r.fenced = true;
    // As in Kafka the epoch is the offset at which this request's records begin.
    r.broker_epoch = next_offset_.value();
    sessions_[request.broker_id] = {};
  }
  out.push_back(encode_record(r, register_broker_record_version(metadata_version())));
  sessions_[request.broker_id].last_contact_ms = now_ms;
  sessions_[request.broker_id].contacted = true;
  response.broker_epoch = r.broker_epoch;
  return finish(std::move(response), std::move(out), now_ms);
}

controller::broker_state controller::state_of(const broker_registration& broker) const {
  const auto it = sessions_.find(broker.id);
  if (broker.fenced) return broker_state::fenced;
  if (it != sessions_.end() && it->second.shutdown_offset >= 0) return broker_state::controlled_shutdown;
  return broker_state::unfenced;
}

bool controller::has_leaderships(broker_id broker) const {
  bool found = false;
  latest_.topics.for_each([&](const topic_id&, const auto& t) {
    if (!found) found = std::ranges::any_of(t->partitions, [&](const auto& p) { return p->leader == broker; });
  });
  return found;
}

controller::broker_state controller::next_state(const broker_registration& broker,
                                                const wire::protocol::broker_heartbeat_request& request) const {
  const broker_state now = state_of(broker);
  switch (now) {
    case broker_state::fenced:
      if (request.want_shut_down) return broker_state::shutdown_now;
      // It may serve once it has read at least its own registration.
      return !request.want_fence && request.current_metadata_offset.value() >= broker.epoch ? broker_state::unfenced
                                                                                            : now;
    case broker_state::unfenced:
      if (request.want_fence) return request.want_shut_down ? broker_state::shutdown_now : broker_state::fenced;
      if (!request.want_shut_down) return now;
      return has_leaderships(broker.id) ? broker_state::controlled_shutdown : broker_state::shutdown_now;
    case broker_state::controlled_shutdown: {
      if (has_leaderships(broker.id)) return now;
      // The others must know the new leaders before the old one goes.
      std::int64_t lowest = std::numeric_limits<std::int64_t>::max();
      for (const auto& [id, other] : *latest_.brokers) {
        const auto it = sessions_.find(id);
        if (other->fenced || it == sessions_.end() || it->second.shutdown_offset >= 0) continue;
        lowest = std::min(lowest, it->second.metadata_offset);
      }
      return sessions_.at(broker.id).shutdown_offset <= lowest ? broker_state::shutdown_now : now;
    }
    case broker_state::shutdown_now:
      break;
  }
  return broker_state::shutdown_now;
}

void controller::fence(const broker_registration& broker, record_list& out) const {
  const broker_id id = broker.id;
  change_leaders({.removed = id}, [id](const partition& p) { return contains(p.isr, id); }, out);
  auto r = change_of(broker);
  r.fenced = change_to_fenced;
  out.push_back(encode_record(r, 0));
}

void controller::unfence(const broker_registration& broker, record_list& out) const {
  auto r = change_of(broker);
  r.fenced = change_to_unfenced;
  out.push_back(encode_record(r, 0));
  change_leaders({.added = broker.id}, [](const partition& p) { return p.leader == no_broker; }, out);
}

void controller::begin_shutdown(const broker_registration& broker, record_list& out) const {
  if (!broker.in_controlled_shutdown) {
    auto r = change_of(broker);
    r.in_controlled_shutdown = 1;
    out.push_back(encode_record(r, 1));
  }
  const broker_id id = broker.id;
  change_leaders({.removed = id}, [id](const partition& p) { return contains(p.isr, id); }, out);
}

void controller::change_directories(const broker_registration& broker,
                                    const wire::protocol::broker_heartbeat_request& request, record_list& out) const {
  if (has_directories(metadata_version()) && !request.offline_log_dirs.empty()) {
    auto r = change_of(broker);
    std::vector<directory_id> lost;
    for (const directory_id& d : broker.directories) {
      const bool offline = std::ranges::find(request.offline_log_dirs, d) != request.offline_log_dirs.end();
      (offline ? lost : r.log_dirs).push_back(d);
    }
    if (!lost.empty()) {
      const broker_id id = broker.id;
      change_leaders(
          {.removed = id},
          [&](const partition& p) {
            return contains(p.isr, id) && std::ranges::find(lost, p.directory_of(id)) != lost.end();
          },
          out);
      out.push_back(encode_record(r, 2));
    }
  }
  if (has_cordoned_directories(metadata_version()) && request.cordoned_log_dirs &&
      request.cordoned_log_dirs != broker.cordoned_directories) {
    auto r = change_of(broker);
    r.cordoned_log_dirs = request.cordoned_log_dirs;
    out.push_back(encode_record(r, 3));
  }
}

outcome<wire::protocol::broker_heartbeat_response> controller::heartbeat(
    const wire::protocol::broker_heartbeat_request& request, std::int64_t now_ms) {
  wire::protocol::broker_heartbeat_response response;
  record_list out;
  const broker_registration* broker = latest_.find_broker(request.broker_id);
  if (broker == nullptr || broker->epoch != request.broker_epoch) {
    response.error_code = errc::stale_broker_epoch;
    return finish(std::move(response), std::move(out), now_ms);
  }
  const broker_state before = state_of(*broker);
  const broker_state next = next_state(*broker, request);
  if (next != before) {
    switch (next) {
      case broker_state::fenced:
        fence(*broker, out);
        break;
      case broker_state::shutdown_now:
        // One that is fenced already stays as it is.
        if (!broker->fenced) fence(*broker, out);
        break;
      case broker_state::unfenced:
        unfence(*broker, out);
        break;
      case broker_state::controlled_shutdown:
        begin_shutdown(*broker, out);
        break;
    }
  }
  change_directories(*broker, request, out);
  session& s = sessions_[broker->id];
  s.last_contact_ms = now_ms;
  s.contacted = true;
  s.metadata_offset = request.current_metadata_offset.value();
  if (next == broker_state::controlled_shutdown) {
    s.shutdown_offset = next_offset_.value() + static_cast<std::int64_t>(out.size()) - 1;
  } else {
    s.shutdown_offset = -1;
  }
  response.is_caught_up = request.current_metadata_offset.value() >= broker->epoch;
  response.is_fenced = next == broker_state::fenced || next == broker_state::shutdown_now;
  response.should_shut_down = next == broker_state::shutdown_now;
  return finish(std::move(response), std::move(out), now_ms);
}

outcome<wire::protocol::controller_registration_response> controller::register_controller(
    const wire::protocol::controller_registration_request& request, std::int64_t now_ms, wire::arena& arena) {
  wire::protocol::controller_registration_response response;
  response.error_message.reset();
  record_list out;
  if (!has_controller_registration(metadata_version())) {
    response.error_code = errc::unsupported_version;
    response.error_message =
        arena.store(std::string_view("The current MetadataVersion is too old to support controller registrations."));
    return finish(std::move(response), std::move(out), now_ms);
  }
  records::register_controller_record r;
  r.controller_id = request.controller_id;
  r.incarnation_id = request.incarnation_id;
  r.zk_migration_ready = false;
  copy_listeners_and_features(r, request);
  out.push_back(encode_record(r, 0));
  return finish(std::move(response), std::move(out), now_ms);
}

outcome<wire::protocol::allocate_producer_ids_response> controller::allocate_producer_ids(
    const wire::protocol::allocate_producer_ids_request& request, std::int64_t now_ms) {
  wire::protocol::allocate_producer_ids_response response;
  record_list out;
  const broker_registration* broker = latest_.find_broker(request.broker_id);
  const std::int64_t next = latest_.next_producer_id.value_or(producer_id(0)).value();
  if (broker == nullptr || broker->epoch != request.broker_epoch) {
    response.error_code = errc::stale_broker_epoch;
  } else if (next > std::numeric_limits<std::int64_t>::max() - producer_id_block) {
    response.error_code = errc::unknown_server_error;
  } else {
    records::producer_ids_record r;
    r.broker_id = request.broker_id;
    r.broker_epoch = request.broker_epoch;
    r.next_producer_id = producer_id(next + producer_id_block);
    out.push_back(encode_record(r, 0));
    response.producer_id_start = producer_id(next);
    response.producer_id_len = producer_id_block;
  }
  return finish(std::move(response), std::move(out), now_ms);
}

outcome<wire::protocol::unregister_broker_response> controller::unregister_broker(
    const wire::protocol::unregister_broker_request& request, std::int64_t now_ms, wire::arena& arena) {
  wire::protocol::unregister_broker_response response;
  response.error_message.reset();
  record_list out;
  const broker_id id = request.broker_id;
  const broker_registration* broker = latest_.find_broker(id);
  if (broker == nullptr) {
    response.error_code = errc::broker_id_not_registered;
    response.error_message = arena.store(fmt::format("Broker ID {} is not currently registered", id.value()));
    return finish(std::move(response), std::move(out), now_ms);
  }
  change_leaders(
      {.removed = id},
      [id](const partition& p) { return contains(p.isr, id) || contains(p.eligible_leader_replicas, id); }, out);
  records::unregister_broker_record r;
  r.broker_id = id;
  r.broker_epoch = broker->epoch;
  out.push_back(encode_record(r, 0));
  sessions_.erase(id);
  return finish(std::move(response), std::move(out), now_ms);
}

}  // namespace moldau::metadata
