#include <map>

#include "testing/fake_broker/apis.hpp"
#include "testing/fake_broker/group_call.hpp"
#include "wire/protocol/offset_fetch_request.hpp"
#include "wire/protocol/offset_fetch_response.hpp"

namespace moldau::testing::fake {
namespace {

using wire::protocol::offset_fetch_request;
using wire::protocol::offset_fetch_response;

/// KIP-709: several groups at once.
constexpr std::int16_t batched_since = 8;
/// Topics go by id.
constexpr std::int16_t topic_ids_since = 10;

template <typename Partition>
Partition tell(const group* of, const topic_partition& place) {
  Partition out;
  out.partition_index = place.partition;
  out.committed_offset = no_offset;
  out.committed_leader_epoch = no_leader_epoch;
  out.metadata = "";
  if (of == nullptr) return out;
  const auto found = of->offsets.find(place);
  if (found == of->offsets.end()) return out;
  out.committed_offset = found->second.offset;
  out.committed_leader_epoch = found->second.epoch;
  if (found->second.metadata) out.metadata = *found->second.metadata;
  return out;
}

/// Everything that a group has committed, by topic.
std::map<std::string_view, std::vector<partition_id>> all_of(const group* of) {
  std::map<std::string_view, std::vector<partition_id>> out;
  if (of == nullptr) return out;
  for (const auto& [place, value] : of->offsets) out[place.topic].push_back(place.partition);
  return out;
}

void answer_group(const offset_fetch_request::offset_fetch_request_group& asked, call& what,
                  offset_fetch_response::offset_fetch_response_group& out) {
  using told_partition = offset_fetch_response::offset_fetch_response_partitions;
  out.group_id = asked.group_id;
  out.error_code = what.judge([&] { return coordinates(what, asked.group_id); });
  if (out.error_code != errc::none) return;
  const group* const of = find_group(what, asked.group_id);
  if (!asked.topics) {
    for (const auto& [name, partitions] : all_of(of)) {
      auto& to = out.topics.emplace_back();
      to.name = name;
      if (const topic* known = what.in.find(name)) to.topic_id = known->id;
      for (const partition_id one : partitions) {
        to.partitions.push_back(tell<told_partition>(of, {std::string(name), one}));
      }
    }
    return;
  }
  for (const auto& wanted : *asked.topics) {
    auto& to = out.topics.emplace_back();
    to.name = wanted.name;
    to.topic_id = wanted.topic_id;
    const bool by_id = what.version >= topic_ids_since;
    const topic* known = by_id ? what.in.find(wanted.topic_id) : nullptr;
    for (const partition_id one : wanted.partition_indexes) {
      auto& told = to.partitions.emplace_back();
      if (by_id && known == nullptr) {
        told = {.partition_index = one, .committed_offset = no_offset, .error_code = errc::unknown_topic_id};
      } else {
        told = tell<told_partition>(of, {by_id ? known->name : std::string(wanted.name), one});
      }
    }
  }
}

void answer_one(const offset_fetch_request& asked, call& what, offset_fetch_response& out) {
  using told_partition = offset_fetch_response::offset_fetch_response_partition;
  out.error_code = what.judge([&] { return coordinates(what, asked.group_id); });
  const group* const of = out.error_code == errc::none ? find_group(what, asked.group_id) : nullptr;
  std::map<std::string_view, std::vector<partition_id>> wanted;
  if (asked.topics) {
    for (const auto& one : *asked.topics) wanted[one.name] = one.partition_indexes;
  } else {
    wanted = all_of(of);
  }
  for (const auto& [name, partitions] : wanted) {
    auto& to = out.topics.emplace_back();
    to.name = name;
    for (const partition_id one : partitions) {
      to.partitions.push_back(tell<told_partition>(of, {std::string(name), one}));
      to.partitions.back().error_code = out.error_code;
    }
  }
}

}  // namespace

outcome handle_offset_fetch(call& what) {
  return serve<offset_fetch_request, offset_fetch_response>(
      what, [&](const offset_fetch_request& asked, offset_fetch_response& out) {
        if (what.version < batched_since) {
          answer_one(asked, what, out);
        } else {
          for (const auto& one : asked.groups) answer_group(one, what, out.groups.emplace_back());
        }
        return done;
      });
}

}  // namespace moldau::testing::fake
