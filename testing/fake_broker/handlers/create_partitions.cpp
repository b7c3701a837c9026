#include "testing/fake_broker/apis.hpp"
#include "wire/protocol/create_partitions_request.hpp"
#include "wire/protocol/create_partitions_response.hpp"

namespace moldau::testing::fake {

using wire::protocol::create_partitions_request;
using wire::protocol::create_partitions_response;

outcome handle_create_partitions(call& what) {
  return serve<create_partitions_request, create_partitions_response>(
      what, [&](const create_partitions_request& asked, create_partitions_response& out) {
        for (const auto& wanted : asked.topics) {
          auto& to = out.results.emplace_back();
          to.name = wanted.name;
          to.error_code = what.judge([&] {
            if (asked.validate_only && what.in.find(wanted.name) != nullptr) return errc::none;
            const auto grown = what.in.add_partitions(wanted.name, wanted.count);
            if (grown) return errc::none;
            to.error_message = what.keep(grown.error().message);
            return grown.error().code;
          });
        }
        return done;
      });
}

}  // namespace moldau::testing::fake
