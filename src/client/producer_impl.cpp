#include "client/producer_impl.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "client/partitioning.hpp"
#include "wire/batch_builder.hpp"
#include "wire/protocol/init_producer_id_request.hpp"
#include "wire/protocol/init_producer_id_response.hpp"

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
          .in_flight_max = from.in_flight_max};
}

/// One block for all that a record points to.
void copy_bytes(const outgoing_record& from, queued_record& to) {
  std::size_t size = (from.key ? from.key->size() : 0) + (from.value ? from.value->size() : 0);
  for (const header_view& header : from.headers) {
    size += header.key.size() + (header.value ? header.value->size() : 0);
  }
  to.bytes = shared_bytes::allocate(size);
  std::byte* at = to.bytes.writable().data();
  const auto copy = [&](bytes_view what) {
    if (!what.empty()) std::memcpy(at, what.data(), what.size());
    const bytes_view out(at, what.size());
    at += what.size();
    return out;
  };
  if (from.key) to.key = copy(*from.key);
  if (from.value) to.value = copy(*from.value);
  to.headers.reserve(from.headers.size());
  for (const header_view& header : from.headers) {
    header_view kept{.key = as_text(copy(as_bytes(header.key))), .value = std::nullopt};
    if (header.value) kept.value = copy(*header.value);
    to.headers.push_back(kept);
  }
}

}  // namespace

producer::impl::impl(producer_options options)
    : options_(std::move(options)),
      runtime_(options_.client),
      cluster_(std::make_shared<cluster>(runtime_.world(), options_.client)),
      accumulator_(accumulator_options(options_)) {}

producer::impl::~impl() = default;

result<void> producer::impl::enqueue(const outgoing_record& record, report_to report) {
  queued_record queued;
  queued.size_bytes = wire::batch_builder::record_bytes_max(record.key, record.value, record.headers);
  if (queued.size_bytes > options_.record_bytes_max) {
    return moldau::fail(errc::message_too_large, fmt::format("the record takes {} bytes, and max.request.size is {}",
                                                             queued.size_bytes, options_.record_bytes_max));
  }
  queued.topic = record.topic;
  queued.partition = record.partition;
  queued.timestamp_ms = record.timestamp_ms.value_or(-1);
  copy_bytes(record, queued);
  queued.report = std::move(report);

  bool is_first = false;
  {
    std::unique_lock held(mutex_);
    const auto has_room = [&] {
      return closed_ || buffered_bytes_ == 0 || buffered_bytes_ + queued.size_bytes <= options_.buffer_memory_bytes;
    };
    if (!has_room()) {
      if (options_.when_full == when_full::fail || !runtime_.may_block()) {
        return moldau::fail(errc::out_of_memory,
                            fmt::format("{} bytes wait to be sent already (buffer.memory)", buffered_bytes_));
      }
      room_.wait(held, has_room);
    }
    if (closed_) return moldau::fail(errc::closed, "the producer has been closed");
    buffered_bytes_ += queued.size_bytes;
    queued.report.flush_round = flush_round_;
    is_first = inbox_.empty();
    inbox_.push_back(std::move(queued));
  }
  if (is_first) {
    runtime_.world().post([self = shared_from_this()] { self->drain_inbox(); });
  }
  return {};
}

void producer::impl::drain_inbox() {
  std::vector<queued_record> taken;
  {
    const std::lock_guard held(mutex_);
    taken.swap(inbox_);
  }
  const auto now = runtime_.world().now();
  const std::int64_t wall_ms = runtime_.world().wall_ms();
  for (queued_record& record : taken) {
    ++unreported_[record.report.flush_round];
    record.queued_at = now;
    if (record.timestamp_ms < 0) record.timestamp_ms = wall_ms;
    place(std::move(record));
  }
  pump();
}

std::optional<partition_id> producer::impl::choose(const queued_record& record, const topic_view& topic) {
  const auto count = static_cast<std::int32_t>(topic.partitions.size());
  if (record.partition) {
    if (!topic.partitions.contains(*record.partition)) return std::nullopt;
    return record.partition;
  }
  if (record.key) {
    return partition_id(options_.partitioner == partitioner::consistent
                            ? static_cast<std::int32_t>(crc32(*record.key) % static_cast<std::uint32_t>(count))
                            : murmur2_partition(*record.key, count));
  }
  const auto any = [&] {
    return partition_id(static_cast<std::int32_t>(runtime_.world().random() % static_cast<std::uint64_t>(count)));
  };
  if (options_.partitioner != partitioner::murmur2) return any();
  // KIP-480: one partition until its batch is full, so that batches are few and large.
  const auto stuck = sticky_.find(record.topic);
  if (stuck != sticky_.end() && topic.partitions.contains(stuck->second) &&
      !accumulator_.is_between_batches({record.topic, stuck->second})) {
    return stuck->second;
  }
  const partition_id next = any();
  sticky_[record.topic] = next;
  return next;
}

