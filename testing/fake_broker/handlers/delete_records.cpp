#include "testing/fake_broker/apis.hpp"
#include "wire/protocol/delete_records_request.hpp"
#include "wire/protocol/delete_records_response.hpp"

namespace moldau::testing::fake {
namespace {

using wire::protocol::delete_records_request;
using wire::protocol::delete_records_response;

/// Everything that is there.
constexpr offset high_watermark{-1};

}  // namespace

outcome handle_delete_records(call& what) {
  return serve<delete_records_request, delete_records_response>(
      what, [&](const delete_records_request& asked, delete_records_response& out) {
        for (const auto& of : asked.topics) {
          auto& to = out.topics.emplace_back();
          to.name = of.name;
          for (const auto& wanted : of.partitions) {
            auto& one = to.partitions.emplace_back();
            one.partition_index = wanted.partition_index;
            one.low_watermark = no_offset;
            one.error_code = what.judge([&] {
              partition* const in = what.in.find({std::string(of.name), wanted.partition_index});
              if (in == nullptr) return errc::unknown_topic_or_partition;
              if (in->leader != what.on.id) return errc::not_leader_or_follower;
              const offset before = wanted.offset == high_watermark ? in->log.end() : wanted.offset;
              if (before < offset(0) || before > in->log.end()) return errc::offset_out_of_range;
              if (before > in->log.start()) in->log.delete_before(before);
              one.low_watermark = in->log.start();
              what.in.changed();
              return errc::none;
            });
          }
        }
        return done;
      });
}

}  // namespace moldau::testing::fake
