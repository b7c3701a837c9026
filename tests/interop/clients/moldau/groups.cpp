#include <atomic>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "records.hpp"
#include "talk.hpp"

namespace moldau::interop {

namespace {

/// How often each value was read, by all members of a group.
class tally {
 public:
  void add(const std::vector<std::string>& values) {
    const std::lock_guard held(mutex_);
    for (const std::string& value : values) ++times_[value];
  }
  [[nodiscard]] std::size_t size() {
    const std::lock_guard held(mutex_);
    return times_.size();
  }
  void expect_once() {
    const std::lock_guard held(mutex_);
    for (const auto& [value, times] : times_) same("how often " + value + " was read", 1, times);
  }
  [[nodiscard]] bool contains(const std::string& value) {
    const std::lock_guard held(mutex_);
    return times_.contains(value);
  }

 private:
  std::mutex mutex_;
  std::map<std::string, int> times_;
};

/// A consumer that a thread of its own polls.
class member {
 public:
  using subscription = std::function<async<void>(client::consumer&)>;

  member(const client::properties& more, const std::string& topic, tally& seen)
      : member(more, [topic](client::consumer& of) { return of.subscribe(std::vector<std::string>{topic}); }, seen) {}
  member(const client::properties& more, subscription to, tally& seen)
      : from_(make_consumer(more)), thread_([this, to = std::move(to), &seen] { run(to, seen); }) {}
  ~member() { close(); }
  member(const member&) = delete;
  member& operator=(const member&) = delete;

  [[nodiscard]] std::set<std::int32_t> owned() {
    const std::lock_guard held(mutex_);
    return owned_;
  }
  [[nodiscard]] std::size_t count() { return owned().size(); }
  [[nodiscard]] std::int32_t generation() {
    const std::lock_guard held(mutex_);
    return generation_;
  }
  void close() {
    stopping_ = true;
    if (thread_.joinable()) thread_.join();
  }
  void expect_fine() {
    const std::lock_guard held(mutex_);
    that(failure_.empty(), "member: " + failure_);
  }

 private:
  void run(const subscription& to, tally& seen) {
    try {
      good(to(from_).get(), "subscribing");
      while (!stopping_) {
        std::vector<std::string> values;
        const auto got = good(from_.poll(std::chrono::milliseconds(50)).get(), "polling");
        for (const auto& batch : got.batches) {
          for (const record_view& record : batch) values.emplace_back(as_text(record.value.value()));
        }
        // Counted only once committed, so that a restart of the broker comes after the commit.
        if (!values.empty()) commit();
        seen.add(values);
        std::set<std::int32_t> now;
        for (const auto& at : good(from_.assignment().get(), "asking for the assignment")) {
          now.insert(at.partition.value());
        }
        const auto about = good(from_.group_metadata().get(), "asking for the generation");
        const std::lock_guard held(mutex_);
        owned_ = std::move(now);
        generation_ = about.generation;
      }
      good(from_.close().get(), "closing the consumer");
    } catch (const std::exception& why) {
      const std::lock_guard held(mutex_);
      failure_ = why.what();
    }
    const std::lock_guard held(mutex_);
    owned_.clear();
  }

  void commit() {
    const auto done = from_.commit().get();
    if (!done && done.error().code != errc::rebalance_in_progress) good(done, "committing");
  }

