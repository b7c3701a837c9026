#include "raft/quorum.hpp"

#include <fmt/format.h>

#include <span>
#include <utility>

#include "base/topic_name.hpp"
#include "raft/batches.hpp"
#include "wire/arena.hpp"
#include "wire/protocol/describe_quorum_request.hpp"
#include "wire/protocol/describe_quorum_response.hpp"
#include "wire/protocol/kraft_version_record.hpp"
#include "wire/protocol/leader_change_message.hpp"
#include "wire/protocol/voters_record.hpp"

namespace moldau::raft {

namespace {

/// What this build can be raised to (KIP-853).
constexpr std::int16_t max_kraft_version = 1;

/// Kafka writes version 0, which has no directories, whatever kraft.version says.
shared_bytes leader_change(broker_id self, const voter_set& voters) {
  wire::protocol::leader_change_message out;
  out.version = 0;
  out.leader_id = self;
  for (const voter& v : voters) out.voters.emplace_back().voter_id = v.key.id;
  out.granting_voters.emplace_back().voter_id = self;
  return encode(out, 0);
}

}  // namespace

quorum::quorum(quorum_options options) : options_(std::move(options)) {}

const voter_set& quorum::voters() const {
  return control_.voters ? *control_.voters : options_.static_voters;
}

result<quorum_effects> quorum::start(const std::optional<quorum_state>& persisted, log_end end, control_state control,
                                     std::int64_t now_ms) {
  control_ = std::move(control);
  end_ = end.end;
  if (control_.kraft_version > 0 && !control_.voters) {
    return fail(errc::malformed, "the metadata log is of kraft.version 1 and names no voters");
  }
  if (!voters().contains(options_.self)) {
    return fail(errc::invalid_argument,
                fmt::format("node {} (metadata directory {}) isn't a voter of this metadata quorum",
                            options_.self.id.value(), options_.self.directory.to_string()));
  }
  if (!voters().is_only_voter(options_.self)) {
    return fail(
        errc::unsupported_version,
        fmt::format("this metadata quorum has {} voters, and quorums of several aren't built yet", voters().size()));
  }
  // An epoch of the log that the file doesn't know of (the file was lost) must not be used a second time.
  epoch_ = end.epoch;
  if (persisted && persisted->epoch > epoch_) epoch_ = persisted->epoch;
  ++epoch_;
  // The only voter's own vote is the majority: what a campaign would persist on the way is never seen by anyone.
  quorum_effects out;
  become_leader(out, now_ms);
  return out;
}

errc quorum::check_epoch(leader_epoch asked) const {
  if (asked < epoch_) return errc::fenced_leader_epoch;
  if (asked > epoch_) return errc::unknown_leader_epoch;
  return is_leader() ? errc::none : errc::not_leader_or_follower;
}

void quorum::become_leader(quorum_effects& out, std::int64_t now_ms) {
  leader_ = options_.self.id;
  epoch_start_ = end_;
  high_watermark_.reset();
  pending_.clear();
  out.became_leader = true;

  quorum_state state{.leader = leader_, .epoch = epoch_};
  for (const voter& v : voters()) state.voters.push_back(v.key.id);
  out.quorum_state = print_quorum_state(state, control_.kraft_version);

  std::vector<control_record> records;
  records.push_back({wire::control_record_type::leader_change, leader_change(options_.self.id, voters())});
  if (control_.kraft_version > 0) {
    // KIP-853: the log must hold what so far only the bootstrap snapshot says, and this node's present endpoints.
    const voter present{.key = options_.self,
                        .endpoints = options_.endpoints,
                        .min_kraft_version = 0,
                        .max_kraft_version = max_kraft_version};
    const voter* known = voters().find(options_.self.id);
    if (control_.voters_offset == no_offset || *known != present) {
      control_.voters = voters().with(present);
      wire::protocol::kraft_version_record version;
      version.version = 0;
      version.kraft_version = control_.kraft_version;
      records.push_back({wire::control_record_type::kraft_version, encode(version, 0)});
      records.push_back({wire::control_record_type::kraft_voters, encode(control_.voters->to_record(), 0)});
      control_.voters_offset = end_ + 2;
    }
  }
  queue(out, make_control_batch(records, {.base = end_, .epoch = epoch_, .now_ms = now_ms}),
        static_cast<std::int32_t>(records.size()));
}

void quorum::queue(quorum_effects& out, shared_bytes batch, std::int32_t records) {
  end_ = end_ + records;
  pending_.push_back({.last = end_ - 1, .bytes = batch});
  out.appends.push_back(std::move(batch));
}

result<quorum::appended> quorum::append(const std::vector<shared_bytes>& records, std::int64_t now_ms) {
  if (!is_leader()) return fail(errc::not_controller, "this node doesn't lead the metadata quorum");
  MOLDAU_ASSERT(!records.empty());
  for (const auto& record : records) {
    if (record.size() > max_batch_bytes / 2) {
      return fail(errc::record_list_too_large,
                  fmt::format("a metadata record of {} bytes is too large", record.size()));
    }
  }
  appended out;
  out.first = end_;
  std::span<const shared_bytes> rest(records);
  while (!rest.empty()) {
    const std::size_t count = batch_prefix(rest);
    queue(out.effects, make_batch(rest.first(count), {.base = end_, .epoch = epoch_, .now_ms = now_ms}),
          static_cast<std::int32_t>(count));
    rest = rest.subspan(count);
  }
  out.last = end_ - 1;
  return out;
}

quorum_effects quorum::log_synced(offset end) {
  quorum_effects out;
  // A leader may count only a record of its own epoch as committed (Raft 5.4.2); the first one is the leader change.
  if (!is_leader() || end <= epoch_start_ || (high_watermark_ && end <= *high_watermark_)) return out;
  MOLDAU_ASSERT(end <= end_);
  high_watermark_ = end;
  out.high_watermark = end;
  while (!pending_.empty() && pending_.front().last < end) {
    out.committed.push_back(std::move(pending_.front().bytes));
    pending_.pop_front();
  }
  return out;
}

wire::protocol::describe_quorum_response quorum::describe(const wire::protocol::describe_quorum_request& request,
                                                          std::int64_t now_ms, wire::arena& arena) const {
  wire::protocol::describe_quorum_response out;
  bool described = false;
  for (const auto& asked : request.topics) {
    auto& topic = out.topics.emplace_back();
    topic.topic_name = arena.store(asked.topic_name);
    for (const auto& p : asked.partitions) {
      auto& to = topic.partitions.emplace_back();
      to.partition_index = p.partition_index;
      if (asked.topic_name != base::metadata_topic || p.partition_index != partition_id{0}) {
        to.error_code = errc::unknown_topic_or_partition;
        to.error_message = "This server does not host this topic-partition.";
        continue;
      }
      if (!is_leader()) {
        to.error_code = errc::not_leader_or_follower;
        continue;
      }
      described = true;
      to.leader_id = leader_;
      to.leader_epoch = epoch_;
      to.high_watermark = high_watermark_.value_or(no_offset);
      for (const voter& v : voters()) {
        auto& state = to.current_voters.emplace_back();
        state.replica_id = v.key.id;
        state.replica_directory_id = v.key.directory;
        state.log_end_offset = end_;
        state.last_fetch_timestamp = now_ms;
        state.last_caught_up_timestamp = now_ms;
      }
    }
  }
  if (!described) return out;
  for (const voter& v : voters()) {
    auto& node = out.nodes.emplace_back();
    node.node_id = v.key.id;
    for (const auto& e : v.endpoints) {
      auto& to = node.listeners.emplace_back();
      to.name = arena.store(e.name);
      to.host = arena.store(e.host);
      to.port = e.port;
    }
  }
  return out;
}

}  // namespace moldau::raft
