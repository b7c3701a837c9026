#include <map>
#include <utility>
#include <vector>

#include "broker/group_call.hpp"
#include "broker/handlers.hpp"
#include "wire/protocol/offset_fetch_request.hpp"
#include "wire/protocol/offset_fetch_response.hpp"

namespace moldau::broker {
namespace {

using wire::protocol::offset_fetch_request;
using wire::protocol::offset_fetch_response;

/// The response has an error of its own from here on; before, every partition tells it.
constexpr std::int16_t error_of_response_since = 2;
/// KIP-709: several groups at once.
constexpr std::int16_t batched_since = 8;
/// Topics go by id.
constexpr std::int16_t topic_ids_since = 10;

template <typename Partition>
Partition to_response(const coord::fetched_offset& from) {
  return {.partition_index = from.partition,
          .committed_offset = from.offset,
          .committed_leader_epoch = from.epoch,
          .metadata = from.metadata,
          .error_code = from.error};
}

rt::task<coord::fetch_result> ask(shard& at, const coord::fetch_request& wanted) {
  auto done = co_await ask_group<coord::fetch_result>(
      at, wanted.group, [&](auto& coordinator, coord::instant now, coord::reply<coord::fetch_result> reply) {
        coordinator.fetch_offsets(wanted, now, std::move(reply));
      });
  if (done) co_return *std::move(done);
  co_return coord::fetch_result{.error = done.error().code, .topics = {}};
}

rt::task<void> fetch_one(shard& at, request& what, const offset_fetch_request& message, offset_fetch_response& out) {
  coord::fetch_request wanted{.group = message.group_id, .require_stable = message.require_stable};
  if (message.topics) {
    auto& topics = wanted.topics.emplace();
    for (const auto& topic : *message.topics) {
      const topic_view* known = at.find_topic(topic.name);
      topics.push_back({topic.name, known == nullptr ? topic_id() : known->id, topic.partition_indexes});
    }
  }
  const auto& fetched = keep(what, co_await ask(at, wanted));
  if (fetched.error != errc::none) {
    if (what.api_version >= error_of_response_since) {
      out.error_code = fetched.error;
      co_return;
    }
    for (const auto& topic : message.topics.value_or(std::vector<offset_fetch_request::offset_fetch_request_topic>())) {
      auto& to = out.topics.emplace_back();
      to.name = topic.name;
      for (const partition_id partition : topic.partition_indexes) {
        to.partitions.push_back(
            {.partition_index = partition, .committed_offset = no_offset, .error_code = fetched.error});
      }
    }
    co_return;
  }
  for (const auto& topic : fetched.topics) {
    auto& to = out.topics.emplace_back();
    to.name = topic.name;
    for (const auto& one : topic.partitions) {
      to.partitions.push_back(to_response<offset_fetch_response::offset_fetch_response_partition>(one));
    }
  }
}

/// One group's question, with what can't be asked because nobody knows the topic.
struct group_question {
  coord::fetch_request wanted;
  std::vector<const offset_fetch_request::offset_fetch_request_topics*> unknown;
};

group_question question_of(shard& at, request& what, const offset_fetch_request::offset_fetch_request_group& group,
                           bool require_stable) {
  group_question out;
  out.wanted = {.group = group.group_id,
                .member_id = group.member_id,
                .member_epoch = group.member_epoch,
                .require_stable = require_stable};
  if (!group.topics) return out;
  auto& topics = out.wanted.topics.emplace();
  for (const auto& topic : *group.topics) {
    if (what.api_version < topic_ids_since) {
      const topic_view* known = at.find_topic(topic.name);
      topics.push_back({topic.name, known == nullptr ? topic_id() : known->id, topic.partition_indexes});
    } else if (const topic_view* known = at.find_topic(topic.topic_id)) {
      topics.push_back({what.arena.store(known->name), known->id, topic.partition_indexes});
    } else {
      out.unknown.push_back(&topic);
    }
  }
  return out;
}

/// What it takes, encoded or not.
std::size_t size_of(const coord::fetch_result& group) {
  std::size_t out = sizeof group + sizeof(offset_fetch_response::offset_fetch_response_group);
  for (const auto& topic : group.topics) {
    out += sizeof topic + sizeof(offset_fetch_response::offset_fetch_response_topics) + topic.name.size();
    for (const auto& one : topic.partitions) {
      out += sizeof one + sizeof(offset_fetch_response::offset_fetch_response_partitions) + one.metadata.size();
    }
  }
  return out;
}

rt::task<offset_fetch_response> act(shard& at, request& what, const offset_fetch_request& message) {
  offset_fetch_response out;
  if (what.api_version < batched_since) {
    co_await fetch_one(at, what, message, out);
    co_return out;
  }
  const bool by_id = what.api_version >= topic_ids_since;
  std::vector<group_question> questions;
  std::vector<coord::fetch_result> answers;
  response_room room(at, what);
  bool full = false;
  for (const auto& group : message.groups) {
    if (full) {
      questions.emplace_back();
      answers.push_back({.error = errc::invalid_request, .topics = {}});
      continue;
    }
    questions.push_back(question_of(at, what, group, message.require_stable));
    answers.push_back(co_await ask(at, questions.back().wanted));
    full = !co_await room.take(size_of(answers.back()));
    if (full) answers.back() = {.error = errc::invalid_request, .topics = {}};
  }
  const auto& fetched = keep(what, std::move(answers));
  for (std::size_t i = 0; i < fetched.size(); ++i) {
    auto& group = out.groups.emplace_back();
    group.group_id = message.groups[i].group_id;
    group.error_code = fetched[i].error;
    if (group.error_code != errc::none) continue;
    for (const auto& topic : fetched[i].topics) {
      const topic_view* known = by_id ? at.find_topic(topic.name) : nullptr;
      // A topic that is no more has no id to be called by.
      if (by_id && known == nullptr) continue;
      auto& to = group.topics.emplace_back();
      to.name = topic.name;
      if (known != nullptr) to.topic_id = known->id;
      for (const auto& one : topic.partitions) {
        to.partitions.push_back(to_response<offset_fetch_response::offset_fetch_response_partitions>(one));
      }
    }
    for (const auto* topic : questions[i].unknown) {
      auto& to = group.topics.emplace_back();
      to.topic_id = topic->topic_id;
      for (const partition_id partition : topic->partition_indexes) {
        to.partitions.push_back(
            {.partition_index = partition, .committed_offset = no_offset, .error_code = errc::unknown_topic_id});
      }
    }
  }
  co_return out;
}

}  // namespace

rt::task<answer> offset_fetch(shard& at, request& what) {
  return serve<offset_fetch_request>(at, what, act);
}

}  // namespace moldau::broker
