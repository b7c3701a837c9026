#include "testing/fake_broker/apis.hpp"
#include "testing/fake_broker/group_call.hpp"
#include "wire/protocol/leave_group_request.hpp"
#include "wire/protocol/leave_group_response.hpp"

namespace moldau::testing::fake {
namespace {

using wire::protocol::leave_group_request;
using wire::protocol::leave_group_response;

/// KIP-345: several members at once.
constexpr std::int16_t batched_since = 3;

errc leave(std::string_view group_id, std::string_view member, const std::optional<std::string_view>& instance,
           call& what) {
  group* const of = find_group(what, group_id);
  if (of == nullptr) return errc::unknown_member_id;
  const errc code = of->leave(std::string(member), own(instance), what.now());
  what.in.changed();
  return code;
}

}  // namespace

outcome handle_leave_group(call& what) {
  return serve<leave_group_request, leave_group_response>(
      what, [&](const leave_group_request& asked, leave_group_response& out) {
        out.error_code = what.judge([&] {
          if (const errc code = coordinates(what, asked.group_id); code != errc::none) return code;
          if (what.version < batched_since) return leave(asked.group_id, asked.member_id, std::nullopt, what);
          for (const auto& one : asked.members) {
            out.members.push_back({.member_id = one.member_id,
                                   .group_instance_id = one.group_instance_id,
                                   .error_code = leave(asked.group_id, one.member_id, one.group_instance_id, what)});
          }
          return errc::none;
        });
        return done;
      });
}

}  // namespace moldau::testing::fake
