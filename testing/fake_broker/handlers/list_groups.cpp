#include <algorithm>

#include "testing/fake_broker/apis.hpp"
#include "wire/protocol/list_groups_request.hpp"
#include "wire/protocol/list_groups_response.hpp"

namespace moldau::testing::fake {

using wire::protocol::list_groups_request;
using wire::protocol::list_groups_response;

namespace {

bool admits(const std::vector<std::string_view>& filter, std::string_view what) {
  return filter.empty() || std::ranges::find(filter, what) != filter.end();
}

}  // namespace

outcome handle_list_groups(call& what) {
  return serve<list_groups_request, list_groups_response>(
      what, [&](const list_groups_request& asked, list_groups_response& out) {
        out.error_code = what.judge([&] {
          for (auto& [id, of] : what.in.groups) {
            // A coordinator tells of its own.
            if (what.in.coordinator_of(id) != what.on.id) continue;
            of.tick(what.now());
            if (!admits(asked.states_filter, of.state_name()) || !admits(asked.types_filter, "classic")) continue;
            out.groups.push_back({.group_id = id,
                                  .protocol_type = of.protocol_type(),
                                  .group_state = of.state_name(),
                                  .group_type = "classic"});
          }
          return errc::none;
        });
        return done;
      });
}

}  // namespace moldau::testing::fake
