#include "testing/fake_broker/apis.hpp"
#include "testing/fake_broker/group_call.hpp"
#include "wire/protocol/heartbeat_request.hpp"
#include "wire/protocol/heartbeat_response.hpp"

namespace moldau::testing::fake {

using wire::protocol::heartbeat_request;
using wire::protocol::heartbeat_response;

outcome handle_heartbeat(call& what) {
  return serve<heartbeat_request, heartbeat_response>(what, [&](const heartbeat_request& asked,
                                                                heartbeat_response& out) {
    out.error_code = what.judge([&] {
      if (const errc code = coordinates(what, asked.group_id); code != errc::none) return code;
      group* const of = find_group(what, asked.group_id);
      if (of == nullptr) return errc::unknown_member_id;
      return of->heartbeat(std::string(asked.member_id), own(asked.group_instance_id), asked.generation_id, what.now());
    });
    return done;
  });
}

}  // namespace moldau::testing::fake
