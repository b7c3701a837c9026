#include "testing/fake_broker/apis.hpp"
#include "wire/protocol/init_producer_id_request.hpp"
#include "wire/protocol/init_producer_id_response.hpp"

namespace moldau::testing::fake {

using wire::protocol::init_producer_id_request;
using wire::protocol::init_producer_id_response;

outcome handle_init_producer_id(call& what) {
  return serve<init_producer_id_request, init_producer_id_response>(
      what, [&](const init_producer_id_request& asked, init_producer_id_response& out) {
        out.producer_epoch = no_producer_epoch;
        out.error_code = what.judge([&] {
          // No transactions here.
          if (asked.transactional_id) return errc::transactional_id_authorization_failed;
          // Without transactions an id is new each time; its epochs are the producer's own (KIP-360).
          out.producer_id = producer_id(what.in.next_producer_id++);
          out.producer_epoch = producer_epoch(0);
          return errc::none;
        });
        return done;
      });
}

}  // namespace moldau::testing::fake