  client::consumer from_;
  std::atomic<bool> stopping_ = false;
  std::mutex mutex_;
  std::set<std::int32_t> owned_;
  std::int32_t generation_ = -1;
  std::string failure_;
  std::thread thread_;
};

void rebalances(const std::string& name, const std::string& strategy) {
  create(name, 6);
  sequence numbers;
  numbers.produce(name, 6, 60);
  const client::properties group{{"group.id", name}, {"partition.assignment.strategy", strategy}};
  tally seen;
  member first(group, name, seen);
  wait_for("the first member reads all", [&] { return seen.size() == 60 && first.count() == 6; });
  member second(group, name, seen);
  wait_for("two members own three each", [&] { return first.count() == 3 && second.count() == 3; });
  member third(group, name, seen);
  wait_for("three members own two each",
           [&] { return first.count() == 2 && second.count() == 2 && third.count() == 2; });
  auto admin = make_admin();
  const auto shared = good(admin.describe_groups({name}).get(), "describing the group");
  same("the strategy of the group", strategy, good(shared.at(name)).protocol);
  numbers.produce(name, 6, 60);
  wait_for("they read all", [&] { return seen.size() == 120; });
  first.close();
  second.close();
  wait_for("the last member owns all", [&] { return third.count() == 6; });
  numbers.produce(name, 6, 60);
  wait_for("it reads the rest", [&] { return seen.size() == 180; });
  third.close();
  for (member* each : {&first, &second, &third}) each->expect_fine();
  seen.expect_once();

  std::int64_t sum = 0;
  for (const auto& [at, kept] : good(admin.group_offsets(name).get(), "asking for offsets")) sum += kept.offset.value();
  same("committed", 180, sum);
  const auto described = good(admin.describe_groups({name}).get(), "describing the group");
  same("state", "Empty", good(described.at(name)).state);

  numbers.produce(name, 6, 6);
  tally fresh;
  member again(group, name, fresh);
  wait_for("a new member reads the rest", [&] { return fresh.size() == 6; });
  again.close();
  again.expect_fine();
  for (int i = 0; i < 180; ++i) that(!fresh.contains(std::to_string(i)), "it resumed from what was committed");
}

void static_members() {
  const std::string name = "moldau-static";
  create(name, 4);
  sequence numbers;
  numbers.produce(name, 4, 8);
  tally seen;
  const auto group = [&](const std::string& instance) {
    return client::properties{{"group.id", name}, {"group.instance.id", instance}};
  };
  member first(group("one"), name, seen);
  std::set<std::int32_t> before;
  std::int32_t generation = 0;
  {
    member second(group("two"), name, seen);
    wait_for("two own two each", [&] { return first.count() == 2 && second.count() == 2; });
    before = second.owned();
    generation = first.generation();
    second.close();
    second.expect_fine();
  }
  member again(group("two"), name, seen);
  wait_for("the one that came back owns two", [&] { return again.count() == 2; });
  that(again.owned() == before, "it owns those that it owned before");
  same("the other's generation", generation, first.generation());
  for (member* each : {&again, &first}) {
    each->close();
    each->expect_fine();
  }
}

void pattern() {
  create("moldau-pattern-a", 2);
  create("moldau-other", 2);
  sequence numbers;
  numbers.produce("moldau-pattern-a", 2, 10);
  numbers.produce("moldau-other", 2, 10);
  tally seen;
  member reader(
      {{"group.id", "moldau-pattern"}}, [](client::consumer& of) { return of.subscribe_matching("moldau-pattern-.*"); },
      seen);
  wait_for("it reads what matches", [&] { return seen.size() == 10; });
  create("moldau-pattern-b", 1);
  numbers.produce("moldau-pattern-b", 1, 5);
  wait_for("it reads a topic that was made later", [&] { return seen.size() == 15; });
  reader.close();
  reader.expect_fine();
  seen.expect_once();
  for (int i = 10; i < 20; ++i) that(!seen.contains(std::to_string(i)), "it reads nothing else");
}

void restart() {
  const std::string name = "moldau-restart";
  create(name, 3);
  sequence numbers;
  numbers.produce(name, 3, 30);
  tally seen;
  member reader({{"group.id", name}}, name, seen);
  wait_for("it reads all", [&] { return seen.size() == 30; });
  broker("stop");
  numbers.produce(name, 3, 30);
  wait_for("it reads on", [&] { return seen.size() == 60; });
  reader.close();
  reader.expect_fine();
  seen.expect_once();
}

}  // namespace

void check_groups() {
  for (const std::string strategy : {"range", "roundrobin", "sticky", "cooperative-sticky"}) {
    check("group rebalances, " + strategy, [&] { rebalances("moldau-" + strategy, strategy); });
  }
  check("static members keep their partitions", static_members);
  check("topics by a pattern", pattern);
  check("group goes on over a restart", restart);
}

}  // namespace moldau::interop
