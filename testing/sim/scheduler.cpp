#include "testing/sim/scheduler.hpp"

#include <optional>

#include "bytes/crc32c.hpp"

namespace moldau::testing::sim {

scheduler::event_key scheduler::at(rt::duration when, actor* owner, rt::work what) {
  const event_key key{std::max(when, now_), ++sequence_};
  timed_.emplace(key, timed_event{owner, std::move(what)});
  return key;
}

void scheduler::cancel(event_key key) {
  // The destructor of what is dropped may come back here: take it out first.
  const auto dropped = timed_.extract(key);
}

void scheduler::drop(actor& owner) {
  std::vector<rt::work> dropped;
  for (auto at = timed_.begin(); at != timed_.end();) {
    if (at->second.owner == &owner) {
      dropped.push_back(std::move(at->second.what));
      at = timed_.erase(at);
    } else {
      ++at;
    }
  }
  std::erase_if(queues_, [&](core_queue* queue) {
    if (&queue->owner != &owner) return false;
    for (auto& item : queue->items) dropped.push_back(std::move(item));
    queue->items.clear();
    return true;
  });
}

void scheduler::trace(std::string_view text) {
  trace(bytes::crc32c(as_bytes(text)) + (text.size() << 32U));
}

rt::duration scheduler::run_as(actor& who, rt::work what) {
  MOLDAU_ASSERT(running_ == nullptr);
  running_ = &who;
  charged_ = {};
  try {
    rt::detached_frames::scope scope(&who.frames());
    what();
    what = nullptr;
  } catch (...) {
    // What a dying process throws has nobody to reach.
    if (!who.dead()) {
      running_ = nullptr;
      throw;
    }
  }
  what = nullptr;
  running_ = nullptr;
  if (who.dead()) who.bury();
  return charged_;
}

void scheduler::run_timed() {
  auto next = timed_.extract(timed_.begin());
  trace(next.key().second);
  next.mapped().what();
}

void scheduler::run_core(core_queue& queue) {
  actor& owner = queue.owner;
  rt::work what = std::move(queue.items.front());
  queue.items.pop_front();
  trace(queue.id);
  const rt::duration started = now_;
  const rt::duration cost = random_.within({.least = {}, .most = event_cost_max_}) + run_as(owner, std::move(what));
  queue.busy_until = std::max(queue.busy_until, started + cost);
}

scheduler::outcome scheduler::step(rt::duration limit) {
  MOLDAU_ASSERT(running_ == nullptr);
  while (true) {
    if (!timed_.empty() && timed_.begin()->first.first <= now_) {
      ++events_;
      run_timed();
      return outcome::ran;
    }
    ready_.clear();
    std::optional<rt::duration> next;
    if (!timed_.empty()) next = timed_.begin()->first.first;
    for (core_queue* queue : queues_) {
      if (queue->items.empty()) continue;
      if (queue->busy_until <= now_) {
        ready_.push_back(queue);
      } else if (!next || queue->busy_until < *next) {
        next = queue->busy_until;
      }
    }
    if (!ready_.empty()) {
      ++events_;
      trace(static_cast<std::uint64_t>(now_.count()));
      run_core(*ready_[ready_.size() == 1 ? 0 : random_.below(ready_.size())]);
      return outcome::ran;
    }
    if (!next || *next > limit) {
      if (now_ < limit && next) now_ = limit;
      return next ? outcome::limit_reached : outcome::nothing_left;
    }
    now_ = *next;
  }
}

}  // namespace moldau::testing::sim
