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
  group_reader(client_run& in, rt::world& on, std::string name) : in_(in), world_(on), name_(std::move(name)) {}
  group_reader(const group_reader&) = delete;
  group_reader& operator=(const group_reader&) = delete;
  ~group_reader() { in_.group.died(name_); }

  rt::task<void> run();

 private:
  void note_owned();
  bool take(const client::polled& got);
  rt::task<void> commit();
  rt::task<void> ask();
  [[nodiscard]] std::uint64_t below(std::uint64_t bound) const { return world_.random() % bound; }

  client_run& in_;
  rt::world& world_;
  const std::string name_;
  /// Gone with this; listeners and handlers that come later find nothing.
  std::shared_ptr<group_reader*> self_ = std::make_shared<group_reader*>(this);
  std::unique_ptr<client::consumer> consumer_;
  std::map<topic_partition, offset> read_to_;
};

/// The generation is asked for once the assignment is told; what has changed meanwhile isn't counted.
void group_reader::note_owned() {
  const auto changes = in_.group.changes(name_);
  consumer_->group_metadata().then([weak = std::weak_ptr(self_), changes](const result<client::group_metadata>& who) {
    const auto self = weak.lock();
    if (!self || !who) return;
    group_ledger& group = (*self)->in_.group;
    const std::string& name = (*self)->name_;
    if (group.changes(name) == changes) group.owned_in(name, who->generation, group.owned(name));
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
  }
  return in_.out.passed();
}

rt::task<void> group_reader::commit() {
  std::map<topic_partition, client::committed_offset> what;
  for (const topic_partition& one : in_.group.owned(name_)) {
    if (const auto at = read_to_.find(one); at != read_to_.end()) what[one] = {.offset = at->second, .metadata = {}};
  }
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

rt::task<void> group_reader::run() {
  auto made = client::consumer::make({.client = in_.options(world_, name_),
                                      .group_id = in_.group_id,
                                      .offset_reset = client::offset_reset::earliest,
                                      .auto_commit = false,
                                      .session_timeout_ms = 6'000,
                                      .heartbeat_interval_ms = 1'000,
                                      .max_poll_interval_ms = 60'000});
  if (!made) {
    in_.out.fail(fmt::format("{} can't be made: {}", name_, described(made.error())));
    co_return;
  }
  consumer_ = std::make_unique<client::consumer>(*std::move(made));
  client::rebalance_listener listener;
  listener.on_assigned = [weak = std::weak_ptr(self_)](const std::vector<topic_partition>& what) {
    const auto self = weak.lock();
    if (!self) return;
    for (const auto& one : what) (*self)->read_to_.erase(one);
    (*self)->in_.group.assigned((*self)->name_, what);
    (*self)->note_owned();
  };
  listener.on_revoked = [weak = std::weak_ptr(self_)](const std::vector<topic_partition>& what) {
    if (const auto self = weak.lock()) (*self)->in_.group.revoked((*self)->name_, what);
  };
  if (const auto joined = co_await consumer_->subscribe(std::vector<std::string>{in_.topic}, listener); !joined) {
    in_.out.fail(fmt::format("{} can't subscribe: {}", name_, described(joined.error())));
  }
  // A short life, or one to the end.
  const auto until = world_.now() + (below(3) == 0 ? std::chrono::milliseconds(below(20'000)) : rt::duration(24h));
  while (!in_.members_stop && in_.out.passed() && world_.now() < until) {
    const auto got = co_await consumer_->poll(std::chrono::milliseconds(below(1500)));
    if (!got) {
      in_.out.fail(fmt::format("{} can't read: {}", name_, described(got.error())));
      break;
    }
    if (!take(*got)) break;
    if (below(3) == 0) co_await commit();
    if (below(20) == 0) co_await ask();
    if (below(4) == 0) co_await world_.sleep_for(std::chrono::milliseconds(below(300)));
  }
  co_await commit();
  const auto closed = co_await consumer_->close();
  if (!closed) world_.log().info("{}: {}", name_, closed.error().message);
}

}  // namespace

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
                                      .delivery_timeout_ms = std::chrono::milliseconds(6h).count()});
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

rt::task<void> run_group_member(client_run& in, rt::world& on, std::string name) {
  for (int life = 1; !in.members_stop && in.out.passed(); ++life) {
    group_reader one(in, on, fmt::format("{}.{}", name, life));
    co_await one.run();
    co_await on.sleep_for(std::chrono::milliseconds(1 + on.random() % 2000));
  }
  ++in.members_ended;
}

}  // namespace moldau::scenarios
