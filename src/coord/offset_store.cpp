#include "coord/offset_store.hpp"

#include <algorithm>
#include <utility>

namespace moldau::coord {
namespace {

const offset_store::topics* topics_of(const offset_store::groups& from, std::string_view group) {
  const auto found = from.find(group);
  return found == from.end() ? nullptr : &found->second;
}

const committed_offset* look_up(const offset_store::groups& from, std::string_view group, std::string_view topic,
                                partition_id at) {
  const auto* topics = topics_of(from, group);
  if (topics == nullptr) return nullptr;
  const auto in = topics->find(topic);
  if (in == topics->end()) return nullptr;
  const auto found = in->second.find(at);
  return found == in->second.end() ? nullptr : &found->second;
}

void set(offset_store::groups& to, std::string_view group, std::string_view topic, partition_id at,
         committed_offset what) {
  auto in_group = to.find(group);
  if (in_group == to.end()) in_group = to.emplace(std::string(group), offset_store::topics()).first;
  auto in_topic = in_group->second.find(topic);
  if (in_topic == in_group->second.end()) {
    in_topic = in_group->second.emplace(std::string(topic), offset_store::partitions()).first;
  }
  in_topic->second.insert_or_assign(at, std::move(what));
}

void erase(offset_store::groups& from, std::string_view group, std::string_view topic, partition_id at) {
  const auto in_group = from.find(group);
  if (in_group == from.end()) return;
  const auto in_topic = in_group->second.find(topic);
  if (in_topic == in_group->second.end()) return;
  in_topic->second.erase(at);
  if (in_topic->second.empty()) in_group->second.erase(in_topic);
  if (in_group->second.empty()) from.erase(in_group);
}

}  // namespace

const offset_store::topics* offset_store::find(std::string_view group) const {
  return topics_of(committed_, group);
}

const committed_offset* offset_store::find(std::string_view group, std::string_view topic, partition_id at) const {
  return look_up(committed_, group, topic, at);
}

bool offset_store::is_pending(std::string_view group, std::string_view topic, partition_id at) const {
  return std::ranges::any_of(pending_,
                             [&](const auto& one) { return look_up(one.second, group, topic, at) != nullptr; });
}

bool offset_store::has_open_transactions(std::string_view group) const {
  return std::ranges::any_of(pending_, [&](const auto& one) { return one.second.contains(group); });
}

void offset_store::put(std::string_view group, std::string_view topic, partition_id at, committed_offset what,
                       producer_id transaction) {
  set(transaction == no_producer_id ? committed_ : pending_[transaction], group, topic, at, std::move(what));
}

void offset_store::remove(std::string_view group, std::string_view topic, partition_id at) {
  erase(committed_, group, topic, at);
  for (auto& [transaction, groups] : pending_) erase(groups, group, topic, at);
}

void offset_store::end_transaction(producer_id transaction, bool commit) {
  auto ended = pending_.extract(transaction);
  if (ended.empty() || !commit) return;
  for (auto& [group, topics] : ended.mapped()) {
    for (auto& [topic, partitions] : topics) {
      for (auto& [at, what] : partitions) {
        const committed_offset* before = find(group, topic, at);
        if (before == nullptr || what.record_offset > before->record_offset) {
          set(committed_, group, topic, at, std::move(what));
        }
      }
    }
  }
}

void offset_store::for_each(std::string_view group,
                            const std::function<void(std::string_view, partition_id)>& what) const {
  const auto each = [&](const groups& from, bool pending) {
    const topics* topics = topics_of(from, group);
    if (topics == nullptr) return;
    for (const auto& [topic, partitions] : *topics) {
      for (const auto& [at, offset] : partitions) {
        if (!pending || find(group, topic, at) == nullptr) what(topic, at);
      }
    }
  };
  each(committed_, false);
  for (const auto& [transaction, from] : pending_) each(from, true);
}

}  // namespace moldau::coord
