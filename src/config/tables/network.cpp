#include "config/tables/tables.hpp"

namespace moldau::config {
namespace {

using namespace table;

// Listeners, sockets, connections and their bounds.
constexpr definition rows[] = {
    {"advertised.listeners", list, none, any, high, read_only, built,
     "The addresses that clients are told to connect to, where they differ from those that are listened on."},
    {"connections.max.idle.ms", int64, "600000", any, medium, read_only, built,
     "Milliseconds without traffic after which a connection is closed."},
    {"early.start.listeners", list, none, any, high, read_only, not_built,
     "Listener names that answer before the start is complete."},
    {"inter.broker.listener.name", string, none, any, medium, read_only, built,
     "The name of the listener that brokers use among each other."},
    {"listener.security.protocol.map", string,
     "SASL_SSL:SASL_SSL,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT", any, low, per_broker, built,
     "Which security protocol each listener name speaks, as NAME:PROTOCOL pairs."},
    {"listeners", list, "PLAINTEXT://:9092", any, high, per_broker, built,
     "Addresses to listen on, as NAME://host:port; an empty host is every address of the machine."},
    {"max.connection.creation.rate", int32, "2147483647", at_least(0), medium, cluster_wide, refused,
     "New connections accepted per second, over all listeners."},
    {"max.connections", int32, "2147483647", at_least(0), medium, cluster_wide, built,
     "Connections open at once, over all listeners."},
    {"max.connections.per.ip", int32, "2147483647", at_least(0), medium, cluster_wide, built,
     "Connections open at once from one address."},
    {"max.connections.per.ip.overrides", string, "", any, medium, cluster_wide, built,
     "Exceptions to max.connections.per.ip, as address:count pairs."},
    {"max.request.partition.size.limit", int32, "2000", at_least(1), medium, read_only, built,
     "The most partitions that one answer to DescribeTopicPartitions holds."},
    {"num.network.threads", int32, "3", at_least(1), high, cluster_wide, unneeded,
     "Network threads in Kafka; moldau serves connections on its cores (moldau.cores)."},
    {"queued.max.request.bytes", int64, "-1", any, medium, read_only, built,
     "Bytes of requests held in memory over all connections before reading pauses, and as many again of large "
     "answers; -1 is 64 MiB."},
    {"queued.max.requests", int32, "500", at_least(1), high, read_only, unneeded,
     "Requests queued for Kafka's I/O threads; moldau bounds them by bytes instead."},
    {"request.timeout.ms", int32, "30000", any, high, read_only, not_built,
     "Milliseconds that a request to another node may take."},
    {"socket.connection.setup.timeout.max.ms", int64, "30000", any, medium, read_only, not_built,
     "The longest time in milliseconds to wait for a connection to another node, after backing off."},
    {"socket.connection.setup.timeout.ms", int64, "10000", any, medium, read_only, not_built,
     "Milliseconds to wait for a connection to another node at first."},
    {"socket.listen.backlog.size", int32, "50", at_least(1), medium, read_only, unneeded,
     "Connections that may wait to be accepted on a listener; moldau takes as many as the system allows."},
    {"socket.receive.buffer.bytes", int32, "102400", any, high, read_only, built,
     "The kernel's receive buffer of a connection, in bytes; the default and -1 leave it to the kernel, which lets it "
     "grow."},
    {"socket.request.max.bytes", int32, "104857600", at_least(1), high, read_only, built,
     "The largest request accepted, in bytes."},
    {"socket.send.buffer.bytes", int32, "102400", any, high, read_only, built,
     "The kernel's send buffer of a connection, in bytes; the default and -1 leave it to the kernel, which lets it "
     "grow."},
};

}  // namespace

std::span<const definition> network_rows() {
  return rows;
}

}  // namespace moldau::config
