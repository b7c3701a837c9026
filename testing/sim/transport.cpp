#include "testing/sim/transport.hpp"

namespace moldau::testing::sim {
namespace {

class simulated_listener final : public rt::listener {
 public:
  simulated_listener(network& net, std::shared_ptr<listening> socket) : net_(net), socket_(std::move(socket)) {}
  ~simulated_listener() override { net_.unlisten(*socket_); }

  [[nodiscard]] rt::task<result<std::unique_ptr<rt::connection>>> accept() override { return accept_on(net_, socket_); }
  [[nodiscard]] rt::endpoint local() const override { return socket_->at; }
  void close() override { net_.unlisten(*socket_); }

 private:
  /// Holds the socket, as the listener may be destroyed while this waits.
  static rt::task<result<std::unique_ptr<rt::connection>>> accept_on(network& net, std::shared_ptr<listening> socket) {
    if (socket->backlog.empty() && !socket->closed) {
      rt::completion<bool> arrived;
      struct waiter {
        listening& at;
        rt::completion<bool>* self;
        ~waiter() {
          if (at.waiting == self) at.waiting = nullptr;
        }
      } const leaving{*socket, &arrived};
      MOLDAU_ASSERT(socket->waiting == nullptr);
      socket->waiting = &arrived;
      co_await arrived;
    }
    if (socket->closed) co_return fail(errc::closed, "the listener was closed");
    if (net.accept_fails()) co_return fail(errc::io_error, "too many open files");
    auto accepted = std::move(socket->backlog.front());
    socket->backlog.pop_front();
    co_return accepted;
  }

  network& net_;
  std::shared_ptr<listening> socket_;
};

}  // namespace

result<std::unique_ptr<rt::listener>> simulated_transport::listen(const rt::endpoint& at,
                                                                  const rt::socket_buffers& /*buffers*/) {
  if (who_.dead()) return fail(errc::closed, "the process has ended");
  MOLDAU_TRY_ASSIGN(auto socket, net_.listen(host_, home_, at));
  return std::make_unique<simulated_listener>(net_, std::move(socket));
}

rt::task<result<std::unique_ptr<rt::connection>>> simulated_transport::connect(rt::endpoint to, std::int64_t timeout_ms,
                                                                               rt::socket_buffers /*buffers*/) {
  if (who_.dead()) co_return fail(errc::closed, "the process has ended");
  auto attempt = std::make_shared<connecting>();
  attempt->home = &home_;
  attempt->owner = &who_;
  attempt->from = host_;
  attempt->to = std::move(to);
  // The frame may be destroyed before the answer comes.
  struct waiter {
    connecting& attempt;
    ~waiter() { attempt.settled = attempt.abandoned = true; }
  } const leaving{*attempt};
  net_.connect(attempt, timeout_ms);
  co_return co_await attempt->done;
}

std::unique_ptr<rt::connection> simulated_transport::adopt(std::unique_ptr<rt::connection> from_other_core) {
  dynamic_cast<simulated_connection&>(*from_other_core).move_to(home_);
  return from_other_core;
}

}  // namespace moldau::testing::sim
