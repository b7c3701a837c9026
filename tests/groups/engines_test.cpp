#include <gmock/gmock.h>

#include "moldau/client/group_member.hpp"
#include "tests/groups/playground.hpp"

/// Two small programs on what engines need: one assigns as Streams does, one joins as a Connect worker does.
namespace moldau::client {
namespace {

using ::testing::SizeIs;

/// As Streams' assignor: each member says which process it is and what it had; the leader makes tasks of partitions
/// that belong together (number n of every topic is task n), and tells each member its tasks and where all others run.
class task_assignor final : public assignor {
 public:
  explicit task_assignor(std::string process) : process_(std::move(process)) {}

  [[nodiscard]] std::string_view name() const override { return "stream"; }
  [[nodiscard]] std::optional<shared_bytes> user_data(const std::set<std::string>& topics) override {
    return shared_bytes::copy_of(as_bytes(process_ + ":" + std::to_string(topics.size()) + ":" + tasks));
  }
  [[nodiscard]] result<group_assignments> assign(const assignable_topics& topics,
                                                 const group_subscriptions& members) override {
    group_assignments out;
    std::vector<std::string> ids;
    std::string world;
    for (const auto& [id, said] : members) {
      if (!said.user_data) return fail(errc::invalid_argument, "a member that says nothing");
      said_by[id] = std::string(as_text(*said.user_data));
      world += (world.empty() ? "" : ",") + said_by[id].substr(0, said_by[id].find(':'));
      ids.push_back(id);
    }
    std::size_t tasks_wanted = 0;
    for (const auto& [name, topic] : topics) tasks_wanted = std::max(tasks_wanted, topic.partitions());
    std::map<std::string, std::string> numbers;
    for (std::size_t task = 0; task < tasks_wanted; ++task) {
      const std::string& id = ids[task % ids.size()];
      numbers[id] += std::to_string(task);
      for (const auto& [name, topic] : topics) {
        if (task < topic.partitions()) {
          out[id].partitions.push_back({name, partition_id(static_cast<std::int32_t>(task))});
        }
      }
    }
    for (const std::string& id : ids) out[id].user_data = shared_bytes::copy_of(as_bytes(numbers[id] + "@" + world));
    return out;
  }
  void on_assignment(const member_assignment& assigned, const group_metadata& of) override {
    const std::string_view text = as_text(*assigned.user_data);
    tasks = text.substr(0, text.find('@'));
    everyone = text.substr(text.find('@') + 1);
    generation = of.generation;
  }

  std::map<std::string, std::string> said_by;
  std::string tasks;
  std::string everyone;
  std::int32_t generation = -1;

 private:
  std::string process_;
};

TEST_F(Groups, AnAssignorOfOnesOwnAssignsAsStreamsDoes) {
  create_topic("left", 3);
  create_topic("right", 3);
  std::vector<std::shared_ptr<task_assignor>> assignors;
  for (const std::string name : {"p0", "p1"}) {
    assignors.push_back(std::make_shared<task_assignor>(name));
    reader& each = add_reader(name, [&](consumer_options& options) { options.assignors = {assignors.back()}; });
    each.subscribe({"left", "right"});
  }
  ASSERT_TRUE(settles("left", 3));
  for (const reader& each : readers) {
    for (const topic_partition& p : each.owned) {
      EXPECT_TRUE(each.owned.contains({"left", p.partition}) && each.owned.contains({"right", p.partition}));
    }
  }
  for (const auto& each : assignors) {
    EXPECT_EQ(each->everyone.size(), std::string_view("p0,p1").size());
    EXPECT_GT(each->generation, 0);
    EXPECT_FALSE(each->tasks.empty());
  }
  EXPECT_EQ(assignors[0]->tasks.size() + assignors[1]->tasks.size(), 3U);

  // The next round's leader hears what everybody had.
  const auto before = assignors[0]->tasks;
  ASSERT_TRUE(await(readers.front().host(), readers.front().client().enforce_rebalance("a test")));
  world.run_for(10s);
  ASSERT_TRUE(covers("left", 3));
  std::set<std::string> said;
  for (const auto& each : assignors) {
    for (const auto& [id, words] : each->said_by) said.insert(words);
  }
  EXPECT_TRUE(said.contains("p0:2:" + before)) << before;
}

/// As a Connect worker: offers where it listens; the leader deals out connectors by the workers' URLs.
class connect_worker final : public group_work {
 public:
  explicit connect_worker(std::string url) : url_(std::move(url)) {}

