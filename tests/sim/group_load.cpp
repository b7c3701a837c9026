#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <vector>

#include "tests/sim/group_member.hpp"
#include "tests/sim/load.hpp"
#include "tests/sim/offset_ledger.hpp"
#include "tests/sim/topic_churn.hpp"

namespace moldau::scenarios {
namespace {

using namespace std::chrono_literals;

constexpr std::int32_t partitions = 3;
/// `offsets.retention.minutes` of the scenario.
constexpr rt::duration retention = 1min;

class groups final : public load {
 public:
  explicit groups(cluster& of) : cluster_(of), ledger_(of.found(), retention) {}

  void begin() override {
    cluster_.run(0, create_until_there(cluster_.context(0), "work", partitions, ""));
    cluster_.run(0, await_coordinator(cluster_.context(0), "kept"));
    for (std::size_t i = 0; i < cluster_.client_hosts(); ++i) {
      for (const char* group : {"kept", "left"}) {
        members_.push_back(std::make_unique<group_member>(cluster_.context(i), fmt::format("{}-{}", group, i), group,
                                                          "work", partitions, ledger_));
        cluster_.spawn(i, members_.back()->run());
      }
      alone_.push_back(std::make_unique<lone_committer>(cluster_.context(i), fmt::format("alone-{}", i),
                                                        topic_partition{"work", partition_id(0)}, ledger_));
      cluster_.spawn(i, alone_.back()->run());
    }
  }

  /// While one group has a member again, which commits nothing, the offsets of all others expire.
  void end() override {
    group_member keeper(cluster_.context(0), "keeper", "kept", "work", partitions, ledger_);
    if (!cluster_.run(0, keeper.stay(retention + 30s))) cluster_.found().fail("a last member can't stay");
    for (std::size_t i = 0; i < alone_.size(); ++i) {
      if (!cluster_.run(i, alone_[i]->check_gone())) cluster_.found().fail("groups can't be asked for any more");
    }
    session over("last", cluster_.context(0).world, cluster_.context(0).broker, cluster_.found());
    if (!cluster_.run(0, check_left(over))) cluster_.found().fail("the group that was left can't be asked for");
  }

  [[nodiscard]] std::size_t acknowledged() const override { return ledger_.committed_count(); }

 private:
  rt::task<bool> check_left(session& over) {
    if (!co_await over.connect()) co_return false;
    for (std::int32_t p = 0; p < partitions; ++p) {
      const topic_partition of{"work", partition_id(p)};
      const auto got = co_await ask_committed(cluster_.context(0), over, ledger_, "left", of);
      if (!got.answered) co_return false;
      ledger_.told_after_retention("left", of, got.at);
    }
    over.close();
    co_return true;
  }

  cluster& cluster_;
  offset_ledger ledger_;
  std::vector<std::unique_ptr<group_member>> members_;
  std::vector<std::unique_ptr<lone_committer>> alone_;
};

}  // namespace

std::unique_ptr<load> group_load(cluster& of) {
  return std::make_unique<groups>(of);
}

}  // namespace moldau::scenarios
