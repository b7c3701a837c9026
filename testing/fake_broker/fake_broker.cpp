#include "moldau/testing/fake_broker.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <future>

#include "testing/fake_broker/cluster.hpp"
#include "testing/fake_broker/loop_thread.hpp"
#include "testing/fake_broker/server.hpp"

namespace moldau::testing {

using fake::cluster;
using fake::partition;

/// The cluster, and the thread that it runs on if it has one of its own.
struct fake_broker::body {
  std::unique_ptr<rt::loop_thread> thread;
  std::shared_ptr<cluster> in;

  body() = default;
  body(const body&) = delete;
  body& operator=(const body&) = delete;
  ~body();

  /// Runs `what` where sockets may be touched, and waits for it. In a simulation that is here.
  template <typename F>
  auto on_thread(F what) const {
    if (thread == nullptr) return what();
    // Shared: the other thread may still be inside it when the value is there.
    const auto done = std::make_shared<std::promise<decltype(what())>>();
    in->world.post([&, done] { done->set_value(what()); });
    return done->get_future().get();
  }

  template <typename F>
  auto locked(F what) const {
    const std::lock_guard held(in->mutex);
    return what(*in);
  }

  template <typename F>
  result<void> with_partition(const topic_partition& of, F what) const {
    const std::lock_guard held(in->mutex);
    partition* const found = in->find(of);
    if (found == nullptr) return no_partition(of);
    what(*found);
    in->changed();
    return {};
  }