  [[nodiscard]] std::vector<group_protocol> protocols() override {
    return {{.name = "sessioned", .metadata = shared_bytes::copy_of(as_bytes(url_))},
            {.name = "default", .metadata = shared_bytes::copy_of(as_bytes(url_))}};
  }
  [[nodiscard]] result<std::map<std::string, shared_bytes>> lead(const std::string&,
                                                                 const std::vector<group_peer>& members) override {
    ++led;
    std::map<std::string, std::string> parts;
    std::size_t next = 0;
    for (const char* connector : {"jdbc", "s3", "http"}) {
      parts[members[next++ % members.size()].id] += std::string(connector) + " ";
    }
    std::map<std::string, shared_bytes> out;
    for (const auto& [id, text] : parts) out[id] = shared_bytes::copy_of(as_bytes(text));
    return out;
  }
  result<void> joined(const group_part& part) override {
    connectors = as_text(part.bytes);
    protocol = part.protocol;
    generation = part.of.generation;
    return {};
  }
  async<void> revoke(const group_metadata& of) override {
    ++revoked;
    connectors.clear();
    return group_work::revoke(of);
  }
  void lost(const group_metadata&) override {
    ++times_lost;
    connectors.clear();
  }

  std::string connectors;
  std::string protocol;
  std::int32_t generation = -1;
  int led = 0;
  int revoked = 0;
  int times_lost = 0;

 private:
  std::string url_;
};

struct ConnectWorkers : Groups {
  struct one {
    sim::host& on;
    std::shared_ptr<connect_worker> work;
    std::unique_ptr<group_member> member;
  };
  one add_worker(const std::string& name) {
    sim::host& on = add_host(name);
    auto work = std::make_shared<connect_worker>("http://" + name + ":8083");
    group_member_options chosen{.client = options(on).client,
                                .group_id = "connect-cluster",
                                .instance_id = {},
                                .protocol_type = "connect",
                                .session_timeout_ms = 6'000,
                                .rebalance_timeout_ms = 10'000,
                                .heartbeat_interval_ms = 1'000};
    return {on, work, std::make_unique<group_member>(group_member::make(std::move(chosen), work).value())};
  }
  static std::size_t count(const one& worker) {
    return static_cast<std::size_t>(std::ranges::count(worker.work->connectors, ' '));
  }
};

TEST_F(ConnectWorkers, ShareTheWorkAndTakeItOver) {
  one a = add_worker("a");
  one b = add_worker("b");
  ASSERT_TRUE(await(a.on, a.member->join()));
  EXPECT_EQ(a.work->connectors, "jdbc s3 http ");
  EXPECT_EQ(a.work->protocol, "sessioned");
  ASSERT_TRUE(await(b.on, b.member->join()));
  ASSERT_TRUE(until([&] { return count(a) + count(b) == 3 && count(b) > 0; }));
  EXPECT_EQ(a.work->generation, b.work->generation);
  EXPECT_GE(a.work->revoked, 1);
  EXPECT_GE(a.work->led + b.work->led, 2);

  ASSERT_TRUE(await(a.on, a.member->close()));
  const int told = a.work->revoked + a.work->times_lost;
  ASSERT_TRUE(until([&] { return count(b) == 3; }, 20s));
  EXPECT_EQ(a.work->revoked + a.work->times_lost, told) << "nothing is called after close";
}

TEST_F(ConnectWorkers, HaveANewRoundWhenTheyAskForOne) {
  one a = add_worker("a");
  ASSERT_TRUE(await(a.on, a.member->join()));
  const std::int32_t before = a.work->generation;
  ASSERT_TRUE(await(a.on, a.member->rejoin("a connector was added")));
  ASSERT_TRUE(until([&] { return a.work->generation > before; }));
  EXPECT_EQ(await(a.on, a.member->metadata()).value().generation, a.work->generation);
}

TEST_F(ConnectWorkers, CommitOnlyInTheNameOfTheirGeneration) {
  create_topic("t", 1);
  one a = add_worker("a");
  const std::map<topic_partition, committed_offset> offsets{{of("t", {0})[0], {offset(1), no_leader_epoch, ""}}};
  EXPECT_EQ(await(a.on, a.member->commit(offsets)).error().code, errc::unknown_member_id);
  ASSERT_TRUE(await(a.on, a.member->join()));
  EXPECT_TRUE(await(a.on, a.member->commit(offsets)));
  ASSERT_TRUE(await(a.on, a.member->close()));
}

TEST_F(ConnectWorkers, OneThatIsCutOffLosesItsPartAndComesBack) {
  one a = add_worker("a");
  ASSERT_TRUE(await(a.on, a.member->join()));
  world.net().block(a.on, broker_host);
  world.net().block(broker_host, a.on);
  ASSERT_TRUE(until([&] { return a.work->times_lost > 0; }, 5min));
  EXPECT_TRUE(a.work->connectors.empty());
  world.net().heal_all();
  ASSERT_TRUE(until([&] { return count(a) == 3; }, 5min));
}

}  // namespace
}  // namespace moldau::client
