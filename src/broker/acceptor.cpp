#include "broker/acceptor.hpp"

#include <fmt/format.h>

#include <chrono>

namespace moldau::broker {
namespace {

/// How long to leave the queue alone after an accept that failed for want of descriptors.
constexpr auto exhausted_pause = std::chrono::milliseconds(100);

}  // namespace

acceptor::acceptor(rt::world& world, accept_limits limits, rt::socket_buffers buffers, hand_over serve)
    : world_(world), limits_(std::move(limits)), buffers_(buffers), serve_(std::move(serve)) {}

result<rt::endpoint> acceptor::listen(const std::string& listener, const rt::endpoint& at, bool limited) {
  auto socket = world_.net().listen(at, buffers_);
  if (!socket) {
    return fail(socket.error().code, fmt::format("cannot listen on {} ({}): {}. Change `listeners`, or stop what "
                                                 "listens there.",
                                                 at.to_string(), listener, socket.error().message));
  }
  rt::endpoint local = (*socket)->local();
  bound_.push_back(
      std::make_unique<bound>(bound{.listener = listener, .socket = *std::move(socket), .limited = limited}));
  return local;
}

void acceptor::start() {
  for (auto& from : bound_) running_.spawn(accept_loop(*from));
}

rt::task<void> acceptor::accept_loop(bound& from) {
  while (!stopping_) {
    auto socket = co_await from.socket->accept();
    if (!socket) {
      if (stopping_ || socket.error().code == errc::closed) co_return;
      world_.log().warn("cannot accept on {}: {}", from.listener, socket.error().message);
      co_await world_.sleep_for(exhausted_pause);
      continue;
    }
    const std::string host = (*socket)->remote().host;
    auto& of_host = per_host_[host];
    if (from.limited && of_host >= limits_.per_host_max(host)) {
      ++refused_;
      if (of_host == 0) per_host_.erase(host);
      continue;
    }
    ++of_host;
    while (is_full(from) && !stopping_) co_await changed_.wait();
    if (stopping_) co_return;
    if (from.limited) ++connections_;
    ++from.connections;
    serve_(next_core_, *std::move(socket), from.listener);
    next_core_ = (next_core_ + 1) % world_.core_count();
  }
}

bool acceptor::is_full(const bound& on) const {
  return on.limited &&
         (connections_ >= limits_.connections_max() || on.connections >= limits_.per_listener_max(on.listener));
}

void acceptor::released(const std::string& host, const std::string& listener) {
  if (const auto found = per_host_.find(host); found != per_host_.end() && --found->second == 0) per_host_.erase(found);
  for (const auto& on : bound_) {
    if (on->listener != listener) continue;
    --on->connections;
    if (on->limited) --connections_;
  }
  changed_.notify_all();
}

rt::task<void> acceptor::stop() {
  stopping_ = true;
  changed_.notify_all();
  for (auto& from : bound_) from->socket->close();
  co_await running_.drained();
}

}  // namespace moldau::broker
