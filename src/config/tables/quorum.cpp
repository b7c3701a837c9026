#include "config/tables/tables.hpp"

namespace moldau::config {
namespace {

using namespace table;

// Controllers and the metadata log.
constexpr definition rows[] = {
    {"controller.listener.names", list, none, any, high, read_only, built,
     "Names of the listeners that controllers use.", true},
    {"controller.quorum.append.linger.ms", int32, "25", at_least(0), medium, read_only, unneeded,
     "Milliseconds for which Kafka's metadata leader gathers records before it writes; moldau gathers during the sync "
     "before."},
    {"controller.quorum.auto.join.enable", boolean, "false", any, low, read_only, not_built,
     "Whether a new controller adds itself to the voters."},
    {"controller.quorum.bootstrap.servers", list, "", servers, high, read_only, built,
     "Controllers by which the quorum is found, as host:port."},
    {"controller.quorum.election.backoff.max.ms", int32, "1000", at_least(0), high, read_only, not_built,
     "The longest pause in milliseconds before a lost election is tried again."},
    {"controller.quorum.election.timeout.ms", int32, "1000", at_least(0), high, read_only, not_built,
     "Milliseconds without a leader after which an election begins."},
    {"controller.quorum.fetch.max.bytes", int32, "1048576", at_least(1), low, read_only, not_built,
     "The most bytes of metadata records in one fetch."},
    {"controller.quorum.fetch.snapshot.max.bytes", int32, "1048576", at_least(1), low, read_only, not_built,
     "The most bytes of a metadata snapshot in one fetch."},
    {"controller.quorum.fetch.timeout.ms", int32, "2000", at_least(0), high, read_only, not_built,
     "Milliseconds without fetching from the leader after which a voter calls an election."},
    {"controller.quorum.request.timeout.ms", int32, "2000", at_least(0), medium, read_only, not_built,
     "Milliseconds that a request within the quorum may take."},
    {"controller.quorum.retry.backoff.ms", int32, "20", at_least(0), low, read_only, not_built,
     "Milliseconds before a failed request within the quorum is tried again."},
    {"controller.quorum.voters", list, "", voters, high, read_only, built,
     "The fixed set of controllers as id@host:port; leave it unset for a quorum that can change."},
    {"metadata.log.dir", string, none, any, high, read_only, built,
     "The directory of the metadata log; the first log directory if unset."},
    {"metadata.log.max.record.bytes.between.snapshots", int64, "20971520", at_least(1), high, read_only, built,
     "Bytes of metadata records after which a snapshot is written."},
    {"metadata.log.max.snapshot.interval.ms", int64, "3600000", at_least(0), high, read_only, built,
     "Milliseconds after which a snapshot is written if there are new records; 0 never."},
    {"metadata.log.segment.bytes", int32, "1073741824", at_least(8388608), high, read_only, built,
     "The size of a segment of the metadata log, in bytes."},
    {"metadata.log.segment.ms", int64, "604800000", any, high, read_only, built,
     "Milliseconds after which the metadata log begins a new segment."},
    {"metadata.max.idle.interval.ms", int32, "500", at_least(0), low, read_only, built,
     "Milliseconds between no-op records of an idle metadata leader; 0 writes none."},
    {"metadata.max.retention.bytes", int64, "104857600", any, high, read_only, built,
     "Bytes of metadata log and snapshots above which the oldest are deleted."},
    {"metadata.max.retention.ms", int64, "604800000", any, high, read_only, built,
     "Milliseconds after which metadata log and snapshots may be deleted."},
};

}  // namespace

std::span<const definition> quorum_rows() {
  return rows;
}

}  // namespace moldau::config
