#include "config/tables/tables.hpp"

namespace moldau::config {
namespace {

using namespace table;

// Properties of brokers that can be set only at run time.
constexpr definition rows[] = {
    {"follower.replication.throttled.rate", int64, "9223372036854775807", at_least(0), medium, per_broker, not_built,
     "Bytes per second that throttled followers on this broker fetch."},
    {"leader.replication.throttled.rate", int64, "9223372036854775807", at_least(0), medium, per_broker, not_built,
     "Bytes per second that throttled leaders on this broker serve."},
    {"replica.alter.log.dirs.io.max.bytes.per.second", int64, "9223372036854775807", at_least(0), medium, per_broker,
     not_built, "Bytes per second for moves between log directories."},
};

}  // namespace

std::span<const definition> dynamic_rows() {
  return rows;
}

}  // namespace moldau::config
