#include <algorithm>
#include <any>

#include "testing/fake_broker/apis.hpp"
#include "wire/protocol/fetch_request.hpp"
#include "wire/protocol/fetch_response.hpp"

namespace moldau::testing::fake {
namespace {

using wire::protocol::fetch_request;
using wire::protocol::fetch_response;

constexpr std::int16_t sessions_since = 7;
/// Topics go by id.
constexpr std::int16_t topic_ids_since = 13;
/// The leader is told with the error.
constexpr std::int16_t leader_told_since = 12;
/// KIP-392: consumers may read from followers.
constexpr std::int16_t followers_since = 11;

constexpr std::int8_t read_committed = 1;

/// What is kept while the fetch waits.
struct open_fetch {
  fetch_sessions::opened session;
  rt::time_point until;
};

fetch_sessions::opened open_session(const fetch_request& asked, call& what) {
  std::vector<wanted_partition> named;
  for (const auto& of : asked.topics) {
    for (const auto& one : of.partitions) {
      named.push_back({.topic = std::string(of.topic),
                       .id = of.topic_id,
                       .index = one.partition,
                       .offset = one.fetch_offset,
                       .leader_epoch = one.current_leader_epoch,
                       .bytes_max = one.partition_max_bytes});
    }
  }
  std::vector<wanted_partition> forgotten;
  for (const auto& of : asked.forgotten_topics_data) {
    for (const partition_id one : of.partitions) {
      forgotten.push_back({.topic = std::string(of.topic), .id = of.topic_id, .index = one, .offset = no_offset});
    }
  }
  if (what.version < sessions_since) return {.partitions = std::move(named)};
  return what.on.sessions.open(asked.session_id, asked.session_epoch, std::move(named), forgotten);
}

/// Who reads instead: a replica in the reader's own rack.
broker_id nearer(const partition& of, std::string_view rack, const call& what) {
  if (rack.empty() || what.on.rack == rack || what.on.id != of.leader) return no_broker;
  const auto found = std::ranges::find_if(of.replicas, [&](broker_id id) {
    const broker& one = what.in.brokers.at(id);
    return one.running && one.rack == rack;
  });
  return found == of.replicas.end() ? no_broker : *found;
}

struct reading {
  std::size_t room = 0;
  std::size_t taken = 0;
  bool at_once = false;
};

errc read(const wanted_partition& from, const fetch_request& asked, call& what, reading& so_far,
          fetch_response::partition_data& to) {
  topic* const of = what.version >= topic_ids_since ? what.in.find(from.id) : what.in.find(from.topic);
  if (of == nullptr && what.version >= topic_ids_since) return errc::unknown_topic_id;
  partition* const in = of == nullptr ? nullptr : what.in.find({of->name, from.index});
  if (in == nullptr) return errc::unknown_topic_or_partition;
  const bool leads = in->leader == what.on.id;
  const bool follows =
      what.version >= followers_since && std::ranges::find(in->replicas, what.on.id) != in->replicas.end();
  const auto tell_leader = [&] {
    if (what.version >= leader_told_since) {
      to.current_leader = {.leader_id = in->leader, .leader_epoch = in->log.epoch()};
    }
  };
  if (from.leader_epoch != no_leader_epoch && from.leader_epoch != in->log.epoch()) {
    tell_leader();
    return from.leader_epoch < in->log.epoch() ? errc::fenced_leader_epoch : errc::unknown_leader_epoch;
  }
  if (!leads && !follows) {
    tell_leader();
    return errc::not_leader_or_follower;
  }
  to.high_watermark = in->log.end();
  to.last_stable_offset = in->log.last_stable();
  to.log_start_offset = in->log.start();
  if (from.offset < in->log.start() || from.offset > in->log.end()) return errc::offset_out_of_range;
  if (const broker_id other = nearer(*in, asked.rack_id, what); other != no_broker) {
    to.preferred_read_replica = other;
    so_far.at_once = true;
    return errc::none;
  }
  const std::size_t most = std::min<std::size_t>(so_far.room, static_cast<std::size_t>(std::max(from.bytes_max, 0)));
  const bool committed_only = asked.isolation_level == read_committed;
  const offset before = committed_only ? in->log.last_stable() : in->log.end();
  const auto bytes = in->log.read(from.offset, before, most, so_far.taken == 0);
  if (committed_only && to.aborted_transactions) {
    for (const auto& one : in->log.aborted(from.offset, before)) {
      to.aborted_transactions->push_back({.producer_id = one.of, .first_offset = one.first});
    }
  }
  so_far.taken += bytes.size();
  so_far.room -= std::min(so_far.room, bytes.size());
  const std::string_view kept = what.keep(std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
  to.records = as_bytes(kept);
  return errc::none;
}

bool is_news(const fetch_response::partition_data& told, const wanted_partition& of) {
  return told.error_code != errc::none || told.records.size() > 0 || told.preferred_read_replica != no_broker ||
         told.high_watermark != of.told_high_watermark || told.log_start_offset != of.told_start;
}

fetch_response::fetchable_topic_response& place_of(const wanted_partition& one, fetch_response& out) {
  if (out.responses.empty() || out.responses.back().topic != one.topic || out.responses.back().topic_id != one.id) {
    auto& fresh = out.responses.emplace_back();
    fresh.topic = one.topic;
    fresh.topic_id = one.id;
  }
  return out.responses.back();
}

}  // namespace

outcome handle_fetch(call& what) {
  return serve<fetch_request, fetch_response>(
      what, [&](const fetch_request& asked, fetch_response& out) -> std::optional<rt::time_point> {
        if (what.refused && what.version >= sessions_since &&
            (*what.refused == errc::fetch_session_id_not_found || *what.refused == errc::invalid_fetch_session_epoch ||
             *what.refused == errc::unsupported_version || *what.refused == errc::unknown_server_error)) {
          out.error_code = *what.refused;
          return done;
        }
        if (what.is_first()) {
          what.kept = open_fetch{.session = open_session(asked, what),
                                 .until = what.now() + std::chrono::milliseconds(std::max(asked.max_wait_ms, 0))};
        }
        const auto& fetch = std::any_cast<const open_fetch&>(what.kept);
        out.error_code = fetch.session.code;
        out.session_id = fetch.session.id;
        if (out.error_code != errc::none) return done;
        reading so_far{.room = static_cast<std::size_t>(std::max(asked.max_bytes, 0))};
        what.texts.clear();
        std::vector<std::pair<const wanted_partition*, fetch_response::partition_data>> told;
        for (const wanted_partition& one : fetch.session.partitions) {
          fetch_response::partition_data to;
          to.partition_index = one.index;
          to.high_watermark = no_offset;
          to.records = bytes_view();
          if (asked.isolation_level == read_committed) to.aborted_transactions.emplace();
          to.error_code = what.judge([&] { return read(one, asked, what, so_far, to); });
          if (to.error_code != errc::none) {
            to.records = bytes_view();
            so_far.at_once = true;
          }
          told.emplace_back(&one, std::move(to));
        }
        const bool enough = so_far.at_once || so_far.taken >= static_cast<std::size_t>(std::max(asked.min_bytes, 0)) ||
                            fetch.session.partitions.empty();
        if (!enough && what.now() < fetch.until && !what.in.stopped) return fetch.until;
        for (auto& [of, to] : told) {
          if (fetch.session.incremental && !is_news(to, *of)) continue;
          what.on.sessions.told(fetch.session.id, *of, to.high_watermark, to.log_start_offset);
          place_of(*of, out).partitions.push_back(std::move(to));
        }
        return done;
      });
}

}  // namespace moldau::testing::fake
