#pragma once

#include <memory>
#include <utility>

#include "broker/request.hpp"
#include "broker/shard.hpp"
#include "rt/callback_list.hpp"
#include "rt/event.hpp"
#include "rt/task.hpp"
#include "rt/world.hpp"

namespace moldau::broker {

/// A fetch asleep: woken by news, by its deadline, by its client's leaving or by the broker's stop. Those who wake it
/// may hold it longer than the poll lasts. Lives on the core of its connection.
struct long_poll {
  bool woken = false;
  rt::event news;

  void wake() {
    if (std::exchange(woken, true)) return;
    news.notify_all();
  }

  /// Wakes at the latest at `deadline`; at once if it was woken already, or if its client has left or the broker stops:
  /// that may have come about while other cores were asked, and is told only once.
  static rt::task<void> sleep(std::shared_ptr<long_poll> poll, shard& at, request& what, rt::time_point deadline) {
    if (poll->woken || at.stopping() || what.peer->gone) co_return;
    rt::callback stopping([&] { poll->wake(); });
    at.on_stop(stopping);
    rt::callback leaving([&] { poll->wake(); });
    what.peer->on_gone.add(leaving);
    const auto timer = at.world().post_at(deadline, [poll] { poll->wake(); });
    co_await poll->news.wait();
  }
};

}  // namespace moldau::broker
