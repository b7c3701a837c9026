#include <algorithm>
#include <vector>

#include "broker/group_call.hpp"
#include "broker/handlers.hpp"
#include "wire/protocol/list_groups_request.hpp"
#include "wire/protocol/list_groups_response.hpp"

namespace moldau::broker {
namespace {

using wire::protocol::list_groups_request;
using wire::protocol::list_groups_response;
using listed = std::vector<coord::listed_group>;

rt::task<list_groups_response> act(shard& at, request& what, const list_groups_request& message) {
  list_groups_response out;
  listed all;
  for (unsigned core = 0; core < at.world().core_count(); ++core) {
    auto some = co_await at.world().call_on(core, [&]() -> rt::task<result<listed>> {
      auto coordinators = at.on_core(core).groups().all();
      if (!coordinators) co_return std::unexpected<error>(std::move(coordinators).error());
      listed found;
      for (const auto* one : *coordinators) {
        std::ranges::move(one->list(message.states_filter, message.types_filter), std::back_inserter(found));
      }
      co_return found;
    });
    if (!some) {
      out.error_code = some.error().code;
      co_return out;
    }
    std::ranges::move(*some, std::back_inserter(all));
  }
  const listed& groups = keep(what, std::move(all));
  out.groups.reserve(groups.size());
  for (const auto& one : groups) {
    out.groups.push_back(
        {.group_id = one.id, .protocol_type = one.protocol_type, .group_state = one.state, .group_type = one.type});
  }
  co_return out;
}

}  // namespace

rt::task<answer> list_groups(shard& at, request& what) {
  return serve<list_groups_request>(at, what, act);
}

}  // namespace moldau::broker
