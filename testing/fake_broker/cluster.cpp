#include "testing/fake_broker/cluster.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/topic_name.hpp"
#include "bytes/endian.hpp"

namespace moldau::testing::fake {
namespace {

constexpr std::size_t most_replicas = 3;

}  // namespace

cluster::cluster(fake_broker_options from, rt::world& on)
    : options(std::move(from)), world(on), cluster_id(options.cluster_id) {
  for (std::int32_t i = 1; i <= options.brokers; ++i) {
    const broker_id id(i);
    broker& one = brokers[id];
    one.id = id;
    one.running = true;
    if (const auto rack = options.racks.find(id); rack != options.racks.end()) one.rack = rack->second;
  }
  if (options.release == kafka_release::v4_3) {
    features = {{"metadata.version", {.least = 7, .most = 30, .level = 30}},
                {"group.version", {.least = 0, .most = 1, .level = 1}},
                {"transaction.version", {.least = 0, .most = 2, .level = 2}}};
  }
}

uuid cluster::fresh_uuid() {
  std::array<std::byte, 16> bytes{};
  bytes::store_be(bytes.data(), std::int64_t{0x66616b65});
  bytes::store_be(bytes.data() + 8, static_cast<std::int64_t>(fresh_id()));
  return uuid(bytes);
}

void cluster::place(topic& in, std::int32_t partitions) {
  while (std::ssize(in.partitions) < partitions) {
    partition& one = in.partitions.emplace_back();
    const std::size_t first = in.partitions.size() - 1;
    const std::size_t copies = std::min(most_replicas, brokers.size());
    for (std::size_t i = 0; i < copies; ++i) {
      one.replicas.push_back(
          std::next(brokers.begin(), static_cast<std::ptrdiff_t>((first + i) % brokers.size()))->first);
    }
    one.leader = one.replicas.front();
  }
  elect_leaders();
}

result<void> cluster::create_topic(const fake_topic& what) {
  if (topics.contains(what.name)) {
    return fail(errc::topic_already_exists, fmt::format("topic '{}' is there already", what.name));
  }
  if (const auto wrong = base::topic_name_mistake(what.name)) return fail(errc::invalid_topic_exception, *wrong);
  const std::int32_t partitions = what.partitions < 0 ? options.default_partitions : what.partitions;
  if (partitions == 0) return fail(errc::invalid_partitions, "a topic has at least one partition");
  topic& made = topics[what.name];
  made.name = what.name;
  made.id = fresh_uuid();
  made.configs = what.configs;
  place(made, partitions);
  changed();
  return {};
}

result<void> cluster::delete_topic(std::string_view name) {
  const auto found = topics.find(name);
  if (found == topics.end()) return fail(errc::unknown_topic_or_partition, fmt::format("there is no topic '{}'", name));
  topics.erase(found);
  changed();
  return {};
}

result<void> cluster::add_partitions(std::string_view name, std::int32_t total) {
  topic* const known = find(name);
  if (known == nullptr) return fail(errc::unknown_topic_or_partition, fmt::format("there is no topic '{}'", name));
  if (total <= std::ssize(known->partitions)) {
    return fail(errc::invalid_partitions,
                fmt::format("topic '{}' has {} partitions; {} aren't more", name, known->partitions.size(), total));
  }
  place(*known, total);
  changed();
  return {};
}

topic* cluster::find(std::string_view name) {
  const auto found = topics.find(name);
  return found == topics.end() ? nullptr : &found->second;
}

topic* cluster::find(const topic_id& id) {
  const auto found = std::ranges::find(topics, id, [](const auto& one) { return one.second.id; });
  return found == topics.end() ? nullptr : &found->second;
}

partition* cluster::find(const topic_partition& of) {
  topic* const in = find(of.topic);
  if (in == nullptr || of.partition.value() < 0 || of.partition.value() >= std::ssize(in->partitions)) return nullptr;
  return &in->partitions[static_cast<std::size_t>(of.partition.value())];
}

broker_id cluster::coordinator_of(std::string_view group_id) const {
  if (const auto moved = coordinators.find(group_id); moved != coordinators.end()) {
    if (brokers.at(moved->second).running) return moved->second;
  }
  std::vector<broker_id> running;
  for (const auto& [id, one] : brokers) {
    if (one.running) running.push_back(id);
  }
  if (running.empty()) return no_broker;
  std::uint32_t hash = 0;
  for (const char c : group_id) hash = hash * 31 + static_cast<unsigned char>(c);
  return running[hash % running.size()];
}

broker_id cluster::controller() const {
  for (const auto& [id, one] : brokers) {
    if (one.running) return id;
  }
  return no_broker;
}

void cluster::elect_leaders() {
  for (auto& [name, one] : topics) {
    for (partition& of : one.partitions) {
      if (of.leader != no_broker && brokers.at(of.leader).running) continue;
      const auto next = std::ranges::find_if(of.replicas, [&](broker_id id) { return brokers.at(id).running; });
      const broker_id elected = next == of.replicas.end() ? no_broker : *next;
      if (elected == of.leader) continue;
      of.leader = elected;
      of.log.next_epoch();
    }
  }
}

std::size_t cluster::batch_bytes_max(const topic& of) const {
  const auto own = of.configs.find("max.message.bytes");
  std::size_t out = options.batch_bytes_max;
  if (own != of.configs.end()) std::from_chars(own->second.data(), own->second.data() + own->second.size(), out);
  return out;
}

void cluster::changed() {
  if (telling_) return;
  telling_ = true;
  world.post([this, alive = std::weak_ptr(alive_)] {
    if (alive.expired()) return;
    {
      const std::lock_guard held(mutex);
      telling_ = false;
    }
    change.notify_all();
  });
}

}  // namespace moldau::testing::fake