void producer::impl::place(queued_record record) {
  const auto unplaced = unplaced_.find(record.topic);
  const topic_view* topic = cluster_->view().topic(record.topic);
  const bool is_known = topic != nullptr && topic->code == errc::none && !topic->partitions.empty();
  if (!is_known || unplaced != unplaced_.end()) {
    auto& waiting = unplaced_[record.topic];
    const std::string name = record.topic;
    waiting.push_back(std::move(record));
    if (waiting.size() == 1) running_.spawn(look_up(name));
    return;
  }
  const auto partition = choose(record, *topic);
  if (!partition) {
    const error why{errc::unknown_topic_or_partition,
                    fmt::format("topic '{}' has {} partitions, there is no {}", record.topic, topic->partitions.size(),
                                record.partition->value())};
    fail(std::move(record), why);
    return;
  }
  const topic_partition to{record.topic, *partition};
  if (auto added = accumulator_.append(to, record, runtime_.world().now()); !added)
    fail(std::move(record), added.error());
}

rt::task<void> producer::impl::look_up(std::string topic) {
  const auto self = shared_from_this();
  const auto known = co_await cluster_->topic(topic, true, options_.delivery_timeout_ms);
  auto waiting = std::move(unplaced_[topic]);
  unplaced_.erase(topic);
  for (queued_record& record : waiting) {
    if (known) {
      place(std::move(record));
    } else {
      fail(std::move(record), known.error());
    }
  }
  pump();
}

void producer::impl::fail(queued_record record, const error& why) {
  auto batch = std::make_unique<producer_batch>();
  batch->to = {record.topic, record.partition.value_or(partition_id(-1))};
  batch->size_bytes = record.size_bytes;
  batch->reports.push_back(std::move(record.report));
  batch->timestamps_ms.push_back(record.timestamp_ms);
  std::vector<finished_batch> finished;
  finished.push_back({std::move(batch), {.error = why}});
  finish(std::move(finished));
}

void producer::impl::pump() {
  if (accumulator_.needs_identity() && !learning_identity_ && !accumulator_.is_idle()) {
    learning_identity_ = true;
    running_.spawn(learn_identity());
  }
  std::vector<finished_batch> finished;
  bool leader_missing = false;
  const auto leader_of = [&](const topic_partition& to) {
    const partition_view* view = cluster_->view().partition(to.topic, to.partition);
    return view == nullptr ? no_broker : view->leader;
  };
  const auto can_send = [&](const topic_partition& to) {
    const broker_id leader = leader_of(to);
    const topic_view* topic = cluster_->view().topic(to.topic);
    if (leader == no_broker || topic == nullptr || topic->learned_ms == INT64_MIN) {
      leader_missing = true;
      return false;
    }
    return requests_[leader] < options_.in_flight_max;
  };
  std::map<broker_id, std::vector<batch_ptr>> by_leader;
  for (batch_ptr& batch : accumulator_.take_ready(runtime_.world().now(), can_send, finished)) {
    by_leader[leader_of(batch->to)].push_back(std::move(batch));
  }
  for (auto& [leader, batches] : by_leader) {
    ++requests_[leader];
    running_.spawn(send(leader, std::move(batches)));
  }
  if (leader_missing && !refreshing_) {
    refreshing_ = true;
    running_.spawn(refresh_leaders());
  }
  finish(std::move(finished));
  arm_timer();
}

void producer::impl::arm_timer() {
  const auto at = accumulator_.next_deadline(runtime_.world().now());
  if (!at) {
    timer_.reset();
    return;
  }
  timer_ = runtime_.world().post_at(*at, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->pump();
  });
}

