#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rt/task.hpp"
#include "tests/sim/client.hpp"
#include "tests/sim/offset_ledger.hpp"
#include "tests/sim/session.hpp"
#include "wire/protocol/join_group_response.hpp"

namespace moldau::scenarios {

/// What OffsetFetch says of one partition: an offset, or that there is none; `no answer` where it failed.
struct committed_answer {
  bool answered = false;
  std::optional<offset> at;
};
/// Asks for a group's offset and feeds the answer to the ledger.
rt::task<committed_answer> ask_committed(client_context& context, session& over, offset_ledger& ledger,
                                         const std::string& group, const topic_partition& of);

/// Asks for a group's coordinator, which makes the topic of the groups, until there is one.
rt::task<void> await_coordinator(client_context& context, std::string group);

/// A member of a group by the classic protocol: joins, shares the topic's partitions out where it leads, commits for
/// its own, leaves at times.
class group_member {
 public:
  group_member(client_context& context, std::string name, std::string group, std::string topic, std::int32_t partitions,
               offset_ledger& ledger);

  /// Until the context says stop; it leaves then.
  rt::task<void> run();
  /// Is a member for that long without committing anything. False if the broker can't be reached any more.
  rt::task<bool> stay(rt::duration time);

 private:
  struct owned {
    topic_partition of;
    offset next{0};
  };

  rt::task<bool> step();
  rt::task<bool> join();
  rt::task<bool> sync(const wire::protocol::join_group_response& joined);
  rt::task<bool> take_over();
  rt::task<bool> commit();
  rt::task<bool> heartbeat();
  rt::task<bool> leave();
  /// Whether the answer is fine; otherwise the member joins again, as a new one where it is none any more.
  bool takes(errc code, std::string_view what);
  /// Nothing that is under way may count for what comes next.
  void begin_anew();

  client_context& context_;
  std::string name_;
  std::string group_;
  std::string topic_;
  std::int32_t partitions_;
  offset_ledger& ledger_;
  session session_;
  std::string member_id_;
  std::int32_t generation_ = -1;
  bool is_member_ = false;
  std::vector<owned> owned_;
  std::int64_t commits_ = 0;
};

/// Commits for groups that have no members, one offset each, and asks for the last few of them.
class lone_committer {
 public:
  lone_committer(client_context& context, std::string name, topic_partition of, offset_ledger& ledger);

  rt::task<void> run();
  /// Asks for all: the retention time is over. False if the broker can't be reached any more.
  rt::task<bool> check_gone();

 private:
  rt::task<bool> commit();

  client_context& context_;
  std::string name_;
  topic_partition of_;
  offset_ledger& ledger_;
  session session_;
  int groups_ = 0;
};

}  // namespace moldau::scenarios
