#include "config/tables/tables.hpp"

namespace moldau::config {
namespace {

using namespace table;

// The group coordinator, with classic and consumer groups.
constexpr definition rows[] = {
    {"group.consumer.assignment.interval.ms", int32, "1000", at_least(0), medium, cluster_wide, not_built,
     "Milliseconds between two assignments of a consumer group."},
    {"group.consumer.assignors", list, "uniform,range", any, medium, read_only, not_built,
     "Assignors on the server's side, the default one first."},
    {"group.consumer.heartbeat.interval.ms", int32, "5000", at_least(1), medium, read_only, not_built,
     "Milliseconds between heartbeats of a consumer group's members."},
    {"group.consumer.max.assignment.interval.ms", int32, "15000", at_least(0), medium, read_only, not_built,
     "The largest assignment interval that a consumer group may set, in milliseconds."},
    {"group.consumer.max.heartbeat.interval.ms", int32, "15000", at_least(1), medium, read_only, not_built,
     "The largest heartbeat interval that a consumer group may set, in milliseconds."},
    {"group.consumer.max.session.timeout.ms", int32, "60000", at_least(1), medium, read_only, not_built,
     "The largest session timeout that a consumer group may set, in milliseconds."},
    {"group.consumer.max.size", int32, "2147483647", at_least(1), medium, read_only, not_built,
     "The most members of a consumer group."},
    {"group.consumer.migration.policy", string, "bidirectional",
     one_of_ignoring_case("DISABLED,DOWNGRADE,UPGRADE,BIDIRECTIONAL"), medium, read_only, not_built,
     "Which way groups may move between the classic and the consumer protocol."},
    {"group.consumer.min.assignment.interval.ms", int32, "0", at_least(0), medium, read_only, not_built,
     "The smallest assignment interval that a consumer group may set, in milliseconds."},
    {"group.consumer.min.heartbeat.interval.ms", int32, "5000", at_least(1), medium, read_only, not_built,
     "The smallest heartbeat interval that a consumer group may set, in milliseconds."},
    {"group.consumer.min.session.timeout.ms", int32, "45000", at_least(1), medium, read_only, not_built,
     "The smallest session timeout that a consumer group may set, in milliseconds."},
    {"group.consumer.session.timeout.ms", int32, "45000", at_least(1), medium, read_only, not_built,
     "Milliseconds without heartbeat after which a consumer group's member is dropped."},
    {"group.coordinator.append.linger.ms", int32, "-1", at_least(-1), medium, read_only, unneeded,
     "Milliseconds for which Kafka's coordinator gathers writes; moldau gathers during the sync before."},
    {"group.coordinator.background.threads", int32, "2", at_least(1), high, read_only, unneeded,
     "Background threads of Kafka's group coordinator; moldau needs no such number."},
    {"group.coordinator.cached.buffer.max.bytes", int32, "1048588", at_least(524288), medium, cluster_wide, unneeded,
     "Bytes of write buffer that Kafka's group coordinator keeps for reuse."},
    {"group.coordinator.rebalance.protocols", list, "classic,consumer,streams",
     list_of("consumer,classic,share,streams"), medium, read_only, not_built,
     "Group protocols that are offered; those not built yet are left out."},
    {"group.coordinator.threads", int32, "4", at_least(1), high, read_only, unneeded,
     "Threads of Kafka's group coordinator; moldau runs each on its partition's core."},
    {"group.initial.rebalance.delay.ms", int32, "3000", any, medium, read_only, built,
     "Milliseconds that an empty classic group waits for more members before its first assignment."},
    {"group.max.session.timeout.ms", int32, "1800000", any, medium, read_only, built,
     "The largest session timeout of a classic group's member, in milliseconds."},
    {"group.max.size", int32, "2147483647", at_least(1), medium, read_only, built,
     "The most members of a classic group."},
    {"group.min.session.timeout.ms", int32, "6000", any, medium, read_only, built,
     "The smallest session timeout of a classic group's member, in milliseconds."},
};

}  // namespace

std::span<const definition> group_rows() {
  return rows;
}

}  // namespace moldau::config
