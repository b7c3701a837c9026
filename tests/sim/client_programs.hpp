#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "moldau/client/options.hpp"
#include "moldau/core/topic_partition.hpp"
#include "rt/task.hpp"
#include "tests/sim/client.hpp"
#include "tests/sim/group_ledger.hpp"

namespace moldau::scenarios {

/// What the programs of a run share; outlives them.
struct client_run {
  verdict& out;
  record_ledger& records;
  group_ledger& group;
  std::string broker;
  std::string topic;
  std::int32_t partitions = 0;
  std::string group_id = "readers";
  /// Producers end what they have begun, then end; members go on.
  bool producers_stop = false;
  bool members_stop = false;
  std::size_t producers_ended = 0;
  std::size_t members_ended = 0;

  [[nodiscard]] client::client_options options(rt::world& on, const std::string& name) const;
};

/// A producer of the library with idempotence: sends to every partition, in order, up to some dozens of records at a
/// time, and feeds the ledger with their reports. None may fail: it has hours for each.
rt::task<void> run_library_producer(client_run& in, rt::world& on, std::string name);

/// A member of the group: reads, commits what it has read, leaves and comes again as another one now and then.
rt::task<void> run_group_member(client_run& in, rt::world& on, std::string name);

}  // namespace moldau::scenarios
