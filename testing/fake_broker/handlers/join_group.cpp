#include <algorithm>

#include "testing/fake_broker/apis.hpp"
#include "testing/fake_broker/group_call.hpp"
#include "wire/protocol/join_group_request.hpp"
#include "wire/protocol/join_group_response.hpp"

namespace moldau::testing::fake {
namespace {

using wire::protocol::join_group_request;
using wire::protocol::join_group_response;

/// KIP-394: a new member learns its id before it counts.
constexpr std::int16_t id_first_since = 4;
/// KIP-814.
constexpr std::int16_t skip_assignment_since = 9;

constexpr auto session_least = std::chrono::milliseconds(100);

group::join_answer begin(const join_group_request& asked, call& what) {
  if (asked.session_timeout_ms < session_least.count()) return {.code = errc::invalid_session_timeout};
  group& in = what.in.groups[std::string(asked.group_id)];
  const std::chrono::milliseconds session(asked.session_timeout_ms);
  group::join_request by{
      .member_id = std::string(asked.member_id),
      .instance_id = own(asked.group_instance_id),
      .client_id = what.client_id,
      .session = session,
      .rebalance = asked.rebalance_timeout_ms < 0 ? session : std::chrono::milliseconds(asked.rebalance_timeout_ms),
      .protocol_type = std::string(asked.protocol_type),
      .protocols = {},
      .must_know_id = what.version >= id_first_since,
      .id_if_new = what.client_id + "-" + what.in.fresh_uuid().to_string()};
  for (const auto& one : asked.protocols) by.protocols.emplace_back(one.name, as_text(one.metadata));
  auto out = in.join(by, what.now(), std::chrono::milliseconds(what.in.options.initial_rebalance_delay_ms));
  what.in.changed();
  return out;
}

void tell(const group& of, const group::join_answer& found, call& what, join_group_response& out) {
  const bool leads = of.leader() == found.member_id;
  out.generation_id = of.generation();
  out.protocol_type = of.protocol_type();
  out.protocol_name = of.protocol();
  out.leader = of.leader();
  if (found.skip_assignment) {
    if (what.version >= skip_assignment_since) {
      out.skip_assignment = true;
    } else {
      // An older client would share out anew: it is told of another leader.
      out.leader = "";
      return;
    }
  }
  if (!leads) return;
  for (const auto& [id, who] : of.members()) {
    auto& to = out.members.emplace_back();
    to.member_id = id;
    if (who.instance_id) to.group_instance_id = *who.instance_id;
    to.metadata = as_bytes(what.keep(of.metadata_of(who)));
  }
}

}  // namespace

outcome handle_join_group(call& what) {
  return serve<join_group_request, join_group_response>(
      what, [&](const join_group_request& asked, join_group_response& out) -> std::optional<rt::time_point> {
        out.protocol_name = "";
        if (what.refused) {
          out.error_code = *what.refused;
          out.member_id = asked.member_id;
          return done;
        }
        if (const errc code = coordinates(what, asked.group_id); code != errc::none) {
          out.error_code = code;
          out.member_id = asked.member_id;
          return done;
        }
        const auto now = what.is_first() ? begin(asked, what) : [&] {
          group& in = what.in.groups[std::string(asked.group_id)];
          in.tick(what.now());
          return in.joined(std::any_cast<const group::join_answer&>(what.kept));
        }();
        const group* const of = find_group(what, asked.group_id);
        if (now.waits && !what.in.stopped) {
          what.kept = now;
          // Its own round may have come to an end by this one's joining.
          return of->next_event().value_or(what.now() + std::chrono::seconds(1));
        }
        out.error_code = now.code;
        out.member_id = what.keep(now.member_id);
        if (now.code == errc::none) tell(*of, now, what, out);
        what.in.changed();
        return done;
      });
}

}  // namespace moldau::testing::fake
