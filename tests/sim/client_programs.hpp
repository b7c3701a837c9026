#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "moldau/client/options.hpp"
#include "moldau/core/topic_partition.hpp"
#include "rt/task.hpp"
#include "testing/sim/random.hpp"
#include "tests/sim/client.hpp"
#include "tests/sim/group_ledger.hpp"

namespace moldau::scenarios {

/// What all members of a run's group do alike.
struct member_habits {
  /// By `assignor_by_name`; empty for the library's own choice.
  std::vector<std::string> assignors;
  /// Each machine has a member of its own, which keeps its partitions over a restart.
  bool is_static = false;
  bool auto_commit = false;

  [[nodiscard]] static member_habits some(testing::sim::random_source& random);
};

/// What the programs of a run share; outlives them.
struct client_run {
  verdict& out;
  record_ledger& records;
  group_ledger& group;
  std::string broker;
  std::string topic;
  std::int32_t partitions = 0;
  std::string group_id = "readers";
  member_habits habits;
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

/// A member of the group: reads, commits what it has read, pauses, leaves and comes again as another one now and then.
rt::task<void> run_group_member(client_run& in, rt::world& on, std::string machine, std::uint64_t incarnation);

}  // namespace moldau::scenarios
