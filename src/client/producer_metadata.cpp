#include <fmt/format.h>

#include <algorithm>

#include "client/producer_impl.hpp"
#include "wire/protocol/init_producer_id_request.hpp"
#include "wire/protocol/init_producer_id_response.hpp"

namespace moldau::client {

void producer::impl::look_up(producer_topic& topic) {
  if (std::exchange(topic.is_looked_up, true)) return;
  // Before anybody can choose a partition, and on this thread, whose chance it is.
  if (!std::exchange(is_seeded_, true)) random_.seed(runtime_.world().random());
  running_.spawn(look_up_topic(&topic));
}

bool producer::impl::is_known(const producer_topic& topic) const {
  const topic_view* known = cluster_->view().topic(topic.name());
  return known != nullptr && known->code == errc::none && !known->partitions.empty();
}

rt::task<void> producer::impl::look_up_topic(producer_topic* topic) {
  const auto self = shared_from_this();
  const auto learned = co_await learn(*topic);
  topic->is_looked_up = false;
  ++topic->lookups;
  place_kept(*topic, learned ? nullptr : &learned.error());
  reported_.notify_all();
  arm_metadata_timer();
  pump();
}

/// Asks for the topic, which may make the broker create it, until it is there.
rt::task<result<void>> producer::impl::learn(const producer_topic& topic) {
  retry_timer timer(*cluster_, options_.max_block_ms);
  while (true) {
    std::set<std::string> names;
    names.insert(topic.name());
    const auto asked = co_await cluster_->refresh(std::move(names), true);
    if (asked && is_known(topic)) co_return result<void>();
    error why = asked ? error{errc::unknown_topic_or_partition, fmt::format("there is no topic '{}'", topic.name())}
                      : asked.error();
    const topic_view* known = cluster_->view().topic(topic.name());
    if (asked && known != nullptr && known->code != errc::none && known->code != errc::unknown_topic_or_partition) {
      why = {known->code, fmt::format("topic '{}' can't be used: {}", topic.name(), moldau::name(known->code))};
    }
    if (cluster_->is_closed() || !may_retry(why.code) || !co_await timer.wait()) co_return std::unexpected(why);
  }
}

/// Sends the records that waited for their topic on, or fails them. Senders wait meanwhile, so that order holds.
void producer::impl::place_kept(producer_topic& topic, const error* why) {
  std::vector<kept_record> failed;
  std::size_t partitions = 0;
  {
    const std::lock_guard held(topic.mutex);
    const lane_list lanes = why == nullptr ? lanes_of(topic) : lane_list{};
    for (kept_record& kept : topic.kept) {
      outgoing_record record{.topic = topic.name(),
                             .partition = kept.partition,
                             .key = kept.key,
                             .value = kept.value,
                             .headers = kept.headers,
                             .timestamp_ms = kept.timestamp_ms};
      partition_lane* const lane = lanes.empty() ? nullptr : choose(topic, lanes, record, kept.charged_bytes);
      const auto added =
          lane == nullptr ? result<accumulator::appended>(moldau::fail(errc::unknown_topic_or_partition))
                          : accumulator_.append(*lane, {kept.timestamp_ms, kept.key, kept.value, kept.headers},
                                                {.tag = kept.tag, .waiting = kept.waiting ? &*kept.waiting : nullptr},
                                                *this, accumulator::source::kept);
      accumulator_.budget().give_back(std::exchange(kept.charged_bytes, 0));
      if (!added) failed.push_back(std::move(kept));
    }
    topic.kept.clear();
    const lane_list* before = topic.lanes();
    if (!lanes.empty() && (before == nullptr || before->size() < lanes.size())) topic.set_lanes(lanes);
    partitions = lanes.size();
  }
  for (kept_record& kept : failed) {
    fail(kept, topic,
         why != nullptr ? *why
                        : error{errc::unknown_topic_or_partition,
                                fmt::format("topic '{}' has {} partitions, there is no {}", topic.name(), partitions,
                                            kept.partition.value_or(partition_id(-1)).value())});
  }
}

/// The lanes that there are, and new ones for partitions that have none yet. Topics grow and never shrink.
lane_list producer::impl::lanes_of(const producer_topic& topic) {
  lane_list out = topic.lanes() != nullptr ? *topic.lanes() : lane_list{};
  const topic_view* known = cluster_->view().topic(topic.name());
  if (known == nullptr || known->code != errc::none) return out;
  while (out.size() < known->partitions.size()) {
    out.push_back(&accumulator_.add_lane(topic.name(), partition_id(static_cast<std::int32_t>(out.size()))));
  }
  return out;
}

/// After news of the cluster: topics that grew, and partitions whose leader is gone or takes nothing.
void producer::impl::sync_topics() {
  for (producer_topic* topic : topics_.all()) {
    if (topic->lanes() == nullptr) continue;
    const lane_list lanes = lanes_of(*topic);
    if (lanes.size() > topic->lanes()->size()) {
      const std::lock_guard held(topic->mutex);
      topic->set_lanes(lanes);
    }
    for (partition_lane* lane : lanes) {
      const partition_view* view = cluster_->view().partition(lane->topic(), lane->partition());
      const bool is_led = view != nullptr && view->leader != no_broker;
      const auto leader = is_led ? nodes_.find(view->leader) : nodes_.end();
      lane->avoid(!is_led || (leader != nodes_.end() && leader->second.is_avoided));
    }
  }
}

rt::task<void> producer::impl::refresh_leaders() {
  const auto self = shared_from_this();
  retry_timer timer(*cluster_, options_.delivery_timeout_ms);
  while (!cluster_->is_closed()) {
    std::set<std::string> topics;
    for (const partition_lane* lane : accumulator_.active_lanes()) topics.emplace(lane->topic());
    if (topics.empty()) break;
    const auto asked = co_await cluster_->refresh(topics);
    if (asked) sync_topics();
    const bool led = asked && std::ranges::all_of(accumulator_.active_lanes(), [&](const partition_lane* lane) {
                       const partition_view* view = cluster_->view().partition(lane->topic(), lane->partition());
                       return view != nullptr && view->leader != no_broker;
                     });
    if (led) break;
    // Those that are led go on meanwhile.
    if (asked) pump();
    if (!co_await timer.wait()) break;
    auto finished = finished_list();
    accumulator_.expire(runtime_.world().now(), finished);
    finish(std::move(finished));
  }
  refreshing_ = false;
  pump();
}

/// What is known of the topics is renewed now and then, so that new partitions are found.
void producer::impl::arm_metadata_timer() {
  if (metadata_timer_ || is_closing_) return;
  const auto at = now() + std::chrono::milliseconds(options_.client.metadata_max_age_ms);
  metadata_timer_ = runtime_.world().post_at(at, [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self || self->is_closing_) return;
    self->metadata_timer_.reset();
    self->running_.spawn([](std::shared_ptr<impl> mine) -> rt::task<void> {
      std::set<std::string> names;
      for (const producer_topic* topic : mine->topics_.all()) {
        if (topic->lanes() != nullptr) names.insert(topic->name());
      }
      if (co_await mine->cluster_->refresh(std::move(names))) mine->sync_topics();
      mine->arm_metadata_timer();
      mine->pump();
    }(self));
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
  if (got && (*got)->error_code == errc::none) {
    learning_identity_ = false;
    accumulator_.set_identity({(*got)->producer_id, (*got)->producer_epoch});
    pump();
    co_return;
  }
  const error why =
      got ? error{(*got)->error_code, fmt::format("the broker gave no producer id: {}", name((*got)->error_code))}
          : got.error();
  if (may_retry(why.code) && !cluster_->is_closed()) {
    co_await runtime_.world().sleep_for(std::chrono::milliseconds(options_.client.retry_backoff_max_ms));
    learning_identity_ = false;
    pump();
    co_return;
  }
  learning_identity_ = false;
  auto finished = finished_list();
  accumulator_.drop_waiting(why, finished);
  finish(std::move(finished));
}

}  // namespace moldau::client
