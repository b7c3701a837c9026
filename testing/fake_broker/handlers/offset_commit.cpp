#include "testing/fake_broker/apis.hpp"
#include "testing/fake_broker/group_call.hpp"
#include "wire/protocol/offset_commit_request.hpp"
#include "wire/protocol/offset_commit_response.hpp"

namespace moldau::testing::fake {
namespace {

using wire::protocol::offset_commit_request;
using wire::protocol::offset_commit_response;

/// Topics go by id.
constexpr std::int16_t topic_ids_since = 10;

errc may_commit(const offset_commit_request& asked, call& what) {
  if (const errc code = coordinates(what, asked.group_id); code != errc::none) return code;
  group& of = what.in.groups[std::string(asked.group_id)];
  return of.may_commit(std::string(asked.member_id), own(asked.group_instance_id), asked.generation_id_or_member_epoch,
                       what.now());
}

}  // namespace

outcome handle_offset_commit(call& what) {
  return serve<offset_commit_request, offset_commit_response>(
      what, [&](const offset_commit_request& asked, offset_commit_response& out) {
        const errc group_code = may_commit(asked, what);
        for (const auto& of : asked.topics) {
          auto& to = out.topics.emplace_back();
          to.name = of.name;
          to.topic_id = of.topic_id;
          for (const auto& one : of.partitions) {
            const errc code = what.judge([&] {
              if (group_code != errc::none) return group_code;
              const bool by_id = what.version >= topic_ids_since;
              const topic* known = by_id ? what.in.find(of.topic_id) : what.in.find(of.name);
              if (known == nullptr) return by_id ? errc::unknown_topic_id : errc::unknown_topic_or_partition;
              const topic_partition place{known->name, one.partition_index};
              if (what.in.find(place) == nullptr) return errc::unknown_topic_or_partition;
              what.in.groups[std::string(asked.group_id)].offsets[place] = {.offset = one.committed_offset,
                                                                            .epoch = one.committed_leader_epoch,
                                                                            .metadata = own(one.committed_metadata)};
              return errc::none;
            });
            to.partitions.push_back({.partition_index = one.partition_index, .error_code = code});
          }
        }
        return done;
      });
}

}  // namespace moldau::testing::fake
