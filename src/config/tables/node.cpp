#include "config/tables/tables.hpp"

namespace moldau::config {
namespace {

using namespace table;

// What a node is, its topics' defaults, and its housekeeping.
constexpr definition rows[] = {
    {"alter.config.policy.class.name", class_name, none, any, low, read_only, refused,
     "A Java class that decides which configuration changes are allowed."},
    {"auto.create.topics.enable", boolean, "true", any, high, read_only, built,
     "Whether producing to or asking for an unknown topic creates it."},
    {"auto.leader.rebalance.enable", boolean, "true", any, high, read_only, not_built,
     "Whether leadership is moved back to preferred replicas from time to time."},
    {"background.threads", int32, "10", at_least(1), high, cluster_wide, unneeded,
     "Threads for housekeeping in Kafka; moldau needs no such number."},
    {"broker.id", int32, "-1", any, high, read_only, built, "The older name of node.id; if set, both must be equal."},
    {"broker.rack", string, none, any, medium, read_only, built,
     "The rack or zone of this broker, for spreading replicas and for reading nearby."},
    {"config.providers", list, "", any, low, cluster_wide, not_built,
     "Java classes that fetch property values from elsewhere."},
    {"controlled.shutdown.enable", boolean, "true", any, medium, read_only, not_built,
     "Whether a stopping broker hands its leaderships over first."},
    {"create.topic.policy.class.name", class_name, none, any, low, read_only, refused,
     "A Java class that decides which topics may be created."},
    {"default.replication.factor", int32, "1", any, medium, read_only, built,
     "Replicas of a topic that is created without saying how many."},
    {"delete.topic.enable", boolean, "true", any, high, read_only, built, "Whether topics may be deleted."},
    {"leader.imbalance.check.interval.seconds", int64, "300", at_least(1), high, read_only, not_built,
     "Seconds between checks for leaders that aren't on their preferred replica."},
    {"message.max.bytes", int32, "1048588", at_least(0), high, cluster_wide, built,
     "The largest record batch accepted, in bytes, where the topic doesn't say."},
    {"min.insync.replicas", int32, "1", at_least(1), high, cluster_wide, built,
     "In-sync replicas without which a write with acks=all is refused."},
    {"node.id", int32, none, at_least(0), high, read_only, built, "This node's number, unique in the cluster.", true},
    {"num.io.threads", int32, "8", at_least(1), high, cluster_wide, unneeded,
     "Request threads in Kafka; moldau handles requests on its cores (moldau.cores)."},
    {"num.partitions", int32, "1", at_least(1), medium, read_only, built,
     "Partitions of a topic that is created without saying how many."},
    {"process.roles", list, none, list_of("broker,controller"), high, read_only, built,
     "What this node is: broker, controller or both.", true},
    {"unclean.leader.election.enable", boolean, "false", any, high, cluster_wide, built,
     "Whether a replica that lacks acknowledged records may become leader when no other is left."},
};

}  // namespace

std::span<const definition> node_rows() {
  return rows;
}

}  // namespace moldau::config
