#include "base/topic_name.hpp"
#include "testing/fake_broker/apis.hpp"
#include "wire/protocol/describe_quorum_request.hpp"
#include "wire/protocol/describe_quorum_response.hpp"

namespace moldau::testing::fake {
namespace {

using wire::protocol::describe_quorum_request;
using wire::protocol::describe_quorum_response;

/// The brokers are their own controllers, and all that run are caught up with the one that leads.
void tell_quorum(const cluster& in, describe_quorum_response::partition_data& to) {
  const offset end(in.features_epoch + static_cast<std::int64_t>(in.next_id));
  const std::int64_t now = in.world.wall_ms();
  to.leader_id = in.controller();
  to.leader_epoch = leader_epoch(1);
  to.high_watermark = end;
  for (const auto& [id, one] : in.brokers) {
    const std::int64_t heard = one.running ? now : -1;
    to.current_voters.push_back({.replica_id = id,
                                 .log_end_offset = one.running ? end : offset(0),
                                 .last_fetch_timestamp = heard,
                                 .last_caught_up_timestamp = heard});
  }
}

}  // namespace

outcome handle_describe_quorum(call& what) {
  return serve<describe_quorum_request, describe_quorum_response>(
      what, [&](const describe_quorum_request& asked, describe_quorum_response& out) {
        for (const auto& of : asked.topics) {
          auto& to = out.topics.emplace_back();
          to.topic_name = of.topic_name;
          for (const auto& wanted : of.partitions) {
            auto& one = to.partitions.emplace_back();
            one.partition_index = wanted.partition_index;
            one.error_code = what.judge([&] {
              if (of.topic_name != base::metadata_topic || wanted.partition_index != partition_id(0)) {
                return errc::unknown_topic_or_partition;
              }
              tell_quorum(what.in, one);
              return errc::none;
            });
          }
        }
        for (const auto& [id, one] : what.in.brokers) {
          auto& to = out.nodes.emplace_back();
          to.node_id = id;
          to.listeners.push_back({.name = "CONTROLLER", .host = what.in.options.host, .port = one.port});
        }
        return done;
      });
}

}  // namespace moldau::testing::fake
