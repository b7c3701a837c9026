#include "config/tables/tables.hpp"

namespace moldau::config {
namespace {

using namespace table;

// Segments, flushing and roll of partition logs.
constexpr definition rows[] = {
    {"compression.gzip.level", int32, "-1", gzip_level, medium, cluster_wide, built,
     "Level for topics that are recompressed with gzip; -1 is the library's own default."},
    {"compression.lz4.level", int32, "9", between(1, 17), medium, cluster_wide, built,
     "Level for topics that are recompressed with lz4."},
    {"compression.type", string, "producer", one_of("uncompressed,zstd,lz4,snappy,gzip,producer"), high, cluster_wide,
     built, "The codec in which topics are kept; producer keeps what was sent."},
    {"compression.zstd.level", int32, "3", between(-131072, 22), medium, cluster_wide, built,
     "Level for topics that are recompressed with zstd."},
    {"cordoned.log.dirs", list, "", any, medium, per_broker, not_built, "Log directories that get no new partitions."},
    {"log.dir", list, "/tmp/kafka-logs", any, high, read_only, built, "A log directory, used if log.dirs isn't set."},
    {"log.dir.failure.timeout.ms", int64, "30000", at_least(1), low, read_only, not_built,
     "Milliseconds after which a broker stops that couldn't report a failed log directory."},
    {"log.dirs", list, none, any, high, read_only, built, "The directories that hold the partitions."},
    {"log.flush.interval.messages", int64, "9223372036854775807", at_least(1), high, cluster_wide, unneeded,
     "Records after which Kafka syncs a log; moldau syncs what was appended at once."},
    {"log.flush.interval.ms", int64, none, any, high, cluster_wide, unneeded,
     "Milliseconds after which Kafka syncs a log; moldau syncs what was appended at once."},
    {"log.flush.offset.checkpoint.interval.ms", int32, "60000", at_least(0), high, read_only, built,
     "Milliseconds between writings of the recovery points."},
    {"log.flush.scheduler.interval.ms", int64, "9223372036854775807", any, high, read_only, unneeded,
     "Milliseconds between Kafka's checks for logs that are due to be synced; moldau syncs what was appended at once."},
    {"log.flush.start.offset.checkpoint.interval.ms", int32, "60000", at_least(0), high, read_only, unneeded,
     "Milliseconds between writings of the log start offsets; moldau writes them with the recovery points."},
    {"log.index.interval.bytes", int32, "4096", at_least(0), medium, cluster_wide, built,
     "Bytes of records between two entries of the offset index."},
    {"log.index.size.max.bytes", int32, "10485760", at_least(4), medium, cluster_wide, built,
     "The largest size of a segment's index, in bytes."},
    {"log.message.timestamp.after.max.ms", int64, "3600000", at_least(0), medium, cluster_wide, built,
     "How far in milliseconds a record's timestamp may be ahead of the broker's clock."},
    {"log.message.timestamp.before.max.ms", int64, "9223372036854775807", at_least(0), medium, cluster_wide, built,
     "How far in milliseconds a record's timestamp may be behind the broker's clock."},
    {"log.message.timestamp.type", string, "CreateTime", one_of("CreateTime,LogAppendTime"), medium, cluster_wide,
     built, "Whose clock stamps records: the producer's (CreateTime) or the broker's (LogAppendTime)."},
    {"log.preallocate", boolean, "false", any, medium, cluster_wide, built,
     "Whether a segment's whole size is set aside when it is created."},
    {"log.roll.hours", int32, "168", at_least(1), high, read_only, built,
     "Hours after which a new segment is begun; log.roll.ms comes first."},
    {"log.roll.jitter.hours", int32, "0", at_least(0), high, read_only, built,
     "The most hours by which a roll is brought forward at random; log.roll.jitter.ms comes first."},
    {"log.roll.jitter.ms", int64, none, any, high, cluster_wide, built,
     "The most milliseconds by which a roll is brought forward at random."},
    {"log.roll.ms", int64, none, any, high, cluster_wide, built, "Milliseconds after which a new segment is begun."},
    {"log.segment.bytes", int32, "1073741824", at_least(1048576), high, cluster_wide, built,
     "The size of a segment in bytes."},
    {"num.recovery.threads.per.data.dir", int32, "2", at_least(1), high, cluster_wide, unneeded,
     "Logs of one directory that are recovered at the same time in Kafka; moldau uses all of its workers."},
    {"num.replica.alter.log.dirs.threads", int32, none, any, high, read_only, not_built,
     "Threads that move replicas between log directories."},
};

}  // namespace

std::span<const definition> log_rows() {
  return rows;
}

}  // namespace moldau::config
