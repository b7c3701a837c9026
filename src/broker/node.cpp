#include "broker/node.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "broker/wiring/directories.hpp"
#include "broker/wiring/directory_assignment.hpp"
#include "broker/wiring/random_uuid.hpp"
#include "metadata/format.hpp"
#include "wire/protocol/allocate_producer_ids_request.hpp"
#include "wire/protocol/allocate_producer_ids_response.hpp"
#include "wire/protocol/assign_replicas_to_dirs_request.hpp"
#include "wire/protocol/assign_replicas_to_dirs_response.hpp"
#include "wire/protocol/broker_heartbeat_request.hpp"
#include "wire/protocol/broker_heartbeat_response.hpp"
#include "wire/protocol/broker_registration_request.hpp"
#include "wire/protocol/broker_registration_response.hpp"

namespace moldau::broker {
namespace {

/// How long a stop waits for requests in flight.
constexpr auto drain_time = std::chrono::seconds(5);

shard::options shard_options(const config::broker_config& config, unsigned cores) {
  const auto request_max = static_cast<std::size_t>(config.int32("socket.request.max.bytes"));
  return {.request_memory_bytes = static_cast<std::size_t>(config.queued_max_request_bytes()) / cores,
          .limits = {.request_max_bytes = request_max},
          .idle_max_ms = config.int64("connections.max.idle.ms"),
          .fetch_session_slots =
              static_cast<std::size_t>(config.int32("max.incremental.fetch.session.cache.slots")) / cores,
          .ack_after_sync = config.boolean("log.flush.ack")};
}

/// As the properties say. Only other sizes than Kafka's defaults are set, which Kafka's own server.properties spells
/// out: left alone, the kernel's buffers grow with what the client sends and takes. A small one is empty again before
/// the broker has been woken to fill it, and then the client has to be woken as well.
rt::socket_buffers buffers_of(const config::broker_config& config) {
  const auto size_of = [&](std::string_view property) {
    constexpr std::int32_t default_bytes = 102400;
    const std::int32_t bytes = config.int32(property);
    return bytes == default_bytes ? -1 : bytes;
  };
  return {.send_bytes = size_of("socket.send.buffer.bytes"), .receive_bytes = size_of("socket.receive.buffer.bytes")};
}

}  // namespace

node::node(options chosen)
    : options_(std::move(chosen)),
      log_(options_.cores.front()->log().named("broker")),
      view_{nullptr, options_.config} {
  for (rt::world* world : options_.cores) {
    shards_.push_back(std::make_unique<shard>(
        *world, *this, shard_options(*options_.config, static_cast<unsigned>(options_.cores.size()))));
  }
}

node::~node() = default;

rt::task<result<void>> node::start() {
  auto started = co_await start_all();
  if (started) {
    admin_.set_state(node_state::serving);
  } else {
    admin_.set_state(node_state::failed, started.error().message);
  }
  co_return started;
}

rt::task<result<void>> node::start_all() {
  // Listening comes first: a port in use is told before anything is written, and clients that come early wait in the
  // backlog.
  MOLDAU_CO_TRY(bind_listeners());
  MOLDAU_CO_TRY(admin_.start(*options_.config));
  MOLDAU_CO_TRY(co_await prepare_directories());
  MOLDAU_CO_TRY(co_await start_metadata());
  admin_.set_state(node_state::recovering);
  MOLDAU_CO_TRY(co_await load_logs());
  MOLDAU_CO_TRY(co_await register_broker());
  producer_ids_ = std::make_unique<producer_ids>(main_world(), [this]() -> rt::task<result<producer_ids::block>> {
    wire::protocol::allocate_producer_ids_request wanted;
    wanted.broker_id = id();
    wanted.broker_epoch = broker_epoch_;
    auto got = co_await metadata_->call([&](metadata::controller& controller, std::int64_t now_ms) {
      return controller.allocate_producer_ids(wanted, now_ms);
    });
    if (!got) co_return std::unexpected<error>(std::move(got).error());
    if (got->error_code != errc::none) co_return fail(got->error_code);
    co_return producer_ids::block{got->producer_id_start, got->producer_id_len};
  });
  acceptor_->start();
  co_return result<void>{};
}

result<void> node::bind_listeners() {
  const config::broker_config& config = *options_.config;
  acceptor_ = std::make_unique<acceptor>(
      main_world(),
      accept_limits{
          .connections_max = [this] { return view_.config->int32("max.connections"); },
          .per_listener_max = [this](std::string_view listener) { return view_.config->max_connections_on(listener); },
          .per_host_max = [this](std::string_view host) { return view_.config->max_connections_of(host); }},
      buffers_of(config), [this](unsigned core, std::unique_ptr<rt::connection> socket, const std::string& listener) {
        // A closure that is moved into a post must own the socket until the other core takes it.
        options_.cores[core]->post([this, core, held = std::move(socket), name = listener]() mutable {
          shards_[core]->serve(std::move(held), std::move(name));
        });
      });
  const auto bind_all = [&](const std::vector<config::endpoint>& bound, const std::vector<config::endpoint>& advertised,
                            bool controller) -> result<void> {
    for (const config::endpoint& at : bound) {
      MOLDAU_TRY_ASSIGN(const rt::endpoint local, acceptor_->listen(at.listener, {at.host, at.port}, !controller));
      bound_.emplace_back(at.listener, local);
      const auto told = std::ranges::find(advertised, at.listener, &config::endpoint::listener);
      const config::endpoint& from = told == advertised.end() ? at : *told;
      listeners_.push_back({.name = at.listener,
                            .host = from.host.empty() ? options_.host_name : from.host,
                            .port = from.port == 0 ? local.port : from.port,
                            .controller = controller});
    }
    return {};
  };
  MOLDAU_TRY(bind_all(config.broker_listeners(), config.advertised_listeners(), false));
  return bind_all(config.controller_listeners(), config.advertised_controller_listeners(), true);
}

std::optional<rt::endpoint> node::bound(std::string_view listener) const {
  for (const auto& [name, at] : bound_) {
    if (name == listener) return at;
  }
  return std::nullopt;
}

rt::task<result<void>> node::prepare_directories() {
  std::vector<raft::endpoint> controllers;
  for (const auto& listener : listeners_) {
    if (listener.controller) controllers.push_back({listener.name, listener.host, listener.port});
  }
  auto prepared = co_await prepare_log_directories(main_world(), *options_.config, std::move(controllers));
  if (!prepared) co_return std::unexpected<error>(std::move(prepared).error());
  cluster_id_ = prepared->cluster_id;
  metadata_directory_ = prepared->metadata_directory;
  co_return result<void>{};
}

rt::task<result<void>> node::start_metadata() {
  const config::broker_config& config = *options_.config;
  metadata_service::options chosen;
  chosen.directory = config.metadata_log_dir();
  chosen.quorum.self = {.id = id(), .directory = metadata_directory_};
  for (const auto& listener : listeners_) {
    if (listener.controller) chosen.quorum.endpoints.push_back({listener.name, listener.host, listener.port});
  }
  std::vector<raft::voter> voters;
  for (const auto& one : config.quorum_voters()) {
    voters.push_back(
        {.key = {.id = one.id}, .endpoints = {{listeners_.back().name, one.address.host, one.address.port}}});
  }
  chosen.quorum.static_voters = raft::voter_set(std::move(voters));
  chosen.controller = {.node = id(),
                       .cluster_id = cluster_id_,
                       .config = options_.config.get(),
                       .random = [this] { return main_world().random(); },
                       .session_timeout_ms = config.int32("broker.session.timeout.ms"),
                       .max_idle_interval_ms = config.int32("metadata.max.idle.interval.ms")};
  chosen.snapshots = {.max_bytes = config.int64("metadata.log.max.record.bytes.between.snapshots"),
                      .max_interval_ms = config.int64("metadata.log.max.snapshot.interval.ms")};
  chosen.retention_bytes = config.int64("metadata.max.retention.bytes");
  chosen.retention_ms = config.int64("metadata.max.retention.ms");
  chosen.log.segment_bytes = static_cast<std::uint32_t>(config.int32("metadata.log.segment.bytes"));
  chosen.log.segment_ms = config.int64("metadata.log.segment.ms");
  chosen.on_update = [this](metadata::image_update update) { return apply(std::move(update)); };
  chosen.on_failed = [this](const error& why) { fail_for_good(why); };
  metadata_ = std::make_unique<metadata_service>(main_world(), std::move(chosen));
  auto started = co_await metadata_->start();
  if (started) kraft_version_ = metadata_->quorum().kraft_version();
  co_return started;
}

storage::log_options node::log_options_of(const std::string& topic) const {
  return to_log_options(config::effective_topic_config(
      *view_.config, view_.image->config_of(metadata::config_resource_type::topic, topic)));
}

storage::manager_options node::manager_options() const {
  return {.directories = view_.config->log_dirs(),
          .storage = to_storage_options(*view_.config),
          .defaults = to_log_options(config::effective_topic_config(*view_.config, {})),
          .options_of = [this](const std::string& topic, const storage::log_options&) { return log_options_of(topic); },
          .is_stray =
              [this](const std::string&, partition_id partition, const topic_id& topic) {
                const metadata::topic* known = view_.image->find_topic(topic);
                const metadata::partition* found = known == nullptr ? nullptr : known->find(partition);
                return found == nullptr || std::ranges::find(found->replicas, id()) == found->replicas.end();
              },
          .on_directory_failed = [this](const std::string&,
                                        const error& why) { const_cast<node*>(this)->fail_for_good(why); }};
}

rt::task<result<void>> node::load_logs() {
  logs_ = std::make_unique<storage::log_manager>(main_world(), manager_options());
  MOLDAU_CO_TRY(co_await logs_->load());
  // The metadata may have moved on while the logs were loaded.
  for (const auto* before = static_cast<const metadata::image*>(nullptr); before != view_.image.get();) {
    const auto image = view_.image;
    before = image.get();
    co_await open_partitions(*image, nullptr);
  }
  logs_loaded_ = true;
  for (unsigned core = 0; core < core_count(); ++core) {
    co_await main_world().call_on(core, [&]() -> rt::task<void> {
      for (const auto& group : logs_->core(core).sync) group->measure(&shards_[core]->metrics().sync_seconds());
      co_return;
    });
  }
  logs_->start();
  co_await publish({});
  co_return result<void>{};
}

rt::task<result<void>> node::register_broker() {
  wire::protocol::broker_registration_request registration;
  registration.broker_id = id();
  registration.cluster_id = cluster_id_;
  registration.incarnation_id = random_uuid(main_world());
  for (const auto& listener : listeners_) {
    if (listener.controller) continue;
    registration.listeners.push_back({.name = listener.name, .host = listener.host, .port = listener.port});
  }
  for (const auto& [name, range] : metadata::supported_features()) {
    registration.features.push_back(
        {.name = name, .min_supported_version = range.min, .max_supported_version = range.max});
  }
  // An unset rack is null on the wire; "" would be a rack of that name.
  registration.rack = std::nullopt;
  const std::string& rack = options_.config->string("broker.rack");
  if (!rack.empty()) registration.rack = rack;
  registration.log_dirs = logs_->directory_ids();
  auto registered = co_await metadata_->call([&](metadata::controller& controller, std::int64_t now_ms) {
    return controller.register_broker(registration, now_ms);
  });
  if (!registered) co_return std::unexpected<error>(std::move(registered).error());
  if (registered->error_code != errc::none) {
    co_return fail(registered->error_code, "the controller refused this broker's registration");
  }
  broker_epoch_ = registered->broker_epoch;
  // The first heartbeat ends the fencing, which comes to the partitions before anybody is served.
  MOLDAU_CO_TRY(heartbeat());
  MOLDAU_CO_TRY(co_await metadata_->await_applied());
  tell_directories(nullptr);
  running_.spawn(heartbeat_loop());
  co_return result<void>{};
}

result<void> node::heartbeat() {
  wire::protocol::broker_heartbeat_request beat;
  beat.broker_id = id();
  beat.broker_epoch = broker_epoch_;
  beat.current_metadata_offset = view_.image->provenance.last_offset;
  // Waits for nothing: while a large change is applied over a slow disk, the broker lives.
  MOLDAU_TRY_ASSIGN(const auto heard, metadata_->tell([&](metadata::controller& controller, std::int64_t now_ms) {
    return controller.heartbeat(beat, now_ms);
  }));
  if (heard.error_code != errc::none) return fail(heard.error_code, "the controller refused this broker's heartbeat");
  return {};
}

rt::task<void> node::heartbeat_loop() {
  const auto every = std::chrono::milliseconds(options_.config->int32("broker.heartbeat.interval.ms"));
  while (!stopping_) {
    heartbeat_timer_ = main_world().post_at(main_world().now() + every, [this] { wake_.notify_all(); });
    co_await wake_.wait();
    if (stopping_) co_return;
    if (auto heard = heartbeat(); !heard && !failed_) log_.warn("{}", heard.error().message);
  }
}

rt::task<void> node::apply(metadata::image_update update) {
  view_.image = std::move(update.image);
  if (const auto& changed = update.changes.configs;
      std::ranges::any_of(changed, [](const auto& r) { return r.type == metadata::config_resource_type::broker; }) ||
      !logs_loaded_) {
    reconfigure(*view_.image);
  }
  if (!logs_loaded_) co_return;
  for (const auto& [id, name] : update.changes.topics_deleted) co_await close_topic(id);
  const auto image = view_.image;
  co_await open_partitions(*image, &update.changes);
  if (!update.changes.configs.empty()) co_await logs_->refresh_options(manager_options());
  co_await publish(update.changes);
  if (broker_epoch_ >= 0) tell_directories(&update.changes);
}

void node::tell_directories(const metadata::image_changes* changes) {
  for (auto& told : directories_to_tell(*view_.image, changes, id(), *logs_)) {
    told.broker_id = id();
    told.broker_epoch = broker_epoch_;
    const auto heard = metadata_->tell([&](metadata::controller& controller, std::int64_t now_ms) {
      return controller.assign_replicas_to_dirs(told, now_ms);
    });
    if (!heard) continue;
    if (heard->error_code != errc::none) {
      log_.warn("the controller refused to hear which directories the logs lie in ({})", name(heard->error_code));
    }
    for (const auto& [id, code] : refused(*heard)) {
      log_.warn("the controller refused to hear which directory the log of {}-{} lies in ({})", id.topic.to_string(),
                id.partition.value(), name(code));
    }
  }
}

rt::task<void> node::open_partitions(const metadata::image& image, const metadata::image_changes* changes) {
  if (changes != nullptr) {
    for (const auto& [id, partitions] : changes->partitions) {
      if (const metadata::topic* topic = image.find_topic(id)) co_await open_topic(*topic, &partitions);
    }
    co_return;
  }
  std::vector<std::shared_ptr<const metadata::topic>> all;
  image.topics.for_each([&](const topic_id&, const auto& topic) { all.push_back(topic); });
  for (const auto& topic : all) co_await open_topic(*topic, nullptr);
}

rt::task<void> node::open_topic(const metadata::topic& topic, const std::set<partition_id>* only) {
  // Side by side: each new log takes several syncs, which the workers overlap.
  rt::gate opening;
  for (const auto& partition : topic.partitions) {
    if (only != nullptr && !only->contains(partition->id)) continue;
    if (std::ranges::find(partition->replicas, id()) == partition->replicas.end()) continue;
    opening.spawn(open_partition(topic, *partition));
  }
  co_await opening.drained();
}

rt::task<void> node::open_partition(const metadata::topic& topic, const metadata::partition& partition) {
  const topic_id_partition key{topic.id, partition.id};
  if (!logs_->logs().contains(key)) {
    auto made = co_await logs_->create(topic.name, partition.id, topic.id, directory_wanted(partition, id(), *logs_));
    if (!made) {
      fail_for_good(made.error());
      co_return;
    }
  }
  const unsigned core = storage::core_of(topic.id, partition.id, core_count());
  co_await main_world().call_on(core, [&]() -> rt::task<void> {
    if (storage::log* log = logs_->find(core, key)) {
      shards_[core]->open_partition(*log, key,
                                    {.leads = partition.leader == id(),
                                     .epoch = partition.leader_epoch,
                                     .in_sync_replicas = static_cast<std::int32_t>(partition.isr.size())});
    }
    co_return;
  });
}

rt::task<void> node::close_topic(const topic_id& id) {
  std::vector<topic_id_partition> gone;
  for (const auto& [key, known] : logs_->logs()) {
    if (key.topic == id) gone.push_back(key);
  }
  std::ranges::sort(gone);
  for (const topic_id_partition& key : gone) {
    const unsigned core = storage::core_of(key.topic, key.partition, core_count());
    co_await main_world().call_on(core, [&] { return shards_[core]->close_partition(key); });
    if (auto removed = co_await logs_->remove(key); !removed) {
      fail_for_good(removed.error());
      co_return;
    }
  }
}

rt::task<void> node::publish(const metadata::image_changes& changes) {
  for (unsigned core = 0; core < core_count(); ++core) {
    co_await main_world().call_on(core, [&]() -> rt::task<void> {
      shards_[core]->publish(view_, changes);
      co_return;
    });
  }
}

void node::reconfigure(const metadata::image& image) {
  auto changed = std::make_shared<config::broker_config>(*options_.config);
  const auto wrong =
      changed->apply_dynamic(image.config_of(metadata::config_resource_type::broker, ""),
                             image.config_of(metadata::config_resource_type::broker, std::to_string(id().value())));
  for (const config::mistake& one : wrong) log_.warn("a dynamic property is left out: {}", one.message);
  view_.config = std::move(changed);
  acceptor_->limits_changed();
}

void node::connection_closed(rt::world& from, const std::string& host, const std::string& listener) {
  if (from.core() == 0) {
    acceptor_->released(host, listener);
  } else {
    main_world().post([this, host, listener] { acceptor_->released(host, listener); });
  }
}

void node::fail_for_good(const error& why) {
  if (std::exchange(failed_, true)) return;
  log_.error("{}", why.message);
  admin_.set_state(node_state::failed, why.message);
  options_.on_fatal(why);
}

rt::task<void> node::end_serving(rt::time_point deadline, bool clean) {
  rt::gate draining;
  for (unsigned core = 0; core < core_count(); ++core) {
    draining.spawn([](node& self, unsigned on, rt::time_point until) -> rt::task<void> {
      co_await self.main_world().call_on(on, [&] { return self.shards_[on]->drain(until); });
    }(*this, core, deadline));
  }
  co_await draining.drained();
  stopping_ = true;
  wake_.notify_all();
  co_await running_.drained();
  // An image may be on its way to the shards still; it opens and closes partitions, so it comes to its end first.
  if (metadata_ != nullptr) co_await metadata_->stop(clean);
  for (unsigned core = 0; core < core_count(); ++core) {
    co_await main_world().call_on(core, [&] { return shards_[core]->close(); });
  }
}

rt::task<void> node::stop() {
  admin_.set_state(node_state::stopping);
  co_await acceptor_->stop();
  co_await end_serving(main_world().now() + drain_time, true);
  if (logs_ != nullptr) {
    if (auto closed = co_await logs_->stop(broker_epoch_); !closed) log_.error("{}", closed.error().message);
  }
  // Last, so that /healthz says until the end what goes on.
  co_await admin_.stop();
}

rt::task<void> node::abandon() {
  if (acceptor_ != nullptr) co_await acceptor_->stop();
  co_await end_serving(main_world().now(), false);
  if (logs_ != nullptr) co_await logs_->abandon();
  co_await admin_.stop();
}

}  // namespace moldau::broker
