#pragma once

#include <fmt/format.h>

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "client/cluster.hpp"
#include "moldau/client/admin.hpp"
#include "rt/task.hpp"

namespace moldau::client {

/// "partition 3 of 'orders': NOT_LEADER_OR_FOLLOWER"
[[nodiscard]] inline error partition_error(errc code, const topic_partition& of) {
  return {code, fmt::format("partition {} of '{}': {}", of.partition.value(), of.topic, name(code))};
}

/// The entry of this topic in a request's list, for keys that come sorted by topic.
template <typename Topics>
auto& topic_entry(Topics& topics, std::string_view topic) {
  if (topics.empty() || topics.back().name != topic) {
    topics.emplace_back();
    topics.back().name = topic;
  }
  return topics.back();
}

/// Asks a leader about its part.
template <typename In, typename Out>
using leader_question = std::function<rt::task<result<outcomes<topic_partition, Out>>>(
    peer::connection&, const std::map<topic_partition, In>&)>;

/// Asks each partition's leader what `ask` asks; what fails in passing is asked again, within `api_timeout_ms`, of
/// whoever leads then. Gives an outcome for every partition.
template <typename Out, typename In>
[[nodiscard]] rt::task<outcomes<topic_partition, Out>> ask_leaders(std::shared_ptr<cluster> of,
                                                                   std::map<topic_partition, In> left,
                                                                   leader_question<In, Out> ask, call_token call) {
  outcomes<topic_partition, Out> out;
  retry_timer timer(*of, of->options().api_timeout_ms);
  std::set<std::string> asked_again;
  while (true) {
    std::map<broker_id, std::map<topic_partition, In>> by_leader;
    for (const auto& [partition, what] : left) {
      auto topic = co_await of->topic(partition.topic, false, timer.left_ms());
      // The topic may have grown since it was last asked about.
      if (topic && !(*topic)->partitions.contains(partition.partition) && asked_again.insert(partition.topic).second) {
        of->view().forget(partition.topic);
        topic = co_await of->topic(partition.topic, false, timer.left_ms());
      }
      if (!topic) {
        out[partition] = std::unexpected(topic.error());
        continue;
      }
      const partition_view* view = of->view().partition(partition.topic, partition.partition);
      if (view == nullptr) {
        out[partition] = fail(errc::unknown_topic_or_partition,
                              fmt::format("topic '{}' has {} partitions, there is no {}", partition.topic,
                                          (*topic)->partitions.size(), partition.partition.value()));
        continue;
      }
      by_leader[view->leader][partition] = what;
    }
    std::map<topic_partition, In> again;
    for (const auto& [leader, part] : by_leader) {
      result<outcomes<topic_partition, Out>> got;
      if (auto to = co_await of->broker(leader)) {
        got = co_await ask(**to, part);
      } else {
        got = std::unexpected(std::move(to).error());
      }
      for (const auto& [partition, what] : part) {
        result<Out> outcome = fail(errc::network_exception, "the broker's answer leaves the partition out");
        if (!got) {
          outcome = std::unexpected(got.error());
        } else if (const auto found = got->find(partition); found != got->end()) {
          outcome = std::move(found->second);
        }
        if (!outcome && may_retry(outcome.error().code)) {
          again[partition] = what;
          of->view().forget(partition.topic);
        }
        out[partition] = std::move(outcome);
      }
    }
    if (again.empty() || of->is_closed() || call.is_cancelled() || !co_await timer.wait()) co_return out;
    left = std::move(again);
  }
}

}  // namespace moldau::client
