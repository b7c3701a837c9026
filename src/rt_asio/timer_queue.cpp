#include "rt_asio/timer_queue.hpp"

#include <utility>

namespace moldau::rt_asio {

/// The handle that `add` returns; it knows its place in the heap, so cancelling takes no search.
class timer_queue::entry final : public rt::timer {
 public:
  entry(timer_queue& queue, rt::work what) : queue_(&queue), what_(std::move(what)) {}
  entry(const entry&) = delete;
  entry& operator=(const entry&) = delete;
  ~entry() override { entry::cancel(); }

  void cancel() override {
    if (auto* queue = std::exchange(queue_, nullptr)) queue->remove(index_);
    what_ = nullptr;
  }

  void moved_to(std::size_t index) { index_ = index; }
  /// Out of the heap; returns what to run. The handle may be destroyed by it.
  [[nodiscard]] rt::work detach() {
    queue_ = nullptr;
    return std::exchange(what_, nullptr);
  }

 private:
  timer_queue* queue_;
  std::size_t index_ = 0;
  rt::work what_;
};

void timer_queue::clear() {
  // Dropping the work may destroy other handles, which must not find this heap any more.
  auto left = std::exchange(heap_, {});
  std::vector<rt::work> dropped;
  dropped.reserve(left.size());
  for (const slot& each : left) dropped.push_back(each.owner->detach());
}

std::unique_ptr<rt::timer> timer_queue::add(rt::time_point at, rt::work what) {
  auto handle = std::make_unique<entry>(*this, std::move(what));
  const slot added{.at = at, .sequence = next_sequence_++, .owner = handle.get()};
  heap_.push_back(added);
  sift_up(heap_.size() - 1, added);
  return handle;
}

std::optional<rt::time_point> timer_queue::next() const {
  if (heap_.empty()) return std::nullopt;
  return heap_.front().at;
}

void timer_queue::fire_due(rt::time_point now) {
  const std::uint64_t end = next_sequence_;
  while (!heap_.empty() && heap_.front().at <= now && heap_.front().sequence < end) {
    entry* due = heap_.front().owner;
    remove(0);
    due->detach()();
  }
}

void timer_queue::remove(std::size_t index) {
  const slot last = heap_.back();
  heap_.pop_back();
  if (index == heap_.size()) return;
  if (index > 0 && last.before(heap_[(index - 1) / 2])) {
    sift_up(index, last);
  } else {
    sift_down(index, last);
  }
}

void timer_queue::put(std::size_t index, const slot& what) {
  heap_[index] = what;
  what.owner->moved_to(index);
}

void timer_queue::sift_up(std::size_t index, const slot& what) {
  while (index > 0) {
    const std::size_t parent = (index - 1) / 2;
    if (!what.before(heap_[parent])) break;
    put(index, heap_[parent]);
    index = parent;
  }
  put(index, what);
}

void timer_queue::sift_down(std::size_t index, const slot& what) {
  while (true) {
    std::size_t child = 2 * index + 1;
    if (child >= heap_.size()) break;
    if (child + 1 < heap_.size() && heap_[child + 1].before(heap_[child])) ++child;
    if (!heap_[child].before(what)) break;
    put(index, heap_[child]);
    index = child;
  }
  put(index, what);
}

}  // namespace moldau::rt_asio