rt::task<void> producer::impl::learn_identity() {
  using namespace wire::protocol;
  const auto self = shared_from_this();
  const auto got =
      co_await cluster_->with_retries([this] { return cluster_->any(); },
                                      [](peer::connection& to) {
                                        return to.call<init_producer_id_response>(init_producer_id_request{
                                            .transactional_id = std::nullopt, .transaction_timeout_ms = INT32_MAX});
                                      },
                                      [](const auto& answer) { return answer->error_code; });
  learning_identity_ = false;
  error why;
  if (got && (*got)->error_code == errc::none) {
    accumulator_.set_identity({(*got)->producer_id, (*got)->producer_epoch});
    pump();
    co_return;
  }
  why = got ? error{(*got)->error_code, fmt::format("the broker gave no producer id: {}", name((*got)->error_code))}
            : got.error();
  if (may_retry(why.code) && !cluster_->is_closed()) {
    co_await runtime_.world().sleep_for(ms(options_.client.retry_backoff_max_ms));
    pump();
    co_return;
  }
  std::vector<finished_batch> finished;
  accumulator_.drop_waiting(why, finished);
  finish(std::move(finished));
}

rt::task<void> producer::impl::refresh_leaders() {
  const auto self = shared_from_this();
  retry_timer timer(runtime_.world(), options_.client, options_.delivery_timeout_ms);
  while (!cluster_->is_closed()) {
    std::set<std::string> topics;
    for (const topic_partition& waiting : accumulator_.waiting_partitions()) topics.insert(waiting.topic);
    if (topics.empty()) break;
    const auto asked = co_await cluster_->refresh(topics);
    const bool led = asked && std::ranges::all_of(accumulator_.waiting_partitions(), [&](const topic_partition& p) {
                       const partition_view* view = cluster_->view().partition(p.topic, p.partition);
                       return view != nullptr && view->leader != no_broker;
                     });
    if (led || !co_await timer.wait()) break;
    std::vector<finished_batch> finished;
    accumulator_.expire(runtime_.world().now(), finished);
    finish(std::move(finished));
  }
  refreshing_ = false;
  pump();
}

rt::time_point producer::impl::retry_at(int attempts) const {
  const std::int64_t wait_ms = std::min(options_.client.retry_backoff_max_ms,
                                        options_.client.retry_backoff_ms << std::clamp(attempts - 1, 0, 10));
  return runtime_.world().now() + ms(wait_ms);
}

rt::task<void> producer::impl::send(broker_id leader, std::vector<batch_ptr> batches) {
  using namespace wire::protocol;
  const auto self = shared_from_this();
  auto to = co_await cluster_->broker(leader);
  if (to) {
    produce_request request{
        .acks = static_cast<std::int16_t>(options_.acks),
        .timeout_ms = static_cast<std::int32_t>(std::min<std::int64_t>(options_.client.request_timeout_ms, INT32_MAX))};
    // Version 13 names topics by id; by name a topic that was made anew in the meantime is still the one meant.
    peer::call_options how{.version_max = 12};
    for (const batch_ptr& batch : batches) {
      if (request.topic_data.empty() || request.topic_data.back().name != batch->to.topic) {
        request.topic_data.push_back({.name = batch->to.topic});
      }
      request.topic_data.back().partition_data.push_back(
          {.index = batch->to.partition,
           .records = wire::records_field::external(batch->bytes.size(), how.externals.size())});
      how.externals.push_back(batch->bytes);
    }
    if (options_.acks == acks::none) {
      const auto queued = (*to)->send_only(request, how);
      std::vector<finished_batch> finished;
      for (batch_ptr& batch : batches) {
        accumulator_.on_outcome(std::move(batch), {.error = queued ? error{errc::none, {}} : queued.error()},
                                retry_at(1), finished);
      }
      finish(std::move(finished));
    } else if (auto got = co_await (*to)->call<produce_response>(std::move(request), std::move(how)); got) {
      answered(std::move(batches), got->message);
    } else {
      failed(std::move(batches), got.error());
    }
  } else {
    failed(std::move(batches), to.error());
  }
  --requests_[leader];
  pump();
}

void producer::impl::failed(std::vector<batch_ptr> batches, const error& why) {
  std::vector<finished_batch> finished;
  for (batch_ptr& batch : batches) {
    cluster_->view().forget(batch->to.topic);
    const auto again = retry_at(batch->attempts);
    accumulator_.on_outcome(std::move(batch), {.error = why}, again, finished);
  }
  finish(std::move(finished));
}

