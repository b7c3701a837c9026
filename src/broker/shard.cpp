#include "broker/shard.hpp"

#include <algorithm>
#include <chrono>
#include <functional>

#include "broker/dispatch.hpp"
#include "broker/node.hpp"

namespace moldau::broker {
namespace {

/// How often idle and stalled connections are looked for, at least.
constexpr std::int64_t watch_interval_ms = 2'000;
/// KIP-227: a session must have lived this long before a larger one may push it out.
constexpr auto session_eviction_age = std::chrono::minutes(2);

rt::duration milliseconds(std::int64_t ms) {
  return std::chrono::milliseconds(ms);
}

}  // namespace

shard::shard(rt::world& world, node& owner, options options)
    : world_(world),
      node_(owner),
      options_(options),
      log_(world.log().named("broker")),
      metrics_(owner.registry()),
      budget_(options.request_memory_bytes),
      answers_(options.request_memory_bytes),
      sessions_(options.fetch_session_slots, session_eviction_age, world.core(), world.core_count()) {}

shard& shard::on_core(unsigned core) {
  return node_.shard_of(core);
}

const topic_view* shard::find_topic(std::string_view name) {
  const auto cached = topics_.find(name);
  if (cached != topics_.end()) return cached->second.get();
  if (view_.image == nullptr) return nullptr;
  const metadata::topic* topic = view_.image->find_topic(name);
  if (topic == nullptr) return nullptr;
  metrics_.add_topic(topic->id, topic->name);
  auto made = std::make_unique<topic_view>(make_topic_view(*topic, *view_.image, *view_.config));
  return topics_.emplace(topic->name, std::move(made)).first->second.get();
}

const topic_view* shard::find_topic(const topic_id& id) {
  const metadata::topic* topic = view_.image == nullptr ? nullptr : view_.image->find_topic(id);
  return topic == nullptr ? nullptr : find_topic(topic->name);
}

unsigned shard::core_of(const topic_id_partition& id) const {
  return storage::core_of(id.topic, id.partition, world_.core_count());
}

replica::partition* shard::find_partition(const topic_id_partition& id) const {
  const auto found = partitions_.find(id);
  return found == partitions_.end() ? nullptr : found->second.get();
}

void shard::open_partition(storage::log& log, const topic_id_partition& id, const replica::partition::role& role) {
  if (replica::partition* open = find_partition(id)) return open->assume(role);
  const auto opened =
      partitions_.emplace(id, std::make_unique<replica::partition>(world_, log, id, role, options_.ack_after_sync));
  groups_.open(*opened.first->second);
}

rt::task<void> shard::close_partition(topic_id_partition id) {
  const auto found = partitions_.find(id);
  if (found == partitions_.end()) co_return;
  // Out of the map first, so that nobody finds it while the last users leave.
  auto gone = std::move(found->second);
  partitions_.erase(found);
  groups_.close(*gone);
  co_await gone->close();
}

void shard::publish(cluster_view view, const metadata::image_changes& changes) {
  const bool broker_config_changed = view.config != view_.config;
  const auto before = std::exchange(view_, std::move(view));
  if (broker_config_changed) topics_.clear();
  const auto forget = [&](const topic_id& id) {
    if (before.image == nullptr) return;
    if (const metadata::topic* topic = before.image->find_topic(id)) topics_.erase(topic->name);
  };
  for (const auto& [id, name] : changes.topics_deleted) {
    forget(id);
    metrics_.remove_topic(id);
  }
  for (const auto& [id, partitions] : changes.partitions) forget(id);
  for (const auto& resource : changes.configs) {
    if (resource.type == metadata::config_resource_type::topic) topics_.erase(resource.name);
  }
  groups_.on_publish(changes.topics_deleted);
}

void shard::serve(std::unique_ptr<rt::connection> socket, std::string listener) {
  if (stopping_) return;
  if (!watch_timer_) running_.spawn(watch_connections());
  running_.spawn(run_connection(world_.net().adopt(std::move(socket)), std::move(listener)));
}

rt::task<void> shard::run_connection(std::unique_ptr<rt::connection> socket, std::string listener) {
  const std::string host = socket->remote().host;
  peer_info peer;
  peer.listener = listener;
  peer.host = "/" + host;
  peer.controller = std::ranges::any_of(
      node_.listeners(), [&](const advertised_listener& one) { return one.controller && one.name == peer.listener; });
  const auto place =
      connections_.insert(connections_.end(), std::make_shared<connection>(world_, std::move(socket), std::move(peer),
                                                                           *this, budget_, answers_, options_.limits));
  metrics_.connection_opened();
  co_await (*place)->run();
  connections_.erase(place);
  metrics_.connection_closed();
  node_.connection_closed(world_, host, listener);
}

rt::task<void> shard::watch_connections() {
  const bool closes_idle = options_.idle_max_ms >= 0;
  const std::int64_t every_ms =
      closes_idle ? std::clamp<std::int64_t>(options_.idle_max_ms / 4, 1, watch_interval_ms) : watch_interval_ms;
  while (!stopping_) {
    watch_timer_ = world_.post_at(world_.now() + milliseconds(every_ms), [this] { watch_tick_.notify_all(); });
    co_await watch_tick_.wait();
    const rt::time_point now = world_.now();
    const std::int64_t idle_max_ms = options_.idle_max_ms;
    for_all_connections([&](connection& one) {
      const bool idle = closes_idle && one.last_active() < now - milliseconds(idle_max_ms);
      // Requests that don't come to an end hold memory that others wait for: a few such clients would stop all.
      const bool stalled = one.is_stalled();
      if (idle || (stalled && (budget_.is_short() || answers_.is_short()))) one.close();
    });
  }
}

void shard::for_all_connections(const std::function<void(connection&)>& act) {
  const std::vector<std::shared_ptr<connection>> now(connections_.begin(), connections_.end());
  for (const auto& one : now) act(*one);
}

rt::task<void> shard::drain(rt::time_point deadline) {
  stopping_ = true;
  on_stop_.call_all();
  watch_tick_.notify_all();
  for_all_connections([](connection& one) { one.stop_reading(); });
  auto cut = world_.post_at(deadline, [this] { for_all_connections([](connection& one) { one.close(); }); });
  co_await running_.drained();
}

rt::task<void> shard::close() {
  co_await groups_.stop();
  for (auto& [id, partition] : partitions_) co_await partition->close();
  partitions_.clear();
}

rt::task<answer> shard::handle(request& what) {
  return dispatch(*this, what);
}

}  // namespace moldau::broker
