#include "testing/fake_broker/apis.hpp"
#include "wire/protocol/describe_cluster_request.hpp"
#include "wire/protocol/describe_cluster_response.hpp"

namespace moldau::testing::fake {

using wire::protocol::describe_cluster_request;
using wire::protocol::describe_cluster_response;

outcome handle_describe_cluster(call& what) {
  return serve<describe_cluster_request, describe_cluster_response>(
      what, [&](const describe_cluster_request& asked, describe_cluster_response& out) {
        out.error_code = what.judge([] { return errc::none; });
        out.endpoint_type = asked.endpoint_type;
        out.cluster_id = what.in.cluster_id;
        out.controller_id = what.in.controller();
        for (const auto& [id, one] : what.in.brokers) {
          if (!one.running) continue;
          auto& to = out.brokers.emplace_back();
          to.broker_id = id;
          to.host = what.in.options.host;
          to.port = one.port;
          if (!one.rack.empty()) to.rack = one.rack;
        }
        return done;
      });
}

}  // namespace moldau::testing::fake
