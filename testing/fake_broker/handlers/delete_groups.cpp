#include "testing/fake_broker/apis.hpp"
#include "testing/fake_broker/group_call.hpp"
#include "wire/protocol/delete_groups_request.hpp"
#include "wire/protocol/delete_groups_response.hpp"

namespace moldau::testing::fake {

using wire::protocol::delete_groups_request;
using wire::protocol::delete_groups_response;

outcome handle_delete_groups(call& what) {
  return serve<delete_groups_request, delete_groups_response>(
      what, [&](const delete_groups_request& asked, delete_groups_response& out) {
        for (const std::string_view id : asked.groups_names) {
          const errc code = what.judge([&] {
            if (const errc wrong = coordinates(what, id); wrong != errc::none) return wrong;
            group* const of = find_group(what, id);
            if (of == nullptr) return errc::group_id_not_found;
            of->tick(what.now());
            if (!of->members().empty()) return errc::non_empty_group;
            what.in.groups.erase(std::string(id));
            return errc::none;
          });
          out.results.push_back({.group_id = id, .error_code = code});
        }
        return done;
      });
}

}  // namespace moldau::testing::fake
