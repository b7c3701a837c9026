#include "testing/sim/network.hpp"

#include <fmt/format.h>

#include <bit>

#include "testing/sim/host.hpp"
#include "testing/sim/transport.hpp"

namespace moldau::testing::sim {
namespace {

constexpr rt::duration try_again = std::chrono::seconds(1);
constexpr std::int64_t connect_timeout_max_ms = 120'000;
constexpr std::uint16_t ephemeral_first = 32768;

}  // namespace

void listening::wake() {
  if (waiting == nullptr) return;
  home->post([arrived = std::exchange(waiting, nullptr)] { arrived->set(true); });
}

template <typename F>
void network::each_link(F visit) const {
  std::erase_if(links_, [](const auto& known) { return known.expired(); });
  // A copy: what is visited may make others go.
  for (const auto& known : std::vector(links_)) {
    if (const auto alive = known.lock()) visit(*alive);
  }
}

rt::duration network::latency(host_index a, host_index b) {
  return random_.within(a == b ? settings_.loopback_latency : settings_.latency);
}

void network::block(const host& from, const host& to) {
  routes_.block(from.index(), to.index());
}

void network::partition(const host& a, const host& b) {
  block(a, b);
  block(b, a);
}

void network::isolate(const host& alone) {
  for (host_index other = 0; other < routes_.count(); ++other) {
    if (other == alone.index()) continue;
    routes_.block(alone.index(), other);
    routes_.block(other, alone.index());
  }
}

void network::heal(const host& a, const host& b) {
  routes_.unblock(a.index(), b.index());
  routes_.unblock(b.index(), a.index());
  heal_paths();
}

void network::heal_all() {
  routes_.unblock_all();
  heal_paths();
}

void network::heal_paths() {
  each_link([](link& l) { l.retry(); });
}

void network::cut(const host& a, const host& b, bool silently) {
  each_link([&](link& l) {
    if (l.between(a.index(), b.index())) l.cut(!silently, !silently);
  });
}

void network::cut_all() {
  each_link([](link& l) { l.cut(true, true); });
}

std::size_t network::connections() const {
  std::size_t open = 0;
  each_link([&](const link& l) { open += l.lives_at(0) || l.lives_at(1) ? 1 : 0; });
  return open;
}

void network::set(host_index host, paths::state now) {
  routes_.set(host, now);
  if (now != paths::state::dark) heal_paths();
}

void network::abandon(host_index host, bool power) {
  // First the links, so that what waits in a backlog goes as the others do.
  each_link([&](link& l) {
    for (std::size_t i = 0; i < 2; ++i) {
      if (l.host(i) == host) l.abandon(i, power);
    }
  });
  for (auto at = listeners_.lower_bound({host, 0}); at != listeners_.end() && at->first.first == host;) {
    at->second->closed = true;
    at->second->waiting = nullptr;
    at->second->backlog.clear();
    at = listeners_.erase(at);
  }
}

result<std::shared_ptr<listening>> network::listen(host_index host, rt::world& home, const rt::endpoint& at) {
  if (!at.host.empty() && at.host != "0.0.0.0" && at.host != "::" && routes_.resolve(at.host, host) != host) {
    return fail(errc::io_error, fmt::format("{}: not an address of this host", at.to_string()));
  }
  std::uint16_t port = at.port;
  if (port == 0) {
    std::uint16_t& next = next_port_.try_emplace(host, ephemeral_first).first->second;
    do {
      port = next = next == 65535 ? ephemeral_first : static_cast<std::uint16_t>(next + 1);
    } while (listeners_.contains({host, port}));
  }
  auto& slot = listeners_[{host, port}];
  if (slot) return fail(errc::already_exists, fmt::format("{}: address in use", at.to_string()));
  slot = std::make_shared<listening>();
  slot->home = &home;
  slot->host = host;
  slot->at = {at.host, port};
  slot->loopback_only = paths::is_loopback(at.host);
  return slot;
}

void network::unlisten(listening& socket) {
  if (socket.closed) return;
  socket.closed = true;
  socket.backlog.clear();
  socket.wake();
  listeners_.erase({socket.host, socket.at.port});
}

void network::connect(std::shared_ptr<connecting> attempt, std::int64_t timeout_ms) {
  if (timeout_ms <= 0 || timeout_ms > connect_timeout_max_ms) timeout_ms = connect_timeout_max_ms;
  actor* owner = attempt->owner;
  queue_.at(queue_.now() + std::chrono::milliseconds(timeout_ms), owner, [this, attempt] {
    answer(attempt, fail(errc::timed_out, fmt::format("{}: no answer", attempt->to.to_string())));
  });
  const host_index from = attempt->from;
  queue_.at(queue_.now() + latency(from, routes_.resolve(attempt->to.host, from)), owner,
            [this, a = std::move(attempt)] { try_connect(a); });
}

void network::answer(const std::shared_ptr<connecting>& attempt, result<std::unique_ptr<rt::connection>> with) {
  if (attempt->settled) return;
  attempt->settled = true;
  attempt->home->post([attempt, w = std::move(with)]() mutable {
    if (!attempt->abandoned) attempt->done.set(std::move(w));
  });
}

void network::try_connect(const std::shared_ptr<connecting>& attempt) {
  if (attempt->settled) return;
  const host_index from = attempt->from;
  const host_index to = routes_.resolve(attempt->to.host, from);
  const std::string name = attempt->to.to_string();
  if (to == routes_.count()) return answer(attempt, fail(errc::network_exception, name + ": no such host"));

  const auto found = listeners_.find({to, attempt->to.port});
  const bool listens = found != listeners_.end() && (!found->second->loopback_only || from == to);
  const bool lost = !routes_.open(from, to) || !routes_.open(to, from);
  if (lost || (listens && found->second->backlog.size() >= settings_.backlog)) {
    queue_.at(queue_.now() + try_again, attempt->owner, [this, attempt] { try_connect(attempt); });
    return;
  }
  const rt::duration back = latency(from, to);
  if (!listens || random_.chance(settings_.refuse)) {
    queue_.at(queue_.now() + back, attempt->owner,
              [this, attempt, name] { answer(attempt, fail(errc::network_exception, name + ": connection refused")); });
    return;
  }
  listening& socket = *found->second;
  const auto ephemeral = static_cast<std::uint16_t>(ephemeral_first + random_.below(65536 - ephemeral_first));
  const std::string there = from == to ? "127.0.0.1" : routes_.address(to);
  const std::string here = from == to ? "127.0.0.1" : routes_.address(from);
  auto made = std::make_shared<link>(queue_, random_.split(), settings_, routes_,
                                     link::end{from, attempt->home, {here, ephemeral}},
                                     link::end{to, socket.home, {there, attempt->to.port}});
  // Forget those that are gone, each time the number has doubled.
  if (std::has_single_bit(links_.size())) std::erase_if(links_, [](const auto& known) { return known.expired(); });
  links_.push_back(made);
  socket.backlog.push_back(std::make_unique<simulated_connection>(made, 1));
  socket.wake();
  auto mine = std::make_unique<simulated_connection>(made, 0);
  queue_.at(queue_.now() + back, attempt->owner,
            [this, attempt, m = std::move(mine)]() mutable { answer(attempt, std::move(m)); });
}

}  // namespace moldau::testing::sim
