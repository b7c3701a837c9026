#include "testing/fake_broker/apis.hpp"
#include "wire/protocol/metadata_request.hpp"
#include "wire/protocol/metadata_response.hpp"

namespace moldau::testing::fake {
namespace {

using wire::protocol::metadata_request;
using wire::protocol::metadata_response;
using told_topic = metadata_response::metadata_response_topic;

/// Who asks in version 0 with no topics wants all.
constexpr std::int16_t null_means_all_since = 1;

told_topic describe(const topic& of, const cluster& in) {
  told_topic out;
  out.name = of.name;
  out.topic_id = of.id;
  for (std::size_t i = 0; i < of.partitions.size(); ++i) {
    const partition& from = of.partitions[i];
    auto& to = out.partitions.emplace_back();
    to.partition_index = partition_id(static_cast<std::int32_t>(i));
    to.leader_id = from.leader;
    to.leader_epoch = from.log.epoch();
    to.replica_nodes = from.replicas;
    for (const broker_id replica : from.replicas) {
      (in.brokers.at(replica).running ? to.isr_nodes : to.offline_replicas).push_back(replica);
    }
    if (from.leader == no_broker) to.error_code = errc::leader_not_available;
  }
  return out;
}

told_topic unknown(std::optional<std::string_view> name, const topic_id& id, errc code) {
  told_topic out;
  out.name = name;
  out.topic_id = id;
  out.error_code = code;
  return out;
}

told_topic look_up(const metadata_request::metadata_request_topic& wanted, const metadata_request& asked, call& what) {
  if (!wanted.name) {
    const topic* known = what.in.find(wanted.topic_id);
    return known != nullptr ? describe(*known, what.in)
                            : unknown(std::nullopt, wanted.topic_id, errc::unknown_topic_id);
  }
  const topic* known = what.in.find(*wanted.name);
  if (known == nullptr && asked.allow_auto_topic_creation && what.in.options.auto_create_topics) {
    const auto made = what.in.create_topic({.name = std::string(*wanted.name), .partitions = -1});
    if (!made) return unknown(wanted.name, {}, made.error().code);
    known = what.in.find(*wanted.name);
  }
  return known != nullptr ? describe(*known, what.in) : unknown(wanted.name, {}, errc::unknown_topic_or_partition);
}

}  // namespace

outcome handle_metadata(call& what) {
  return serve<metadata_request, metadata_response>(what, [&](const metadata_request& asked, metadata_response& out) {
    for (const auto& [id, one] : what.in.brokers) {
      if (!one.running) continue;
      auto& to = out.brokers.emplace_back();
      to.node_id = id;
      to.host = what.in.options.host;
      to.port = one.port;
      if (!one.rack.empty()) to.rack = one.rack;
    }
    out.cluster_id = what.in.cluster_id;
    out.controller_id = what.in.controller();
    const bool all = !asked.topics || (what.version < null_means_all_since && asked.topics->empty());
    if (all) {
      for (const auto& [name, one] : what.in.topics) out.topics.push_back(describe(one, what.in));
    } else {
      for (const auto& wanted : *asked.topics) out.topics.push_back(look_up(wanted, asked, what));
    }
    if (what.refused) {
      out.error_code = *what.refused;
      for (auto& one : out.topics) one = unknown(one.name, one.topic_id, *what.refused);
    }
    return done;
  });
}

}  // namespace moldau::testing::fake
