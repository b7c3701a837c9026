#include "testing/fake_broker/apis.hpp"
#include "wire/protocol/list_offsets_request.hpp"
#include "wire/protocol/list_offsets_response.hpp"

namespace moldau::testing::fake {
namespace {

using wire::protocol::list_offsets_request;
using wire::protocol::list_offsets_response;

constexpr std::int64_t latest = -1;
constexpr std::int64_t earliest = -2;
constexpr std::int64_t largest_timestamp = -3;
constexpr std::int64_t earliest_local = -4;

constexpr std::int8_t read_committed = 1;

partition_log::found look_up(const partition_log& in, std::int64_t timestamp, std::int8_t isolation_level) {
  switch (timestamp) {
    case latest:
      return {.at = isolation_level == read_committed ? in.last_stable() : in.end(), .epoch = in.epoch()};
    case earliest:
    case earliest_local:
      return {.at = in.start(), .epoch = in.end_of(leader_epoch(0)).first};
    case largest_timestamp:
      return in.max_timestamp();
    default:
      return in.at_time(timestamp);
  }
}

}  // namespace

outcome handle_list_offsets(call& what) {
  return serve<list_offsets_request, list_offsets_response>(
      what, [&](const list_offsets_request& asked, list_offsets_response& out) {
        for (const auto& of : asked.topics) {
          auto& to = out.topics.emplace_back();
          to.name = of.name;
          for (const auto& wanted : of.partitions) {
            auto& one = to.partitions.emplace_back();
            one.partition_index = wanted.partition_index;
            one.error_code = what.judge([&] {
              partition* const in = what.in.find({std::string(of.name), wanted.partition_index});
              if (in == nullptr) return errc::unknown_topic_or_partition;
              if (in->leader != what.on.id) return errc::not_leader_or_follower;
              if (wanted.current_leader_epoch != no_leader_epoch && wanted.current_leader_epoch != in->log.epoch()) {
                return wanted.current_leader_epoch < in->log.epoch() ? errc::fenced_leader_epoch
                                                                     : errc::unknown_leader_epoch;
              }
              if (wanted.timestamp < earliest_local) return errc::unsupported_version;
              const auto found = look_up(in->log, wanted.timestamp, asked.isolation_level);
              one.offset = found.at;
              one.timestamp = found.timestamp_ms;
              one.leader_epoch = found.epoch;
              return errc::none;
            });
          }
        }
        return done;
      });
}

}  // namespace moldau::testing::fake
