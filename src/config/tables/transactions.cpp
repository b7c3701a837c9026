#include "config/tables/tables.hpp"

namespace moldau::config {
namespace {

using namespace table;

// The transaction coordinator and its topic.
constexpr definition rows[] = {
    {"add.partitions.to.txn.retry.backoff.max.ms", int32, "100", at_least(0), high, read_only, not_built,
     "The longest pause in milliseconds before verifying a transaction is tried again."},
    {"add.partitions.to.txn.retry.backoff.ms", int32, "20", at_least(1), high, read_only, not_built,
     "The first pause in milliseconds before verifying a transaction is tried again."},
    {"transaction.abort.timed.out.transaction.cleanup.interval.ms", int32, "10000", at_least(1), low, read_only,
     not_built, "Milliseconds between checks for transactions that ran out of time."},
    {"transaction.max.timeout.ms", int32, "900000", at_least(1), high, read_only, not_built,
     "The longest timeout that a transactional producer may ask for, in milliseconds."},
    {"transaction.partition.verification.enable", boolean, "true", any, low, cluster_wide, not_built,
     "Whether a partition asks the coordinator if a transaction is open before it writes."},
    {"transaction.remove.expired.transaction.cleanup.interval.ms", int32, "3600000", at_least(1), low, read_only,
     not_built, "Milliseconds between checks for transactional ids that have expired."},
    {"transaction.state.log.load.buffer.size", int32, "5242880", at_least(1), high, read_only, not_built,
     "Bytes read at a time when a transaction coordinator loads its partition."},
    {"transaction.state.log.min.isr", int32, "2", at_least(1), high, read_only, not_built,
     "In-sync replicas that the topic of transactions asks for."},
    {"transaction.state.log.num.partitions", int32, "50", at_least(1), high, read_only, not_built,
     "Partitions of the topic of transactions; fixed once it exists."},
    {"transaction.state.log.replication.factor", int16, "3", at_least(1), high, read_only, not_built,
     "Replicas of the topic of transactions."},
    {"transaction.state.log.segment.bytes", int32, "104857600", at_least(1), high, read_only, not_built,
     "The size of a segment of the topic of transactions, in bytes."},
    {"transaction.two.phase.commit.enable", boolean, "false", any, low, read_only, not_built,
     "Whether producers may take part in a two-phase commit."},
    {"transactional.id.expiration.ms", int32, "604800000", at_least(1), high, read_only, not_built,
     "Milliseconds of silence after which a transactional id is forgotten."},
};

}  // namespace

std::span<const definition> transactions_rows() {
  return rows;
}

}  // namespace moldau::config
