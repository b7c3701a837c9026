#include "tests/sim/client_programs.hpp"

#include <fmt/format.h>

#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <utility>

#include "moldau/client/consumer.hpp"
#include "moldau/client/producer.hpp"

namespace moldau::scenarios {
namespace {

using namespace std::chrono_literals;

/// Records of a producer that have no report yet.
constexpr std::size_t outstanding_max = 60;

std::string described(const error& why) {
  return fmt::format("{} ({})", why.message, name(why.code));
}

struct sent_record {
  topic_partition to;
  std::string value;
  std::uint64_t life = 0;
  async<client::delivery> done;
};

/// One life of a member: from its joining to its end.
class group_reader {
 public:
  group_reader(client_run& in, rt::world& on, std::string machine, std::string name)
      : in_(in), world_(on), machine_(std::move(machine)), name_(std::move(name)) {}
  group_reader(const group_reader&) = delete;
  group_reader& operator=(const group_reader&) = delete;
  ~group_reader() { in_.group.died(name_); }

  rt::task<void> run();

 private:
  [[nodiscard]] client::consumer_options options() const;
  [[nodiscard]] client::rebalance_listener listener();
  void note_owned();
  bool take(const client::polled& got);
  rt::task<void> commit();
  rt::task<void> ask();
  rt::task<bool> pause();
  /// What was read of those that are still its own.
  [[nodiscard]] std::map<topic_partition, client::committed_offset> read_of(
      const std::vector<topic_partition>& partitions) const;
  [[nodiscard]] std::uint64_t below(std::uint64_t bound) const { return world_.random() % bound; }

