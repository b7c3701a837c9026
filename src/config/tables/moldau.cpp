#include "config/tables/tables.hpp"

namespace moldau::config {
namespace {

using namespace table;

// Properties that only moldau has.
constexpr definition rows[] = {
    {"log.flush.ack", boolean, "true", any, high, read_only, built,
     "Whether acks=all answers only once the write is synced to disk on the in-sync replicas; false answers as Kafka "
     "does."},
    {"moldau.admin.host", string, "127.0.0.1", any, medium, read_only, built,
     "The address that serves /metrics and /healthz; empty is every address of the machine."},
    {"moldau.admin.port", int32, "9464", between(-1, 65535), medium, read_only, built,
     "The port that serves /metrics and /healthz; 0 takes a free one, -1 serves neither."},
    {"moldau.cores", int32, "0", between(0, 1024), medium, read_only, built,
     "Cores that serve connections and partitions; 0 takes all that the process may use."},
    {"moldau.log.format", string, "text", one_of("text,json"), low, read_only, built,
     "How the broker writes its own log to stderr: lines for people, or one JSON object a line."},
    {"moldau.log.level", string, "warn", one_of("trace,debug,info,warn,error,off"), medium, read_only, built,
     "The least severe lines that the broker's own log shows."},
    {"moldau.log.preallocate.step.bytes", int64, "0", at_least(0), low, read_only, built,
     "Bytes by which disk space is set aside ahead of a growing segment, so that a sync commits less; 0 sets none "
     "aside."},
};

}  // namespace

std::span<const definition> moldau_rows() {
  return rows;
}

}  // namespace moldau::config
