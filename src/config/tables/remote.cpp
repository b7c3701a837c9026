#include "config/tables/tables.hpp"

namespace moldau::config {
namespace {

using namespace table;

// Tiered storage.
constexpr definition rows[] = {
    {"follower.fetch.last.tiered.offset.enable", boolean, "false", any, medium, cluster_wide, not_built,
     "Whether a new follower of a tiered partition begins at the last tiered offset."},
    {"remote.fetch.max.wait.ms", int32, "500", at_least(1), medium, cluster_wide, not_built,
     "Milliseconds that a fetch waits for remote storage."},
    {"remote.list.offsets.request.timeout.ms", int64, "30000", at_least(1), medium, cluster_wide, not_built,
     "Milliseconds that looking up an offset in remote storage may take."},
    {"remote.log.index.file.cache.total.size.bytes", int64, "1073741824", at_least(1), low, cluster_wide, not_built,
     "Bytes of local disk for indexes of remote segments."},
    {"remote.log.manager.copier.thread.pool.size", int32, "10", at_least(1), medium, cluster_wide, not_built,
     "Threads that copy segments to remote storage."},
    {"remote.log.manager.copy.max.bytes.per.second", int64, "9223372036854775807", at_least(1), medium, cluster_wide,
     not_built, "Bytes per second copied to remote storage."},
    {"remote.log.manager.copy.quota.window.num", int32, "11", at_least(1), medium, read_only, not_built,
     "Samples kept for the bound on copying."},
    {"remote.log.manager.copy.quota.window.size.seconds", int32, "1", at_least(1), medium, read_only, not_built,
     "Seconds of one sample for the bound on copying."},
    {"remote.log.manager.expiration.thread.pool.size", int32, "10", at_least(1), medium, cluster_wide, not_built,
     "Threads that delete expired remote segments."},
    {"remote.log.manager.fetch.max.bytes.per.second", int64, "9223372036854775807", at_least(1), medium, cluster_wide,
     not_built, "Bytes per second read from remote storage."},
    {"remote.log.manager.fetch.quota.window.num", int32, "11", at_least(1), medium, read_only, not_built,
     "Samples kept for the bound on remote reads."},
    {"remote.log.manager.fetch.quota.window.size.seconds", int32, "1", at_least(1), medium, read_only, not_built,
     "Seconds of one sample for the bound on remote reads."},
    {"remote.log.manager.follower.thread.pool.size", int32, "2", at_least(1), medium, cluster_wide, not_built,
     "Threads for followers of tiered partitions."},
    {"remote.log.manager.task.interval.ms", int64, "30000", at_least(1), low, read_only, not_built,
     "Milliseconds between rounds of copying and deleting."},
    {"remote.log.manager.thread.pool.size", int32, "2", at_least(1), medium, read_only, not_built,
     "Threads for all tasks of tiered storage together."},
    {"remote.log.metadata.custom.metadata.max.bytes", int32, "128", at_least(0), low, read_only, not_built,
     "The most bytes that a storage plug-in may keep with a segment."},
    {"remote.log.metadata.manager.class.name", string,
     "org.apache.kafka.server.log.remote.metadata.storage.TopicBasedRemoteLogMetadataManager", not_empty, medium,
     read_only, not_built, "The class that keeps the list of remote segments."},
    {"remote.log.metadata.manager.class.path", string, none, any, medium, read_only, not_built,
     "Where the class that keeps the list of remote segments is found."},
    {"remote.log.metadata.manager.impl.prefix", string, "rlmm.config.", not_empty, medium, read_only, not_built,
     "The prefix of properties handed to the keeper of remote segments."},
    {"remote.log.metadata.manager.listener.name", string, none, not_empty, medium, read_only, not_built,
     "The listener by which the keeper of remote segments reaches brokers."},
    {"remote.log.reader.max.pending.tasks", int32, "100", at_least(1), medium, read_only, not_built,
     "Remote reads that may wait at once."},
    {"remote.log.reader.threads", int32, "10", at_least(1), medium, cluster_wide, not_built,
     "Threads that read from remote storage."},
    {"remote.log.storage.manager.class.name", string, none, not_empty, medium, read_only, not_built,
     "The class that moves segments to and from remote storage."},
    {"remote.log.storage.manager.class.path", string, none, any, medium, read_only, not_built,
     "Where the class that moves segments is found."},
    {"remote.log.storage.manager.impl.prefix", string, "rsm.config.", not_empty, medium, read_only, not_built,
     "The prefix of properties handed to the mover of segments."},
    {"remote.log.storage.system.enable", boolean, "false", any, medium, read_only, not_built,
     "Whether tiered storage is on."},
};

}  // namespace

std::span<const definition> remote_rows() {
  return rows;
}

}  // namespace moldau::config