  client_run& in_;
  rt::world& world_;
  const std::string machine_;
  const std::string name_;
  /// Gone with this; listeners and handlers that come later find nothing.
  std::shared_ptr<group_reader*> self_ = std::make_shared<group_reader*>(this);
  std::map<topic_partition, offset> read_to_;
  /// Gone first: its listener looks at the rest.
  std::unique_ptr<client::consumer> consumer_;
};

/// The generation is asked for once the assignment is told; what has changed meanwhile isn't counted.
void group_reader::note_owned() {
  const auto changes = in_.group.changes(name_);
  consumer_->group_metadata().then([weak = std::weak_ptr(self_), changes](const result<client::group_metadata>& who) {
    const auto self = weak.lock();
    if (!self || !who) return;
    group_ledger& group = (*self)->in_.group;
    const std::string& name = (*self)->name_;
    // A static member that comes again is the same one to its group, in the same generation.
    const std::string& owner = (*self)->in_.habits.is_static ? (*self)->machine_ : name;
    if (group.changes(name) == changes) group.owned_in(owner, who->generation, group.owned(name));
  });
}

bool group_reader::take(const client::polled& got) {
  for (const client::record_batch& batch : got.batches) {
    const topic_partition of{batch.topic(), batch.partition()};
    if (batch.size() == 0) continue;
    for (const record_view& record : batch) {
      in_.records.saw(of, record.offset, as_text(record.value.value_or(bytes_view())));
    }
    in_.group.delivered(name_, of, batch.records().front().offset, batch.next_offset());
    read_to_[of] = batch.next_offset();
    // It may be committed from the next poll on.
    if (in_.habits.auto_commit) in_.group.commit_begins(of, batch.next_offset());
  }
  return in_.out.passed();
}

std::map<topic_partition, client::committed_offset> group_reader::read_of(
    const std::vector<topic_partition>& partitions) const {
  std::map<topic_partition, client::committed_offset> out;
  for (const topic_partition& one : partitions) {
    if (const auto at = read_to_.find(one); at != read_to_.end()) out[one] = {.offset = at->second, .metadata = {}};
  }
  return out;
}

rt::task<void> group_reader::commit() {
  const auto what = read_of(in_.group.owned(name_));
  if (what.empty()) co_return;
  for (const auto& [of, at] : what) in_.group.commit_begins(of, at.offset);
  const auto done = co_await consumer_->commit(what);
  if (!done) co_return;
  for (const auto& [of, at] : what) in_.group.commit_done(of, at.offset);
}

rt::task<void> group_reader::ask() {
  const topic_partition of{in_.topic,
                           partition_id(static_cast<std::int32_t>(below(static_cast<std::uint64_t>(in_.partitions))))};
  const offset certain = in_.group.certain(of);
  const auto told = co_await consumer_->committed({of});
  if (!told) co_return;
  const auto found = told->find(of);
  const bool none = found == told->end() || found->second.offset == no_offset;
  in_.group.told_committed(of, certain, none ? std::nullopt : std::optional(found->second.offset));
}

rt::task<bool> group_reader::pause() {
  const std::vector<topic_partition> paused = in_.group.owned(name_);
  if (paused.empty() || !co_await consumer_->pause(paused)) co_return true;
  // What is given anew isn't paused.
  const auto changes = in_.group.changes(name_);
  const auto got = co_await consumer_->poll(std::chrono::milliseconds(below(500)));
  if (!got) co_return true;
  if (in_.group.changes(name_) == changes && got->records() > 0) {
    in_.out.fail(fmt::format("{} is given records while all that it has is paused", name_));
  }
  const bool fine = take(*got);
  static_cast<void>(co_await consumer_->resume(paused));
  co_return fine;
}

client::consumer_options group_reader::options() const {
  client::consumer_options out{.client = in_.options(world_, name_),
                               .group_id = in_.group_id,
                               .offset_reset = client::offset_reset::earliest,
                               .auto_commit = in_.habits.auto_commit,
                               .auto_commit_interval_ms = 1 + static_cast<std::int64_t>(below(2'000)),
                               .session_timeout_ms = 6'000,
                               .heartbeat_interval_ms = 1'000,
                               .max_poll_interval_ms = 60'000};
  if (in_.habits.is_static) out.instance_id = machine_;
  for (const std::string& one : in_.habits.assignors) out.assignors.push_back(client::assignor_by_name(one));
  // Answers, queues and polls that are full long before all is read.
  if (below(2) == 0) out.poll_records_max = 1 + below(50);
  if (below(2) == 0) out.partition_fetch_max_bytes = static_cast<std::int32_t>(100 + below(20'000));
  if (below(3) == 0) out.fetch_max_bytes = static_cast<std::int32_t>(100 + below(40'000));
  if (below(3) == 0) out.prefetch_bytes_max = 100 + below(50'000);
  return out;
}

client::rebalance_listener group_reader::listener() {
  client::rebalance_listener out;
  out.on_assigned = [weak = std::weak_ptr(self_)](const std::vector<topic_partition>& what) {
    const auto self = weak.lock();
    if (!self) return;
    for (const auto& one : what) (*self)->read_to_.erase(one);
    (*self)->in_.group.assigned((*self)->name_, what);
    (*self)->note_owned();
  };
  out.on_revoked = [weak = std::weak_ptr(self_)](const std::vector<topic_partition>& what) {
    if (const auto self = weak.lock()) (*self)->in_.group.revoked((*self)->name_, what);
  };
  if (below(2) == 0) return out;
  out.before_revoked = [this](const std::vector<topic_partition>& what) {
    const auto read = read_of(what);
    for (const auto& [of, at] : read) in_.group.commit_begins(of, at.offset);
    return consumer_->commit(read);
  };
  return out;
}

rt::task<void> group_reader::run() {
  auto made = client::consumer::make(options());
  if (!made) {
    in_.out.fail(fmt::format("{} can't be made: {}", name_, described(made.error())));
    co_return;
  }
  consumer_ = std::make_unique<client::consumer>(*std::move(made));
  if (const auto joined = co_await consumer_->subscribe(std::vector<std::string>{in_.topic}, listener()); !joined) {
    in_.out.fail(fmt::format("{} can't subscribe: {}", name_, described(joined.error())));
  }
  // A short life, or one to the end.
  const auto until = world_.now() + (below(3) == 0 ? std::chrono::milliseconds(below(20'000)) : rt::duration(24h));
  while (!in_.members_stop && in_.out.passed() && world_.now() < until) {
    const auto got = co_await consumer_->poll(std::chrono::milliseconds(below(1500)));
    // A request of the machine's process before it may come late, and take the member's place.
    if (!got && got.error().code == errc::fenced_instance_id) break;
    if (!got) {
      in_.out.fail(fmt::format("{} can't read: {}", name_, described(got.error())));
      break;
    }
    if (!take(*got)) break;
    if (below(3) == 0) co_await commit();
    if (below(20) == 0) co_await ask();
    if (below(15) == 0 && !co_await pause()) break;
    if (below(4) == 0) co_await world_.sleep_for(std::chrono::milliseconds(below(300)));
  }
  co_await commit();
  const auto closed = co_await consumer_->close();
  if (!closed) world_.log().info("{}: {}", name_, closed.error().message);
}

}  // namespace

member_habits member_habits::some(testing::sim::random_source& random) {
  const std::vector<std::vector<std::string>> choices{
      {}, {"cooperative-sticky"}, {"sticky"}, {"roundrobin"}, {"cooperative-sticky", "range"}};
  return {.assignors = choices[random.below(choices.size())],
          .is_static = random.chance(0.3),
          .auto_commit = random.chance(0.3)};
}

client::client_options client_run::options(rt::world& on, const std::string& name) const {
  return {.bootstrap_servers = {broker},
          .client_id = name,
          .request_timeout_ms = 8'000,
          .api_timeout_ms = 60'000,
          .world = moldau::world(on),
          .log = [&on, name](client::log_severity, std::string_view line) { on.log().debug("{}: {}", name, line); }};
}

rt::task<void> run_library_producer(client_run& in, rt::world& on, std::string name) {
  const auto below = [&](std::uint64_t bound) { return on.random() % bound; };
  constexpr std::array codecs{client::codec::none, client::codec::lz4, client::codec::zstd, client::codec::snappy,
                              client::codec::gzip};
  auto made = client::producer::make({.client = in.options(on, name),
                                      .linger_ms = static_cast<std::int64_t>(below(20)),
                                      .batch_bytes = 200 + below(20'000),
                                      .codec = codecs[below(codecs.size())],
                                      .buffer_memory_bytes = below(2) == 0 ? 5'000 + below(50'000) : 32'000'000,
                                      .delivery_timeout_ms = std::chrono::milliseconds(6h).count(),
                                      .in_flight_max = 1 + below(5)});
  if (!made) {
    in.out.fail(fmt::format("{} can't be made: {}", name, described(made.error())));
    ++in.producers_ended;
    co_return;
  }
  std::vector<std::string> names;
  std::vector<std::int64_t> numbers(static_cast<std::size_t>(in.partitions), 0);
  for (std::int32_t i = 0; i < in.partitions; ++i) {
    names.push_back(fmt::format("{}.{}", name, i));
    in.records.in_order(names.back());
  }
  std::deque<sent_record> open;
  while (in.out.passed() && (!in.producers_stop || !open.empty())) {
    const bool more = !in.producers_stop && open.size() < outstanding_max && (open.empty() || below(20) != 0);
    if (more) {
      const std::size_t i = below(names.size());
      topic_partition to{in.topic, partition_id(static_cast<std::int32_t>(i))};
      std::string value = origin::write(names[i], numbers[i]++, std::string(below(120), 'x'));
      const std::uint64_t life = in.records.life();
      auto done = made->send({.topic = to.topic, .partition = to.partition, .value = as_bytes(value)});
      if (done.is_ready()) {
        // There is no memory, which no code of the simulator may wait for: the record hasn't gone out.
        const auto refused = co_await std::move(done);
        if (refused || refused.error().code != errc::out_of_memory) {
          in.out.fail(fmt::format("{}: {} has its report at once: {}", name, value.substr(0, 20),
                                  refused ? "it is delivered" : described(refused.error())));
        }
        --numbers[i];
        co_await on.sleep_for(std::chrono::milliseconds(1 + below(20)));
        continue;
      }
      open.push_back({.to = std::move(to), .value = std::move(value), .life = life, .done = std::move(done)});
      if (below(10) == 0) co_await on.sleep_for(std::chrono::milliseconds(below(100)));
      continue;
    }
    sent_record first = std::move(open.front());
    open.pop_front();
    const auto done = co_await std::move(first.done);
    if (!done) {
      in.out.fail(fmt::format("{}: {} isn't delivered: {}", name, first.value.substr(0, 20), described(done.error())));
      break;
    }
    in.records.acknowledged(first.to, first.value, done->offset, promise::durable, first.life);
  }
  const auto closed = co_await made->close();
  if (!closed) in.out.fail(fmt::format("{} can't be closed: {}", name, described(closed.error())));
  ++in.producers_ended;
}

rt::task<void> run_group_member(client_run& in, rt::world& on, std::string machine, std::uint64_t incarnation) {
  for (int life = 1; !in.members_stop && in.out.passed(); ++life) {
    group_reader one(in, on, machine, fmt::format("{}.{}.{}", machine, incarnation, life));
    co_await one.run();
    co_await on.sleep_for(std::chrono::milliseconds(1 + on.random() % 2000));
  }
  ++in.members_ended;
}

}  // namespace moldau::scenarios