  [[nodiscard]] static std::unexpected<error> no_partition(const topic_partition& of) {
    return fail(errc::invalid_argument,
                fmt::format("there is no partition {} of '{}'", of.partition.value(), of.topic));
  }
  [[nodiscard]] result<void> check(broker_id which) const {
    if (in->brokers.contains(which)) return {};
    return fail(errc::invalid_argument, fmt::format("there is no broker {}", which.value()));
  }
};

fake_broker::body::~body() {
  if (!in) return;
  on_thread([&] {
    {
      const std::lock_guard held(in->mutex);
      in->stopped = true;
      in->changed();
    }
    for (const auto& [id, one] : in->brokers) fake::close_broker(*in, id);
    return true;
  });
}

fake_broker::fake_broker(std::unique_ptr<body> from) : body_(std::move(from)) {}
fake_broker::fake_broker(fake_broker&&) noexcept = default;
fake_broker& fake_broker::operator=(fake_broker&&) noexcept = default;
fake_broker::~fake_broker() = default;

result<fake_broker> fake_broker::start(fake_broker_options options) {
  if (options.brokers < 1) return fail(errc::invalid_argument, "a cluster has at least one broker");
  auto made = std::make_unique<body>();
  if (options.world.is_real()) made->thread = fake::make_loop_thread();
  rt::world& world = made->thread ? made->thread->world() : *options.world.get();
  made->in = std::make_shared<cluster>(std::move(options), world);
  for (const fake_topic& one : made->in->options.topics) {
    MOLDAU_TRY(made->locked([&](cluster& in) { return in.create_topic(one); }));
  }
  const std::uint16_t first_port = made->in->options.first_port;
  for (auto& [id, one] : made->in->brokers) {
    if (first_port != 0) one.port = static_cast<std::uint16_t>(first_port + id.value() - 1);
    MOLDAU_TRY(made->on_thread([&] { return fake::open_broker(made->in, id); }));
  }
  return fake_broker(std::move(made));
}

std::vector<std::string> fake_broker::bootstrap_servers() const {
  return body_->locked([](const cluster& in) {
    std::vector<std::string> out;
    for (const auto& [id, one] : in.brokers) out.push_back(fmt::format("{}:{}", in.options.host, one.port));
    return out;
  });
}

result<void> fake_broker::create_topic(fake_topic topic) {
  return body_->locked([&](cluster& in) { return in.create_topic(topic); });
}

result<void> fake_broker::delete_topic(const std::string& name) {
  return body_->locked([&](cluster& in) { return in.delete_topic(name); });
}

result<void> fake_broker::add_partitions(const std::string& topic, std::int32_t total) {
  return body_->locked([&](cluster& in) { return in.add_partitions(topic, total); });
}

result<offset> fake_broker::append(const topic_partition& to, fake_record record) {
  return body_->locked([&](cluster& in) -> result<offset> {
    partition* const found = in.find(to);
    if (found == nullptr) return body::no_partition(to);
    auto at = found->log.append(record, in.world.wall_ms());
    in.changed();
    return at;
  });
}

result<void> fake_broker::end_transaction(const topic_partition& in, producer_id of, bool commit) {
  return body_->locked([&](cluster& all) -> result<void> {
    partition* const found = all.find(in);
    if (found == nullptr) return body::no_partition(in);
    MOLDAU_TRY(found->log.end_transaction(of, commit, all.world.wall_ms()));
    all.changed();
    return {};
  });
}

std::vector<fake_record> fake_broker::records(const topic_partition& of) const {
  return body_->locked([&](cluster& in) {
    const partition* const found = in.find(of);
    return found == nullptr ? std::vector<fake_record>() : found->log.records();
  });
}

offset fake_broker::start_offset(const topic_partition& of) const {
  return body_->locked([&](cluster& in) {
    const partition* const found = in.find(of);
    return found == nullptr ? no_offset : found->log.start();
  });
}

offset fake_broker::end_offset(const topic_partition& of) const {
  return body_->locked([&](cluster& in) {
    const partition* const found = in.find(of);
    return found == nullptr ? no_offset : found->log.end();
  });
}

result<void> fake_broker::delete_records(const topic_partition& of, offset before) {
  return body_->with_partition(of, [&](partition& in) { in.log.delete_before(before); });
}

result<void> fake_broker::truncate(const topic_partition& of, offset to) {
  return body_->with_partition(of, [&](partition& in) {
    in.log.truncate(to);
    in.log.next_epoch();
  });
}

broker_id fake_broker::leader(const topic_partition& of) const {
  return body_->locked([&](cluster& in) {
    const partition* const found = in.find(of);
    return found == nullptr ? no_broker : found->leader;
  });
}

result<void> fake_broker::move_leader(const topic_partition& of, broker_id to) {
  MOLDAU_TRY(body_->check(to));
  return body_->with_partition(of, [&](partition& in) {
    in.leader = to;
    if (std::ranges::find(in.replicas, to) == in.replicas.end()) in.replicas.push_back(to);
    in.log.next_epoch();
  });
}

broker_id fake_broker::coordinator(const std::string& group) const {
  return body_->locked([&](const cluster& in) { return in.coordinator_of(group); });
}

result<void> fake_broker::move_coordinator(const std::string& group, broker_id to) {
  MOLDAU_TRY(body_->check(to));
  return body_->locked([&](cluster& in) -> result<void> {
    in.coordinators[group] = to;
    in.changed();
    return {};
  });
}

void fake_broker::set_cluster_id(std::string id) {
  body_->locked([&](cluster& in) { in.cluster_id = std::move(id); });
}

result<void> fake_broker::stop_broker(broker_id which) {
  MOLDAU_TRY(body_->check(which));
  return body_->on_thread([&]() -> result<void> {
    fake::close_broker(*body_->in, which);
    return {};
  });
}

result<void> fake_broker::start_broker(broker_id which) {
  MOLDAU_TRY(body_->check(which));
  return body_->on_thread([&]() -> result<void> {
    if (body_->in->brokers.at(which).listener) return {};
    return fake::open_broker(body_->in, which);
  });
}

result<void> fake_broker::set_disk_full(broker_id which, bool full) {
  MOLDAU_TRY(body_->check(which));
  return body_->locked([&](cluster& in) -> result<void> {
    in.brokers.at(which).disk_full = full;
    return {};
  });
}

void fake_broker::disconnect_all() {
  body_->on_thread([&] {
    fake::close_connections(*body_->in);
    return true;
  });
}

fake_group fake_broker::group(const std::string& id) const {
  return body_->locked([&](cluster& in) {
    fake_group out;
    const auto found = in.groups.find(id);
    if (found == in.groups.end()) return out;
    fake::group& of = found->second;
    of.tick(in.world.now());
    out.state = of.state_name();
    out.generation = of.generation();
    out.protocol = of.protocol();
    out.leader = of.leader();
    for (const auto& [member, who] : of.members()) {
      out.members.push_back({.id = member, .instance_id = who.instance_id, .client_id = who.client_id});
    }
    return out;
  });
}

std::map<topic_partition, offset> fake_broker::committed(const std::string& group) const {
  return body_->locked([&](const cluster& in) {
    std::map<topic_partition, offset> out;
    const auto found = in.groups.find(group);
    if (found == in.groups.end()) return out;
    for (const auto& [of, value] : found->second.offsets) out[of] = value.offset;
    return out;
  });
}

void fake_broker::rebalance(const std::string& group) {
  body_->locked([&](cluster& in) {
    if (const auto found = in.groups.find(group); found != in.groups.end()) found->second.rebalance(in.world.now());
    in.changed();
  });
}

void fake_broker::remove_member(const std::string& group, const std::string& member) {
  body_->locked([&](cluster& in) {
    if (const auto found = in.groups.find(group); found != in.groups.end()) {
      found->second.remove(member, in.world.now());
    }
    in.changed();
  });
}

void fake_broker::inject(fault what) {
  body_->locked([&](cluster& in) { in.faults.add(std::move(what)); });
}

void fake_broker::clear_faults() {
  body_->locked([](cluster& in) { in.faults.clear(); });
}

std::size_t fake_broker::faults_left() const {
  return body_->locked([](const cluster& in) { return in.faults.left(); });
}

std::vector<seen_request> fake_broker::requests() const {
  return body_->locked([](const cluster& in) { return in.seen; });
}

std::size_t fake_broker::count(testing::api of) const {
  return body_->locked(
      [&](const cluster& in) { return static_cast<std::size_t>(std::ranges::count(in.seen, of, &seen_request::api)); });
}

void fake_broker::forget_requests() {
  body_->locked([](cluster& in) { in.seen.clear(); });
}

std::size_t fake_broker::connections() const {
  return body_->locked([](const cluster& in) { return in.connection_count; });
}

}  // namespace moldau::testing
