#include "testing/fake_broker/loop_thread.hpp"

#include <thread>

#include "rt_asio/host.hpp"

namespace moldau::testing::fake {
namespace {

class asio_thread final : public loop_thread {
 public:
  asio_thread() : host_({.cores = 1, .workers = 1}), thread_([this] { host_.run(); }) {}
  ~asio_thread() override {
    host_.stop();
    thread_.join();
  }
  rt::world& world() override { return host_.core(0); }

 private:
  rt_asio::host host_;
  std::thread thread_;
};

}  // namespace

std::unique_ptr<loop_thread> make_loop_thread() {
  return std::make_unique<asio_thread>();
}

}  // namespace moldau::testing::fake
