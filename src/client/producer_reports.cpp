#include "client/producer_impl.hpp"

namespace moldau::client {

/// An empty list with the memory of the last one.
std::vector<finished_batch> producer::impl::finished_list() {
  return std::exchange(finished_spare_, {});
}

/// Reports go out a batch at a time; then its memory is free.
void producer::impl::finish(std::vector<finished_batch> finished) {
  for (finished_batch& done : finished) {
    accumulator_.uncharge(*done.batch);
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
  const bool has_news = !finished.empty();
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
  for (const auto& interceptor : options_.interceptors) interceptor->on_acknowledgement(what);
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

void producer::impl::fail(kept_record& record, producer_topic& topic, const error& why) {
  accumulator_.budget().give_back(std::exchange(record.charged_bytes, 0));
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