void producer::impl::answered(std::vector<batch_ptr> batches, const wire::protocol::produce_response& answer) {
  std::vector<finished_batch> finished;
  for (batch_ptr& batch : batches) {
    batch_outcome outcome{.error = {errc::network_exception, "the broker's answer leaves this partition out"}};
    for (const auto& topic : answer.responses) {
      if (topic.name != batch->to.topic) continue;
      for (const auto& partition : topic.partition_responses) {
        if (partition.index != batch->to.partition) continue;
        outcome = {.error = {partition.error_code,
                             partition.error_message
                                 ? std::string(*partition.error_message)
                                 : fmt::format("{} of '{}' refused the batch", partition.index.value(), topic.name)},
                   .base_offset = partition.base_offset,
                   .log_append_time_ms = partition.log_append_time_ms};
        if (partition.error_code == errc::none) {
          outcome.error.message.clear();
        } else if (partition.current_leader.leader_id != no_broker) {
          cluster_->view().set_leader(batch->to.topic, partition.index, partition.current_leader.leader_id,
                                      partition.current_leader.leader_epoch);
        } else if (is_retriable(partition.error_code)) {
          cluster_->view().forget(batch->to.topic);
        }
      }
    }
    const auto again = retry_at(batch->attempts);
    accumulator_.on_outcome(std::move(batch), std::move(outcome), again, finished);
  }
  finish(std::move(finished));
}

void producer::impl::report(const report_to& to, const delivery_report& what) {
  if (to.waiting) {
    if (what.error != nullptr) {
      to.waiting->set(std::unexpected(*what.error));
    } else {
      to.waiting->set(delivery{.topic = std::string(what.topic),
                               .partition = what.partition,
                               .offset = what.offset,
                               .timestamp_ms = what.timestamp_ms});
    }
    return;
  }
  if (!options_.on_delivery) return;
  if (options_.client.handlers == nullptr) {
    options_.on_delivery(what);
    return;
  }
  options_.client.handlers->post([self = shared_from_this(), copy = what, topic = std::string(what.topic),
                                  why = what.error ? std::optional(*what.error) : std::nullopt]() mutable {
    copy.topic = topic;
    copy.error = why ? &*why : nullptr;
    self->options_.on_delivery(copy);
  });
}

void producer::impl::finish(std::vector<finished_batch> finished) {
  if (finished.empty()) return;
  std::size_t freed = 0;
  for (const finished_batch& done : finished) freed += done.batch->size_bytes;
  {
    const std::lock_guard held(mutex_);
    buffered_bytes_ -= freed;
  }
  room_.notify_all();
  for (const finished_batch& done : finished) {
    const producer_batch& batch = *done.batch;
    const batch_outcome& outcome = done.outcome;
    for (std::size_t i = 0; i < batch.reports.size(); ++i) {
      const bool has_offset = outcome.error.code == errc::none && outcome.base_offset >= offset(0);
      report(batch.reports[i],
             {.topic = batch.to.topic,
              .partition = batch.to.partition,
              .offset = has_offset ? outcome.base_offset + static_cast<std::int64_t>(i) : no_offset,
              .timestamp_ms = outcome.log_append_time_ms >= 0 ? outcome.log_append_time_ms : batch.timestamps_ms[i],
              .tag = batch.reports[i].tag,
              .error = outcome.error.code == errc::none ? nullptr : &outcome.error});
      auto left = unreported_.find(batch.reports[i].flush_round);
      if (left != unreported_.end() && --left->second == 0) unreported_.erase(left);
    }
  }
  reported_.notify_all();
}

rt::task<result<void>> producer::impl::flush() {
  const auto self = shared_from_this();
  std::uint64_t round = 0;
  {
    const std::lock_guard held(mutex_);
    round = flush_round_++;
  }
  drain_inbox();
  accumulator_.flushing(++flushes_ > 0);
  pump();
  while (!unreported_.empty() && unreported_.begin()->first <= round) co_await reported_.wait();
  accumulator_.flushing(--flushes_ > 0);
  co_return result<void>();
}

rt::task<result<void>> producer::impl::purge() {
  const auto self = shared_from_this();
  drain_inbox();
  const error why{errc::cancelled, "the record was purged before it was sent"};
  std::vector<finished_batch> finished;
  accumulator_.drop_waiting(why, finished);
  finish(std::move(finished));
  for (auto& [topic, records] : unplaced_) {
    for (queued_record& record : std::exchange(records, {})) fail(std::move(record), why);
  }
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

rt::task<result<void>> producer::impl::close() {
  const auto self = shared_from_this();
  {
    const std::lock_guard held(mutex_);
    closed_ = true;
  }
  room_.notify_all();
  MOLDAU_CO_TRY(co_await flush());
  cluster_->close();
  timer_.reset();
  if (running_.running() > 0) co_await running_.drained();
  co_return result<void>();
}

}  // namespace moldau::client
