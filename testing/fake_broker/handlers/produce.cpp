#include "testing/fake_broker/apis.hpp"
#include "wire/protocol/produce_request.hpp"
#include "wire/protocol/produce_response.hpp"

namespace moldau::testing::fake {
namespace {

using wire::protocol::produce_request;
using wire::protocol::produce_response;

/// Topics go by id.
constexpr std::int16_t topic_ids_since = 13;
/// KIP-951: who leads instead goes into the answer.
constexpr std::int16_t leader_told_since = 10;

}  // namespace

outcome handle_produce(call& what) {
  return serve<produce_request, produce_response>(what, [&](const produce_request& asked, produce_response& out) {
    what.answers = asked.acks != 0;
    bool told_leaders = false;
    for (const auto& wanted : asked.topic_data) {
      topic* const of = what.version >= topic_ids_since ? what.in.find(wanted.topic_id) : what.in.find(wanted.name);
      auto& to = out.responses.emplace_back();
      to.name = wanted.name;
      to.topic_id = wanted.topic_id;
      for (const auto& data : wanted.partition_data) {
        auto& one = to.partition_responses.emplace_back();
        one.index = data.index;
        one.base_offset = no_offset;
        one.error_code = what.judge([&] {
          partition* const in = of == nullptr ? nullptr : what.in.find({of->name, data.index});
          if (in == nullptr) {
            return what.version >= topic_ids_since && of == nullptr ? errc::unknown_topic_id
                                                                    : errc::unknown_topic_or_partition;
          }
          if (in->leader != what.on.id) {
            if (what.version >= leader_told_since) {
              one.current_leader = {.leader_id = in->leader, .leader_epoch = in->log.epoch()};
              told_leaders = true;
            }
            return errc::not_leader_or_follower;
          }
          if (asked.acks < -1 || asked.acks > 1) return errc::invalid_required_acks;
          if (what.on.disk_full) return errc::kafka_storage_error;
          const appended got = in->log.append(data.records.bytes(), what.in.batch_bytes_max(*of));
          if (got.code != errc::none) return got.code;
          one.base_offset = got.base;
          one.log_start_offset = in->log.start();
          what.in.changed();
          return errc::none;
        });
        if (one.error_code != errc::none) one.base_offset = no_offset;
      }
    }
    if (told_leaders) {
      for (const auto& [id, other] : what.in.brokers) {
        if (other.running)
          out.node_endpoints.push_back({.node_id = id, .host = what.in.options.host, .port = other.port});
      }
    }
    return done;
  });
}

}  // namespace moldau::testing::fake
