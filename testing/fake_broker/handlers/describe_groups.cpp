#include "testing/fake_broker/apis.hpp"
#include "testing/fake_broker/group_call.hpp"
#include "wire/protocol/describe_groups_request.hpp"
#include "wire/protocol/describe_groups_response.hpp"

namespace moldau::testing::fake {

using wire::protocol::describe_groups_request;
using wire::protocol::describe_groups_response;

outcome handle_describe_groups(call& what) {
  return serve<describe_groups_request, describe_groups_response>(
      what, [&](const describe_groups_request& asked, describe_groups_response& out) {
        for (const std::string_view id : asked.groups) {
          auto& to = out.groups.emplace_back();
          to.group_id = id;
          group* const of = find_group(what, id);
          // KIP-1043: from version 6 on a group that isn't there is an error.
          to.error_code = what.judge([&] {
            if (const errc code = coordinates(what, id); code != errc::none) return code;
            return of == nullptr && what.version >= 6 ? errc::group_id_not_found : errc::none;
          });
          to.group_state = of == nullptr ? "Dead" : "";
          if (to.error_code != errc::none || of == nullptr) continue;
          of->tick(what.now());
          to.group_state = of->state_name();
          to.protocol_type = of->protocol_type();
          to.protocol_data = of->protocol();
          for (const auto& [member, who] : of->members()) {
            auto& one = to.members.emplace_back();
            one.member_id = member;
            if (who.instance_id) one.group_instance_id = *who.instance_id;
            one.client_id = who.client_id;
            one.client_host = "/127.0.0.1";
            one.member_metadata = as_bytes(what.keep(of->metadata_of(who)));
            one.member_assignment = as_bytes(who.assignment);
          }
        }
        return done;
      });
}

}  // namespace moldau::testing::fake
