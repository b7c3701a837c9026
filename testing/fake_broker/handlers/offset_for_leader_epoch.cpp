#include "testing/fake_broker/apis.hpp"
#include "wire/protocol/offset_for_leader_epoch_request.hpp"
#include "wire/protocol/offset_for_leader_epoch_response.hpp"

namespace moldau::testing::fake {

using wire::protocol::offset_for_leader_epoch_request;
using wire::protocol::offset_for_leader_epoch_response;

outcome handle_offset_for_leader_epoch(call& what) {
  return serve<offset_for_leader_epoch_request, offset_for_leader_epoch_response>(
      what, [&](const offset_for_leader_epoch_request& asked, offset_for_leader_epoch_response& out) {
        for (const auto& of : asked.topics) {
          auto& to = out.topics.emplace_back();
          to.topic = of.topic;
          for (const auto& wanted : of.partitions) {
            auto& one = to.partitions.emplace_back();
            one.partition = wanted.partition;
            one.error_code = what.judge([&] {
              partition* const in = what.in.find({std::string(of.topic), wanted.partition});
              if (in == nullptr) return errc::unknown_topic_or_partition;
              if (in->leader != what.on.id) return errc::not_leader_or_follower;
              if (wanted.current_leader_epoch != no_leader_epoch && wanted.current_leader_epoch != in->log.epoch()) {
                return wanted.current_leader_epoch < in->log.epoch() ? errc::fenced_leader_epoch
                                                                     : errc::unknown_leader_epoch;
              }
              std::tie(one.leader_epoch, one.end_offset) = in->log.end_of(wanted.leader_epoch);
              return errc::none;
            });
          }
        }
        return done;
      });
}

}  // namespace moldau::testing::fake
