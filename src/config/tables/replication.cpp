#include "config/tables/tables.hpp"

namespace moldau::config {
namespace {

using namespace table;

// Followers, fetching, and the in-sync set.
constexpr definition rows[] = {
    {"broker.heartbeat.interval.ms", int32, "2000", any, medium, read_only, built,
     "Milliseconds between a broker's heartbeats to the controller."},
    {"broker.session.timeout.ms", int32, "9000", any, medium, read_only, built,
     "Milliseconds without heartbeat after which the controller fences a broker."},
    {"controller.socket.timeout.ms", int32, "30000", any, medium, read_only, unneeded,
     "Milliseconds that Kafka's controller waited for a broker's answer; nothing uses it any more."},
    {"fetch.max.bytes", int32, "57671680", at_least(1024), medium, read_only, built,
     "The most bytes of records in one answer to a fetch."},
    {"fetch.purgatory.purge.interval.requests", int32, "1000", any, medium, read_only, unneeded,
     "How often Kafka sweeps its waiting fetches; moldau drops them at once."},
    {"initial.broker.registration.timeout.ms", int32, "60000", any, medium, read_only, not_built,
     "Milliseconds within which a starting broker must have registered."},
    {"max.incremental.fetch.session.cache.slots", int32, "1000", at_least(0), medium, read_only, built,
     "Fetch sessions that are kept at once."},
    {"num.replica.fetchers", int32, "1", at_least(1), high, cluster_wide, not_built,
     "Connections for replication to each other broker."},
    {"producer.id.expiration.ms", int32, "86400000", at_least(1), low, cluster_wide, built,
     "Milliseconds of silence after which the state of an idempotent producer is dropped."},
    {"producer.purgatory.purge.interval.requests", int32, "1000", any, medium, read_only, unneeded,
     "How often Kafka sweeps its waiting produce requests; moldau drops them at once."},
    {"replica.fetch.backoff.ms", int32, "1000", at_least(0), medium, read_only, not_built,
     "Milliseconds that a follower rests after a failed fetch."},
    {"replica.fetch.max.bytes", int32, "1048576", at_least(0), medium, read_only, not_built,
     "Bytes per partition that a follower asks for."},
    {"replica.fetch.min.bytes", int32, "1", any, high, read_only, not_built,
     "Bytes that a follower's fetch waits for."},
    {"replica.fetch.response.max.bytes", int32, "10485760", at_least(0), medium, read_only, not_built,
     "Bytes that a follower asks for over all partitions."},
    {"replica.fetch.wait.max.ms", int32, "500", any, high, read_only, not_built,
     "Milliseconds that a follower's fetch waits for new records."},
    {"replica.high.watermark.checkpoint.interval.ms", int64, "5000", any, high, read_only, unneeded,
     "Milliseconds between writings of the high watermarks; moldau writes them with the recovery points."},
    {"replica.lag.time.max.ms", int64, "30000", any, high, read_only, not_built,
     "Milliseconds without catching up after which a follower leaves the in-sync set."},
    {"replica.selector.class", string, none, any, medium, read_only, not_built,
     "A Java class that chooses the replica a consumer reads from."},
    {"replica.socket.receive.buffer.bytes", int32, "65536", any, high, read_only, not_built,
     "The kernel's receive buffer for replication, in bytes."},
    {"replica.socket.timeout.ms", int32, "30000", any, high, read_only, not_built,
     "Milliseconds that a follower waits for an answer."},
};

}  // namespace

std::span<const definition> replication_rows() {
  return rows;
}

}  // namespace moldau::config
