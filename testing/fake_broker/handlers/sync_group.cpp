#include "testing/fake_broker/apis.hpp"
#include "testing/fake_broker/group_call.hpp"
#include "wire/protocol/sync_group_request.hpp"
#include "wire/protocol/sync_group_response.hpp"

namespace moldau::testing::fake {

using wire::protocol::sync_group_request;
using wire::protocol::sync_group_response;

outcome handle_sync_group(call& what) {
  return serve<sync_group_request, sync_group_response>(
      what, [&](const sync_group_request& asked, sync_group_response& out) -> std::optional<rt::time_point> {
        if (what.refused) {
          out.error_code = *what.refused;
          return done;
        }
        if (out.error_code = coordinates(what, asked.group_id); out.error_code != errc::none) return done;
        group* const of = find_group(what, asked.group_id);
        if (of == nullptr) {
          out.error_code = errc::unknown_member_id;
          return done;
        }
        std::vector<std::pair<std::string, std::string>> shares;
        for (const auto& one : asked.assignments) shares.emplace_back(one.member_id, as_text(one.assignment));
        const std::string member(asked.member_id);
        const auto code = of->sync(member, own(asked.group_instance_id), asked.generation_id, shares, what.now());
        what.in.changed();
        if (!code && !what.in.stopped) {
          what.kept = true;
          return of->next_event().value_or(what.now() + std::chrono::seconds(1));
        }
        out.error_code = code.value_or(errc::coordinator_not_available);
        if (out.error_code != errc::none) return done;
        out.protocol_type = of->protocol_type();
        out.protocol_name = of->protocol();
        out.assignment = as_bytes(of->members().at(member).assignment);
        return done;
      });
}

}  // namespace moldau::testing::fake
