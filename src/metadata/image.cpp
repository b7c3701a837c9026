#include "metadata/image.hpp"

#include <algorithm>
#include <utility>

namespace moldau::metadata {

namespace {

template <typename T>
bool same_pointee(const std::shared_ptr<const T>& a, const std::shared_ptr<const T>& b) {
  return a == b || (a != nullptr && b != nullptr && *a == *b);
}

}  // namespace

const listener* broker_registration::find_listener(std::string_view name) const {
  const auto it = std::ranges::find(listeners, name, &listener::name);
  return it == listeners.end() ? nullptr : &*it;
}

directory_id partition::directory_of(broker_id broker) const {
  for (std::size_t i = 0; i < replicas.size() && i < directories.size(); ++i) {
    if (replicas[i] == broker) return directories[i];
  }
  return {};
}

const partition* topic::find(partition_id wanted) const {
  const auto at = static_cast<std::size_t>(wanted.value());
  if (wanted.value() >= 0 && at < partitions.size() && partitions[at]->id == wanted) return partitions[at].get();
  const auto it = std::ranges::lower_bound(partitions, wanted, {}, [](const auto& p) { return p->id; });
  return it == partitions.end() || (*it)->id != wanted ? nullptr : it->get();
}

bool operator==(const topic& a, const topic& b) {
  return a.name == b.name && a.id == b.id && std::ranges::equal(a.partitions, b.partitions, same_pointee<partition>);
}

std::int16_t image::feature_level(std::string_view name) const {
  const auto it = features->find(name);
  return it == features->end() ? std::int16_t{0} : it->second;
}

const topic* image::find_topic(std::string_view name) const {
  const auto* id = topic_ids.find(name);
  return id == nullptr ? nullptr : find_topic(*id);
}

const topic* image::find_topic(const topic_id& id) const {
  const auto* found = topics.find(id);
  return found == nullptr ? nullptr : found->get();
}

const broker_registration* image::find_broker(broker_id id) const {
  const auto it = brokers->find(id);
  return it == brokers->end() ? nullptr : it->second.get();
}

const partition* image::find_partition(std::string_view topic_name, partition_id id) const {
  const auto* found = find_topic(topic_name);
  return found == nullptr ? nullptr : found->find(id);
}

const config_map& image::config_of(config_resource_type type, std::string_view name) const {
  static const config_map nothing;
  const auto* found = configs.find(config_resource{.type = type, .name = std::string(name)});
  return found == nullptr ? nothing : **found;
}

topic* image::edit_topic(const topic_id& id) {
  if (editing_ == nullptr || editing_->id != id) {
    const auto* found = topics.find(id);
    if (found == nullptr) return nullptr;
    editing_ = std::make_shared<metadata::topic>(**found);
    topics.set(id, editing_);
  }
  return editing_.get();
}

void image::add_topic(std::shared_ptr<metadata::topic> added) {
  editing_ = std::move(added);
  topic_ids.set(editing_->name, editing_->id);
  topics.set(editing_->id, editing_);
}

bool image::remove_topic(const topic_id& id) {
  const metadata::topic* found = find_topic(id);
  if (found == nullptr) return false;
  configs.erase({.type = config_resource_type::topic, .name = found->name});
  if (const auto* named = topic_ids.find(found->name); named != nullptr && *named == id) {
    topic_ids.erase(std::string(found->name));
  }
  topics.erase(id);
  editing_.reset();
  return true;
}

void image::seal() {
  editing_.reset();
  features.seal();
  brokers.seal();
  controllers.seal();
  topics.seal();
  topic_ids.seal();
  configs.seal();
  client_quotas.seal();
  scram.seal();
  acls.seal();
  delegation_tokens.seal();
}

bool image::same_contents(const image& other) const {
  const auto same_maps = [](const auto& a, const auto& b) {
    return std::ranges::equal(
        a, b, [](const auto& x, const auto& y) { return x.first == y.first && same_pointee(x.second, y.second); });
  };
  const auto same_cow_maps = [](const auto& a, const auto& b) {
    bool same = a.size() == b.size();
    a.for_each([&](const auto& key, const auto& value) {
      const auto* found = same ? b.find(key) : nullptr;
      if (found == nullptr || !same_pointee(value, *found)) same = false;
    });
    return same;
  };
  return features == other.features && same_maps(*brokers, *other.brokers) &&
         same_maps(*controllers, *other.controllers) && same_cow_maps(topics, other.topics) &&
         topic_ids == other.topic_ids && same_cow_maps(configs, other.configs) &&
         client_quotas == other.client_quotas && scram == other.scram && acls == other.acls &&
         delegation_tokens == other.delegation_tokens && next_producer_id == other.next_producer_id;
}

}  // namespace moldau::metadata
