#include "testing/fake_broker/loop_thread.hpp"

#include "rt_asio/loop_thread.hpp"

namespace moldau::testing::fake {

std::unique_ptr<rt::loop_thread> make_loop_thread() {
  return rt_asio::start_loop_thread({});
}

}  // namespace moldau::testing::fake
