#include "testing/fake_broker/apis.hpp"
#include "testing/fake_broker/group_call.hpp"
#include "wire/protocol/offset_delete_request.hpp"
#include "wire/protocol/offset_delete_response.hpp"

namespace moldau::testing::fake {

using wire::protocol::offset_delete_request;
using wire::protocol::offset_delete_response;

outcome handle_offset_delete(call& what) {
  return serve<offset_delete_request, offset_delete_response>(
      what, [&](const offset_delete_request& asked, offset_delete_response& out) {
        group* const of = find_group(what, asked.group_id);
        out.error_code = what.judge([&] {
          if (const errc code = coordinates(what, asked.group_id); code != errc::none) return code;
          if (of == nullptr) return errc::group_id_not_found;
          return of->members().empty() ? errc::none : errc::non_empty_group;
        });
        if (out.error_code != errc::none) return done;
        for (const auto& wanted : asked.topics) {
          auto& to = out.topics.emplace_back();
          to.name = wanted.name;
          for (const auto& one : wanted.partitions) {
            of->offsets.erase({std::string(wanted.name), one.partition_index});
            to.partitions.push_back({.partition_index = one.partition_index, .error_code = errc::none});
          }
        }
        return done;
      });
}

}  // namespace moldau::testing::fake
