#include "client/producer_impl.hpp"

#include <algorithm>

namespace moldau::client {

namespace {

rt::duration ms(std::int64_t time) {
  return std::chrono::milliseconds(time);
}

accumulator::options accumulator_options(const producer_options& from) {
  auto how = wire::compression::of(static_cast<wire::codec>(from.codec));
  if (from.codec_level) how.level = *from.codec_level;
  return {.batch_bytes = from.batch_bytes,
          .linger = ms(from.linger_ms),
          .delivery_timeout = ms(from.delivery_timeout_ms),
          .idempotence = from.idempotence,
          .compression = how,
          .in_flight_max = from.in_flight_max,
          .retries = from.retries,
          .buffer_memory_bytes = from.buffer_memory_bytes};
}

}  // namespace

producer::impl::impl(producer_options options)
    : options_(std::move(options)),
      runtime_(options_.client),
      cluster_(std::make_shared<cluster>(runtime_.world(), options_.client)),
      accumulator_(accumulator_options(options_)) {}

producer::impl::~impl() = default;

/// Sends whatever may leave. Whatever happens ends here: records, answers, connections, news of the cluster, time.
void producer::impl::pump() {
  if (is_done_) return;
  pump_again_ = true;
  if (pumping_) return;
  pumping_ = true;
  auto finished = finished_list();
  while (std::exchange(pump_again_, false)) {
    if (accumulator_.needs_identity() && !learning_identity_ && !accumulator_.is_idle()) {
      learning_identity_ = true;
      running_.spawn(learn_identity());
    }
    const auto at = now();
    while (accumulator_.take_ready(at, *this, finished) > 0) send_loaded();
    send_loaded();
    if (std::exchange(avoidance_changed_, false)) sync_topics();
    arm_timer();
    // What came while nobody was told to wake us.
    if (accumulator_.has_news()) pump_again_ = true;
  }
  pumping_ = false;
  if (std::exchange(leader_missing_, false) && !refreshing_ && !cluster_->is_closed()) {
    refreshing_ = true;
    running_.spawn(refresh_leaders());
  }
  finish(std::move(finished));
}

void producer::impl::arm_timer() {
  const auto at = accumulator_.next_deadline(now());
  if (!at) {
    timer_.reset();
    return;
  }
  // One that fires too early looks again: cheaper than setting it anew each time.
  if (timer_ && timer_at_ <= *at) return;
  timer_at_ = *at;
  timer_ = runtime_.world().post_at(*at, [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self) return;
    self->timer_.reset();
    self->pump();
  });
}

rt::task<result<void>> producer::impl::flush() {
  const auto self = shared_from_this();
  // Records that wait for their topic come into batches only when it is known.
  std::vector<std::pair<producer_topic*, std::uint64_t>> unknown;
  for (producer_topic* topic : topics_.all()) {
    const std::lock_guard held(topic->mutex);
    if (!topic->kept.empty()) unknown.emplace_back(topic, topic->lookups);
  }
  const std::uint64_t known = accumulator_.begin_flush();
  pump();
  for (const auto& [topic, lookups] : unknown) {
    while (topic->lookups == lookups) co_await reported_.wait();
  }
  const std::uint64_t all = unknown.empty() ? known : accumulator_.begin_flush();
  if (!unknown.empty()) pump();
  while (!accumulator_.is_flushed(all)) co_await reported_.wait();
  accumulator_.end_flush();
  if (!unknown.empty()) accumulator_.end_flush();
  co_return result<void>();
}

void producer::impl::give_up(const error& why, purge_options what) {
  auto finished = finished_list();
  if (what.waiting) accumulator_.drop_waiting(why, finished);
  if (what.in_flight) accumulator_.abandon_in_flight(why, finished);
  finish(std::move(finished));
  if (!what.waiting) return;
  for (producer_topic* topic : topics_.all()) {
    std::vector<kept_record> dropped;
    {
      const std::lock_guard held(topic->mutex);
      dropped.swap(topic->kept);
      // A flush needn't wait for the topic any more.
      ++topic->lookups;
    }
    for (kept_record& record : dropped) fail(record, *topic, why);
  }
  reported_.notify_all();
}

rt::task<result<void>> producer::impl::purge(purge_options what) {
  const auto self = shared_from_this();
  give_up({errc::cancelled, "the record was purged"}, what);
  pump();
  co_return result<void>();
}

rt::task<result<std::vector<partition_id>>> producer::impl::partitions_of(std::string topic) {
  const auto self = shared_from_this();
  MOLDAU_CO_TRY_ASSIGN(const topic_view* known,
                       co_await cluster_->topic(std::move(topic), false, options_.client.api_timeout_ms));
  std::vector<partition_id> out;
  for (const auto& [id, view] : known->partitions) out.push_back(id);
  co_return out;
}

rt::task<result<void>> producer::impl::close(std::int64_t within_ms) {
  const auto self = shared_from_this();
  // First nothing comes in any more, so that what is in is all that there will be.
  closed_.store(true);
  topics_.shut();
  accumulator_.shut();
  std::unique_ptr<rt::timer> limit;
  if (within_ms >= 0) {
    limit = runtime_.world().post_at(now() + ms(within_ms), [weak = weak_from_this()] {
      if (const auto mine = weak.lock()) {
        mine->give_up({errc::cancelled, "the producer was closed before the record was acknowledged"},
                      {.waiting = true, .in_flight = true});
      }
    });
  }
  if (std::exchange(is_closing_, true)) {
    while (!is_done_) co_await reported_.wait();
    co_return result<void>();
  }
  MOLDAU_CO_TRY(co_await flush());
  cluster_->close();
  timer_.reset();
  metadata_timer_.reset();
  for (auto& [id, known] : nodes_) known.throttle_timer.reset();
  if (running_.running() > 0) co_await running_.drained();
  is_done_ = true;
  reported_.notify_all();
  co_return result<void>();
}

}  // namespace moldau::client
