#include "broker/wiring/producer_ids.hpp"

namespace moldau::broker {

rt::task<result<producer_id>> producer_ids::next() {
  const auto held = co_await allocating_.lock();
  if (next_ == end_) {
    auto more = co_await more_();
    if (!more) co_return fail(errc::coordinator_load_in_progress, std::move(more).error().message);
    next_ = more->first;
    end_ = more->first + more->size;
  }
  const producer_id out = next_;
  ++next_;
  co_return out;
}

}  // namespace moldau::broker
