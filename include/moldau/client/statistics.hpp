#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "moldau/core/ids.hpp"
#include "moldau/core/topic_partition.hpp"

namespace moldau::client {

/// How long something took, over all times that it was done.
struct timing {
  std::uint64_t count = 0;
  std::int64_t total_us = 0;
  std::int64_t longest_us = 0;
  /// An average that the last hundred or so make up; of several connections to one broker, the slowest one.
  double recent_us = 0;
};

/// One broker, or bootstrap server, that was connected to.
struct broker_statistics {
  /// "host:port".
  std::string address;
  /// -1 while it is known as a bootstrap server only.
  broker_id id = no_broker;
  bool is_connected = false;
  std::uint64_t connects = 0;
  /// Attempts that came to nothing.
  std::uint64_t connect_failures = 0;
  /// Connections that ended otherwise than by the client's own close.
  std::uint64_t disconnects = 0;
  std::uint64_t requests = 0;
  std::uint64_t responses = 0;
  std::uint64_t timeouts = 0;
  std::uint64_t sent_bytes = 0;
  std::uint64_t received_bytes = 0;
  /// Requests without an answer just now.
  std::uint64_t in_flight = 0;
  /// From a request's being queued to its answer. A fetch waits on the broker, so this isn't the network's time alone.
  timing request_time;
};

/// One partition that a producer sends to or a consumer reads; what isn't its business is 0 or none.
struct partition_statistics {
  topic_partition partition;
  broker_id leader = no_broker;

  // A producer's.
  /// Delivered ones...
  std::uint64_t sent_records = 0;
  /// ...and their batches, compressed.
  std::uint64_t sent_bytes = 0;
  std::uint64_t failed_records = 0;
  std::uint64_t batches = 0;
  /// How often one of them was sent again.
  std::uint64_t retries = 0;
  /// Waiting here or on their way, before compression.
  std::uint64_t queued_records = 0;
  std::uint64_t queued_bytes = 0;

  // A consumer's. The counts begin anew when the partition is given to it anew.
  /// Polled.
  std::uint64_t received_records = 0;
  /// Fetched, compressed.
  std::uint64_t received_bytes = 0;
  /// Of the next record that `poll` gives.
  moldau::offset position = no_offset;
  moldau::offset committed = no_offset;
  moldau::offset high_watermark = no_offset;
  /// Records behind the end that this consumer may read up to; -1 if it isn't known.
  std::int64_t lag = -1;
};

/// What a client counts, at one moment. Plain data.
struct statistics {
  std::string client_id;
  /// "producer", "consumer", "admin", "member" (of a group).
  std::string kind;
  /// By the client's own clock; only differences mean anything.
  std::int64_t time_us = 0;
  std::string cluster_id;
  /// How many topics the client keeps metadata of.
  std::uint64_t topics = 0;
  std::uint64_t metadata_requests = 0;
  /// How often it began again with the bootstrap servers.
  std::uint64_t rebootstraps = 0;
  std::vector<broker_statistics> brokers;
  std::vector<partition_statistics> partitions;

  // A producer's.
  /// Taken of `buffer.memory`.
  std::uint64_t buffered_bytes = 0;
  std::uint64_t buffered_records = 0;
  /// Those without a partition too, such as of a topic that isn't there.
  std::uint64_t failed_records = 0;
  /// From the sending of a batch's first record to the reports of all its records, counted once for each of them: the
  /// others took no longer.
  timing delivery_time;

  // A consumer's.
  /// Fetched and not yet polled.
  std::uint64_t prefetched_bytes = 0;
  /// How often the group divided its partitions, as far as this member was there.
  std::uint64_t rebalances = 0;
  std::string group_id;
  /// "unjoined", "preparing", "prepared", "joining", "syncing", "stable", "left"; empty without a group.
  std::string group_state;
};

/// The same as Prometheus reads it (text format 0.0.4), each series labelled with `client_id`, and with broker or topic
/// and partition. Several clients' texts may be joined: the names carry no client's own part.
///
///     server.get("/metrics", [&] { return to_prometheus(producer.statistics().get().value()); });
[[nodiscard]] std::string to_prometheus(const statistics& of);

}  // namespace moldau::client
