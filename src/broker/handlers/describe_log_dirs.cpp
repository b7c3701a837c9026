#include <map>
#include <set>

#include "broker/handlers.hpp"
#include "broker/node.hpp"
#include "broker/serve.hpp"
#include "broker/shard.hpp"
#include "wire/protocol/describe_log_dirs_request.hpp"
#include "wire/protocol/describe_log_dirs_response.hpp"

namespace moldau::broker {
namespace {

using wire::protocol::describe_log_dirs_request;
using wire::protocol::describe_log_dirs_response;

using sizes = std::map<topic_id_partition, std::uint64_t>;

/// What each log takes, asked on its own core.
rt::task<sizes> measure(shard& at) {
  sizes out;
  for (unsigned core = 0; core < at.world().core_count(); ++core) {
    co_await at.world().call_on(core, [&]() -> rt::task<void> {
      for (const auto& [id, partition] : at.on_core(core).partitions()) out[id] = partition->log().size_bytes();
      co_return;
    });
  }
  co_return out;
}

rt::task<describe_log_dirs_response> act(shard& at, request& what, const describe_log_dirs_request& message) {
  describe_log_dirs_response out;
  const sizes of = co_await measure(at);
  node& owner = at.owner();
  std::optional<std::set<topic_partition>> wanted;
  if (message.topics) {
    wanted.emplace();
    for (const auto& topic : *message.topics) {
      for (const partition_id partition : topic.partitions) wanted->insert({std::string(topic.topic), partition});
    }
  }
  co_await at.world().call_on(0, [&]() -> rt::task<void> {
    for (const storage::directory_status& directory : co_await owner.logs().directories()) {
      auto& to = out.results.emplace_back();
      to.log_dir = what.arena.store(std::string_view(directory.path));
      to.total_bytes = static_cast<std::int64_t>(directory.total_bytes);
      to.usable_bytes = static_cast<std::int64_t>(directory.usable_bytes);
    }
    std::map<std::pair<std::size_t, topic_partition>, std::uint64_t> sorted;
    for (const auto& [id, known] : owner.logs().logs()) {
      if (wanted && !wanted->contains(known.partition)) continue;
      const auto size = of.find(id);
      if (size != of.end()) sorted[{known.directory, known.partition}] = size->second;
    }
    for (const auto& [place, size] : sorted) {
      auto& topics = out.results[place.first].topics;
      if (topics.empty() || topics.back().name != place.second.topic) {
        topics.emplace_back().name = what.arena.store(std::string_view(place.second.topic));
      }
      auto& partition = topics.back().partitions.emplace_back();
      partition.partition_index = place.second.partition;
      partition.partition_size = static_cast<std::int64_t>(size);
    }
  });
  co_return out;
}

}  // namespace

rt::task<answer> describe_log_dirs(shard& at, request& what) {
  return serve<describe_log_dirs_request>(at, what, act);
}

}  // namespace moldau::broker
