#include "client/consumer_impl.hpp"
#include "client/interceptors.hpp"

namespace moldau::client {

/// Shows what a poll gives to the interceptors.
void consumer::impl::intercept(polled& given) {
  for (const auto& interceptor : options_.interceptors) {
    if (given.batches.empty()) return;
    polled before = given;
    const bool went_well = call_guest(
        "on_consume", [&] { interceptor->on_consume(given); },
        [&](const std::string& text) { cluster_->log(log_severity::warn, text); });
    if (!went_well) given = std::move(before);
  }
}

void consumer::impl::tell_committed(const committed_offsets& taken) {
  if (taken.empty()) return;
  for (const auto& interceptor : options_.interceptors) {
    call_guest(
        "on_commit", [&] { interceptor->on_commit(taken); },
        [&](const std::string& text) { cluster_->log(log_severity::warn, text); });
  }
}

}  // namespace moldau::client
