#include "config/tables/tables.hpp"

namespace moldau::config {
namespace {

using namespace table;

// Committed offsets and their topic.
constexpr definition rows[] = {
    {"offset.metadata.max.bytes", int32, "4096", any, high, read_only, built,
     "The most bytes of a remark that a client commits with an offset."},
    {"offsets.commit.timeout.ms", int32, "5000", at_least(1), high, read_only, built,
     "Milliseconds within which a commit must be replicated."},
    {"offsets.load.buffer.size", int32, "5242880", at_least(1), high, read_only, built,
     "Bytes read at a time when a coordinator loads its partition."},
    {"offsets.retention.check.interval.ms", int64, "600000", at_least(1), high, read_only, built,
     "Milliseconds between checks for offsets that have expired."},
    {"offsets.retention.minutes", int32, "10080", at_least(1), high, read_only, built,
     "Minutes for which the offsets of an empty group are kept."},
    {"offsets.topic.compression.codec", int32, "0", any, high, read_only, built,
     "The codec of committed offsets by number: 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd."},
    {"offsets.topic.num.partitions", int32, "50", at_least(1), high, read_only, built,
     "Partitions of the topic of committed offsets; fixed once it exists."},
    {"offsets.topic.replication.factor", int16, "3", at_least(1), high, read_only, built,
     "Replicas of the topic of committed offsets."},
    {"offsets.topic.segment.bytes", int32, "104857600", at_least(1), high, read_only, built,
     "The size of a segment of the topic of committed offsets, in bytes."},
};

}  // namespace

std::span<const definition> offsets_rows() {
  return rows;
}

}  // namespace moldau::config
