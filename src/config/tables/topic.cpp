#include "config/tables/tables.hpp"

namespace moldau::config {
namespace {

using namespace table;

// Properties of topics.
constexpr definition rows[] = {
    {"cleanup.policy", list, "delete", list_of("compact,delete"), medium, cluster_wide, built,
     "What happens to old segments: delete, compact, or both."},
    {"compression.gzip.level", int32, "-1", gzip_level, medium, cluster_wide, built,
     "Level if the topic is recompressed with gzip; -1 is the library's own default."},
    {"compression.lz4.level", int32, "9", between(1, 17), medium, cluster_wide, built,
     "Level if the topic is recompressed with lz4."},
    {"compression.type", string, "producer", one_of("uncompressed,zstd,lz4,snappy,gzip,producer"), medium, cluster_wide,
     built, "The codec in which the topic is kept; producer keeps what was sent."},
    {"compression.zstd.level", int32, "3", between(-131072, 22), medium, cluster_wide, built,
     "Level if the topic is recompressed with zstd."},
    {"delete.retention.ms", int64, "86400000", at_least(0), medium, cluster_wide, built,
     "Milliseconds that a tombstone stays after compaction."},
    {"file.delete.delay.ms", int64, "60000", at_least(0), medium, cluster_wide, built,
     "Milliseconds between taking a segment out of the log and removing its files."},
    {"flush.messages", int64, "9223372036854775807", at_least(1), medium, cluster_wide, unneeded,
     "Records after which Kafka syncs the log; moldau syncs what was appended at once."},
    {"flush.ms", int64, "9223372036854775807", at_least(0), medium, cluster_wide, unneeded,
     "Milliseconds after which Kafka syncs the log; moldau syncs what was appended at once."},
    {"follower.replication.throttled.replicas", list, "", throttled_replicas, medium, cluster_wide, not_built,
     "Replicas whose fetching is throttled, as partition:broker pairs or * for all."},
    {"index.interval.bytes", int32, "4096", at_least(0), medium, cluster_wide, built,
     "Bytes of records between two entries of the offset index."},
    {"leader.replication.throttled.replicas", list, "", throttled_replicas, medium, cluster_wide, not_built,
     "Replicas whose serving of followers is throttled, as partition:broker pairs or * for all."},
    {"local.retention.bytes", int64, "-2", at_least(-2), medium, cluster_wide, not_built,
     "Bytes of a tiered partition that are also kept on local disk; -2 follows retention.bytes."},
    {"local.retention.ms", int64, "-2", at_least(-2), medium, cluster_wide, not_built,
     "Milliseconds for which a tiered partition is also kept on local disk; -2 follows retention.ms."},
    {"max.compaction.lag.ms", int64, "9223372036854775807", at_least(1), medium, cluster_wide, built,
     "Milliseconds after which a record must have been looked at by the cleaner."},
    {"max.message.bytes", int32, "1048588", at_least(0), medium, cluster_wide, built,
     "The largest record batch accepted, in bytes."},
    {"message.timestamp.after.max.ms", int64, "3600000", at_least(0), medium, cluster_wide, built,
     "How far in milliseconds a record's timestamp may be ahead of the broker's clock."},
    {"message.timestamp.before.max.ms", int64, "9223372036854775807", at_least(0), medium, cluster_wide, built,
     "How far in milliseconds a record's timestamp may be behind the broker's clock."},
    {"message.timestamp.type", string, "CreateTime", one_of("CreateTime,LogAppendTime"), medium, cluster_wide, built,
     "Whose clock stamps records: the producer's (CreateTime) or the broker's (LogAppendTime)."},
    {"min.cleanable.dirty.ratio", float64, "0.5", between(0, 1), medium, cluster_wide, built,
     "The share of the log that must be uncompacted before the cleaner takes it up."},
    {"min.compaction.lag.ms", int64, "0", at_least(0), medium, cluster_wide, built,
     "Milliseconds for which a record is safe from being compacted."},
    {"min.insync.replicas", int32, "1", at_least(1), medium, cluster_wide, built,
     "In-sync replicas without which a write with acks=all is refused."},
    {"preallocate", boolean, "false", any, medium, cluster_wide, built,
     "Whether a segment's whole size is set aside when it is created."},
    {"remote.log.copy.disable", boolean, "false", any, medium, cluster_wide, not_built,
     "Whether a tiered topic stops copying segments and becomes read-only remotely."},
    {"remote.log.delete.on.disable", boolean, "false", any, medium, cluster_wide, not_built,
     "Whether turning tiering off deletes what is stored remotely."},
    {"remote.storage.enable", boolean, "false", any, medium, cluster_wide, not_built, "Whether the topic is tiered."},
    {"retention.bytes", int64, "-1", any, medium, cluster_wide, built,
     "The size in bytes above which a partition loses its oldest segments; -1 is no bound."},
    {"retention.ms", int64, "604800000", at_least(-1), medium, cluster_wide, built,
     "Milliseconds for which records are kept; -1 keeps them for ever."},
    {"segment.bytes", int32, "1073741824", at_least(1048576), medium, cluster_wide, built,
     "The size of a segment in bytes."},
    {"segment.index.bytes", int32, "10485760", at_least(4), medium, cluster_wide, built,
     "The largest size of a segment's index, in bytes."},
    {"segment.jitter.ms", int64, "0", at_least(0), medium, cluster_wide, built,
     "The most milliseconds by which a roll is brought forward at random."},
    {"segment.ms", int64, "604800000", at_least(1), medium, cluster_wide, built,
     "Milliseconds after which a new segment is begun."},
    {"unclean.leader.election.enable", boolean, "false", any, medium, cluster_wide, built,
     "Whether a replica that lacks acknowledged records may become leader when no other is left."},
};

}  // namespace

std::span<const definition> topic_rows() {
  return rows;
}

}  // namespace moldau::config
