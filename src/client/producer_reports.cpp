#include <algorithm>
#include <chrono>

#include "client/interceptors.hpp"
#include "client/producer_impl.hpp"

namespace moldau::client {

namespace {

/// Counts something that took so long for each of `times`.
void note(timing& in, rt::duration took, std::uint64_t times) {
  if (times == 0) return;
  const std::int64_t us = std::chrono::duration_cast<std::chrono::microseconds>(took).count();
  in.count += times;
  in.total_us += us * static_cast<std::int64_t>(times);
  in.longest_us = std::max(in.longest_us, us);
  constexpr std::uint64_t about_a_hundred = 50;
  const std::uint64_t weight = std::min(in.count, about_a_hundred);
  in.recent_us += (static_cast<double>(us) - in.recent_us) * static_cast<double>(std::min(times, weight)) /
                  static_cast<double>(weight);
}

}  // namespace

/// An empty list with the memory of the last one.
std::vector<finished_batch> producer::impl::finished_list() {
  return std::exchange(finished_spare_, {});
}

/// Reports go out a batch at a time; then its memory is free.
void producer::impl::finish(std::vector<finished_batch> finished) {
  const bool has_news = !finished.empty();
  const auto at = has_news ? now() : rt::time_point{};
  for (finished_batch& done : finished) {
    accumulator_.uncharge(*done.batch);
    note(delivery_time_, at - done.batch->created_at, static_cast<std::uint64_t>(done.batch->count()));
    if (options_.client.handlers == nullptr) {
      report(done);
      accumulator_.recycle(std::move(done.batch));
      continue;
    }
    auto shared = std::make_shared<finished_batch>(std::move(done));
    options_.client.handlers->post([self = shared_from_this(), shared] {
      self->report(*shared);
      self->accumulator_.recycle(std::move(shared->batch));
    });
  }
  finished.clear();
  if (finished.capacity() > finished_spare_.capacity()) finished_spare_ = std::move(finished);
  if (has_news) reported_.notify_all();
}

void producer::impl::report(const finished_batch& done) {
  const producer_batch& batch = *done.batch;
  const batch_outcome& outcome = done.outcome;
  const bool is_delivered = outcome.error.code == errc::none;
  const bool has_offset = is_delivered && outcome.base_offset >= offset(0);
  const bool has_time = is_delivered && outcome.log_append_time_ms >= 0;
  delivery_report what{.topic = batch.lane->topic(),
                       .partition = batch.lane->partition(),
                       .error = is_delivered ? nullptr : &outcome.error};
  auto next_waiting = batch.waiting.begin();
  for (std::size_t i = 0; i < batch.tags.size(); ++i) {
    what.tag = batch.tags[i];
    what.timestamp_ms = has_time ? outcome.log_append_time_ms : batch.timestamp_ms(i);
    if (has_offset) what.offset = outcome.base_offset + static_cast<std::int64_t>(i);
    const promise<delivery>* waiting = nullptr;
    if (next_waiting != batch.waiting.end() && next_waiting->first == static_cast<std::int32_t>(i)) {
      waiting = &next_waiting++->second;
    }
    report(what, waiting);
  }
}

void producer::impl::report(const delivery_report& what, const promise<delivery>* waiting) {
  if (!options_.interceptors.empty()) tell_interceptors(what);
  if (waiting == nullptr) {
    if (options_.on_delivery) options_.on_delivery(what);
  } else if (what.error != nullptr) {
    waiting->set(std::unexpected(*what.error));
  } else {
    waiting->set(delivery{.topic = std::string(what.topic),
                          .partition = what.partition,
                          .offset = what.offset,
                          .timestamp_ms = what.timestamp_ms});
  }
}

void producer::impl::tell_interceptors(const delivery_report& what) {
  for (const auto& interceptor : options_.interceptors) {
    call_guest(
        "on_acknowledgement", [&] { interceptor->on_acknowledgement(what); },
        [&](std::string text) { log_later(std::move(text)); });
  }
}

/// Log lines come on the I/O thread.
void producer::impl::log_later(std::string text) const {
  runtime_.world().post([of = cluster_, text = std::move(text)] { of->log(log_severity::warn, text); });
}

void producer::impl::fail(kept_record& record, producer_topic& topic, const error& why) {
  accumulator_.budget().give_back(std::exchange(record.charged_bytes, 0));
  ++failed_kept_;
  const auto tell = [this, &topic](const kept_record& of, const error& reason) {
    report({.topic = topic.name(),
            .partition = of.partition.value_or(partition_id(-1)),
            .timestamp_ms = of.timestamp_ms,
            .tag = of.tag,
            .error = &reason},
           of.waiting ? &*of.waiting : nullptr);
  };
  if (options_.client.handlers == nullptr) return tell(record, why);
  options_.client.handlers->post([self = shared_from_this(), tell,
                                  shared = std::make_shared<kept_record>(std::move(record)),
                                  why] { tell(*shared, why); });
}

}  // namespace moldau::client
