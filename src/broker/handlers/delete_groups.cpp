#include <set>
#include <vector>

#include "broker/group_call.hpp"
#include "broker/handlers.hpp"
#include "wire/protocol/delete_groups_request.hpp"
#include "wire/protocol/delete_groups_response.hpp"

namespace moldau::broker {
namespace {

using wire::protocol::delete_groups_request;
using wire::protocol::delete_groups_response;

rt::task<delete_groups_response> act(shard& at, request&, const delete_groups_request& message) {
  delete_groups_response out;
  std::set<std::string_view> seen;
  for (const std::string_view group : message.groups_names) {
    if (!seen.insert(group).second) continue;
    const auto done = co_await ask_group<std::vector<errc>>(
        at, group, [&](auto& coordinator, coord::instant now, coord::reply<std::vector<errc>> reply) {
          coordinator.remove_groups(std::span(&group, 1), now, std::move(reply));
        });
    out.results.push_back({.group_id = group, .error_code = done ? done->front() : done.error().code});
  }
  co_return out;
}

}  // namespace

rt::task<answer> delete_groups(shard& at, request& what) {
  return serve<delete_groups_request>(at, what, act);
}

}  // namespace moldau::broker
