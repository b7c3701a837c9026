#include "config/tables/tables.hpp"

namespace moldau::config {
namespace {

using namespace table;

// Retention and compaction of partition logs.
constexpr definition rows[] = {
    {"delete.records.purgatory.purge.interval.requests", int32, "1", any, medium, read_only, unneeded,
     "How often Kafka sweeps its waiting DeleteRecords requests; moldau drops them at once."},
    {"log.cleaner.backoff.ms", int64, "15000", at_least(0), medium, cluster_wide, built,
     "Milliseconds that the cleaner rests when nothing is to be compacted."},
    {"log.cleaner.dedupe.buffer.size", int64, "134217728", any, medium, cluster_wide, built,
     "Bytes of memory for the cleaner's tables of keys, over all its threads."},
    {"log.cleaner.delete.retention.ms", int64, "86400000", at_least(0), medium, cluster_wide, built,
     "Milliseconds that a tombstone stays in a compacted topic."},
    {"log.cleaner.enable", boolean, "true", any, medium, read_only, built,
     "Whether compacted topics are compacted at all."},
    {"log.cleaner.io.buffer.load.factor", float64, "0.9", any, medium, cluster_wide, built,
     "How full the cleaner's table of keys may get, from 0 to 1."},
    {"log.cleaner.io.buffer.size", int32, "524288", at_least(0), medium, cluster_wide, unneeded,
     "Bytes of Kafka's read and write buffers for compaction; moldau sizes its own."},
    {"log.cleaner.io.max.bytes.per.second", float64, "1.7976931348623157E308", any, medium, cluster_wide, not_built,
     "Bytes per second that the cleaner may read and write together."},
    {"log.cleaner.max.compaction.lag.ms", int64, "9223372036854775807", at_least(1), medium, cluster_wide, built,
     "Milliseconds after which a record must have been looked at by the cleaner."},
    {"log.cleaner.min.cleanable.ratio", float64, "0.5", between(0, 1), medium, cluster_wide, built,
     "The share of a log that must be uncompacted before the cleaner takes it up."},
    {"log.cleaner.min.compaction.lag.ms", int64, "0", at_least(0), medium, cluster_wide, built,
     "Milliseconds for which a record is safe from being compacted."},
    {"log.cleaner.threads", int32, "1", at_least(0), medium, cluster_wide, unneeded,
     "Logs that Kafka compacts at the same time; moldau compacts one at a time in each directory."},
    {"log.cleanup.policy", list, "delete", list_of("compact,delete"), medium, cluster_wide, built,
     "What happens to old segments: delete, compact, or both."},
    {"log.local.retention.bytes", int64, "-2", at_least(-2), medium, cluster_wide, not_built,
     "Bytes of a tiered partition that are also kept on local disk; -2 follows log.retention.bytes."},
    {"log.local.retention.ms", int64, "-2", at_least(-2), medium, cluster_wide, not_built,
     "Milliseconds for which a tiered partition is also kept on local disk; -2 follows log.retention.ms."},
    {"log.retention.bytes", int64, "-1", any, high, cluster_wide, built,
     "The size in bytes above which a partition loses its oldest segments; -1 is no bound."},
    {"log.retention.check.interval.ms", int64, "300000", at_least(1), medium, read_only, built,
     "Milliseconds between checks for segments that are due to be deleted."},
    {"log.retention.hours", int32, "168", any, high, read_only, built,
     "Hours for which records are kept; log.retention.minutes and log.retention.ms come first."},
    {"log.retention.minutes", int32, none, any, high, read_only, built,
     "Minutes for which records are kept; log.retention.ms comes first."},
    {"log.retention.ms", int64, none, any, high, cluster_wide, built,
     "Milliseconds for which records are kept; -1 keeps them for ever."},
    {"log.segment.delete.delay.ms", int64, "60000", at_least(0), high, cluster_wide, built,
     "Milliseconds between taking a segment out of the log and removing its files."},
};

}  // namespace

std::span<const definition> retention_rows() {
  return rows;
}

}  // namespace moldau::config
