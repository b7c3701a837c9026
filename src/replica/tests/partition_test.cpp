#include "replica/partition.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "rt/spawn.hpp"
#include "storage/tests/rig.hpp"

namespace moldau::replica::tests {
namespace {

using ::testing::ElementsAre;
namespace sim = moldau::testing::sim;

/// A partition whose first waiter closes it and lets it go as soon as it hears anything; a second one and a reader wait
/// behind that one. Each notes what it heard.
class partition_rig : public storage::tests::log_rig {
 public:
  partition_rig() {
    EXPECT_TRUE(open());
    of.emplace(world(), *log, topic_id_partition{}, partition::role{}, true);
    of->add_reader(reader);
  }
  ~partition_rig() {
    host.kill();
    of.reset();
  }

  void append_and_wait() {
    run([](partition_rig& here) -> rt::task<void> {
      const auto info = here.of->append(storage::tests::one_record("a"), true, 1);
      EXPECT_TRUE(info);
      rt::spawn(here.closer());
      rt::spawn(here.waiter());
      co_return;
    }(*this));
    simulator.run_for(std::chrono::minutes(1));
  }

  std::optional<partition> of;
  std::vector<std::string> heard;

 private:
  static std::string told(const result<void>& what) { return what ? "done" : std::string(name(what.error().code)); }
  rt::task<void> closer() {
    heard.push_back("closer: " + told(co_await of->await_committed(offset(1))));
    co_await of->close();
    of.reset();
    heard.emplace_back("closed");
  }
  rt::task<void> waiter() { heard.push_back("waiter: " + told(co_await of->await_committed(offset(1)))); }

  rt::callback reader{[this] { heard.emplace_back("reader"); }};
};

TEST(Partition, OneWhoWaitedMayCloseItAndTheOthersAreToldFirst) {
  partition_rig rig;
  rig.append_and_wait();
  EXPECT_THAT(rig.heard, ElementsAre("closer: done", "reader", "waiter: done", "closed"));
}

TEST(Partition, OneWhoWaitedMayCloseItWhenTheDiskFailsAndTheOthersAreToldFirst) {
  partition_rig rig;
  rig.host.disk().fail_nth(sim::disk_op::sync, 1);
  rig.append_and_wait();
  EXPECT_THAT(rig.heard, ElementsAre("closer: KAFKA_STORAGE_ERROR", "reader", "waiter: KAFKA_STORAGE_ERROR", "closed"));
}

}  // namespace
}  // namespace moldau::replica::tests
