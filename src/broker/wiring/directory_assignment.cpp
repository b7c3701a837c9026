#include "broker/wiring/directory_assignment.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "metadata/records.hpp"

namespace moldau::broker {
namespace {

using wire::protocol::assign_replicas_to_dirs_request;

/// As many as Kafka's brokers tell at once.
constexpr std::size_t assignments_max = 2250;

}  // namespace

std::vector<std::pair<topic_id_partition, errc>> refused(
    const wire::protocol::assign_replicas_to_dirs_response& answer) {
  std::vector<std::pair<topic_id_partition, errc>> out;
  for (const auto& directory : answer.directories) {
    for (const auto& topic : directory.topics) {
      for (const auto& partition : topic.partitions) {
        const errc code = partition.error_code;
        // Its topic is being deleted.
        if (code == errc::unknown_topic_id || code == errc::unknown_topic_or_partition || code == errc::none) continue;
        out.emplace_back(topic_id_partition{topic.topic_id, partition.partition_index}, code);
      }
    }
  }
  return out;
}

std::optional<directory_id> directory_wanted(const metadata::partition& of, broker_id self,
                                             const storage::log_manager& logs) {
  const directory_id wanted = of.directory_of(self);
  const auto& ours = logs.directory_ids();
  return std::ranges::find(ours, wanted) == ours.end() ? std::nullopt : std::optional(wanted);
}

std::vector<assign_replicas_to_dirs_request> directories_to_tell(const metadata::image& image,
                                                                 const metadata::image_changes* only, broker_id self,
                                                                 const storage::log_manager& logs) {
  std::vector<assign_replicas_to_dirs_request> out;
  if (!metadata::has_directories(image.metadata_version())) return out;
  // In the order of their ids, so that a run can be repeated.
  std::map<directory_id, std::map<topic_id, std::vector<partition_id>>> news;
  std::size_t count = 0;
  const auto take = [&] {
    if (count == 0) return;
    auto& request = out.emplace_back();
    for (auto& [directory, topics] : std::exchange(news, {})) {
      auto& to_directory = request.directories.emplace_back();
      to_directory.id = directory;
      for (const auto& [topic, partitions] : topics) {
        auto& to_topic = to_directory.topics.emplace_back();
        to_topic.topic_id = topic;
        for (const partition_id id : partitions) to_topic.partitions.push_back({.partition_index = id});
      }
    }
    count = 0;
  };
  const auto look_at = [&](const metadata::topic& topic, const metadata::partition& partition) {
    const auto known = logs.logs().find({.topic = topic.id, .partition = partition.id});
    if (known == logs.logs().end()) return;
    if (std::ranges::find(partition.replicas, self) == partition.replicas.end()) return;
    const directory_id lies_in = logs.directory_ids()[known->second.directory];
    if (lies_in == partition.directory_of(self)) return;
    news[lies_in][topic.id].push_back(partition.id);
    if (++count == assignments_max) take();
  };
  if (only == nullptr) {
    image.topics.for_each([&](const topic_id&, const auto& topic) {
      for (const auto& partition : topic->partitions) look_at(*topic, *partition);
    });
  } else {
    for (const auto& [id, partitions] : only->partitions) {
      const metadata::topic* topic = image.find_topic(id);
      if (topic == nullptr) continue;
      for (const partition_id which : partitions) {
        if (const metadata::partition* partition = topic->find(which)) look_at(*topic, *partition);
      }
    }
  }
  take();
  return out;
}

}  // namespace moldau::broker
