#include "broker/wiring/group_service.hpp"

#include <algorithm>
#include <chrono>

#include "broker/shard.hpp"
#include "broker/wiring/read_log.hpp"
#include "wire/record_control.hpp"
#include "wire/record_reader.hpp"

namespace moldau::broker {
namespace {

coord::group_options options_of(const config::broker_config& config, std::size_t batch_bytes_max, rt::world& world) {
  return {.initial_rebalance_delay_ms = config.int32("group.initial.rebalance.delay.ms"),
          .min_session_timeout_ms = config.int32("group.min.session.timeout.ms"),
          .max_session_timeout_ms = config.int32("group.max.session.timeout.ms"),
          .max_size = config.int32("group.max.size"),
          .offset_metadata_max = config.int32("offset.metadata.max.bytes"),
          .offsets_retention_ms = std::int64_t{config.int32("offsets.retention.minutes")} * 60'000,
          .retention_check_interval_ms = config.int64("offsets.retention.check.interval.ms"),
          .commit_timeout_ms = config.int32("offsets.commit.timeout.ms"),
          .batch_bytes_max = batch_bytes_max,
          .random = [&world] { return world.random(); }};
}

}  // namespace

group_service::group_service(shard& at)
    : shard_(at), world_(at.world()), loading_(world_), on_stop_([this] { resign_all(); }) {
  shard_.on_stop(on_stop_);
}

group_service::~group_service() = default;

coord::instant group_service::now() const {
  return {
      .monotonic_ms = std::chrono::duration_cast<std::chrono::milliseconds>(world_.now().time_since_epoch()).count(),
      .wall_ms = world_.wall_ms()};
}

result<std::shared_ptr<group_service::slot>> group_service::find(partition_id partition) const {
  const auto found = slots_.find(partition);
  if (found == slots_.end() || found->second->closing) {
    return fail(errc::not_coordinator, "The group's partition isn't on this broker.");
  }
  if (!found->second->active) return fail(errc::coordinator_load_in_progress, "The group's partition is being loaded.");
  return found->second;
}

result<std::vector<const coord::group_coordinator*>> group_service::all() const {
  std::vector<const coord::group_coordinator*> out;
  for (const auto& [id, one] : slots_) {
    if (one->closing) continue;
    if (!one->active) return fail(errc::coordinator_load_in_progress, "A partition of groups is being loaded.");
    out.push_back(one->coordinator.get());
  }
  return out;
}

void group_service::open(replica::partition& partition) {
  if (partition.topic() != offsets_topic || stopping_) return;
  auto one = std::make_shared<slot>();
  one->partition = &partition;
  slots_.insert_or_assign(partition.id().partition, one);
  start(*one);
}

void group_service::start(slot& one) {
  // Partitions open before the shard has its first view of the cluster, and its configuration with it.
  if (one.loading || one.closing || shard_.view().config == nullptr) return;
  one.loading = true;
  const topic_view* topic = shard_.find_topic(offsets_topic);
  const std::int32_t most =
      topic == nullptr ? config::topic_config().max_message_bytes : topic->config.max_message_bytes;
  one.coordinator = std::make_unique<coord::group_coordinator>(
      options_of(shard_.config(), static_cast<std::size_t>(most), world_),
      [this, &one](std::span<const coord::record> records) { return append(one, records); },
      world_.log().named("groups"));
  running_.spawn(load(one.shared_from_this()));
}

void group_service::on_publish(const std::map<topic_id, std::string>& topics_deleted) {
  // A load that ends at once may close or open nothing, but it may be resumed from here: walk a copy.
  const auto slots = slots_;
  for (const auto& [id, one] : slots) {
    start(*one);
    if (!one->active || one->closing || topics_deleted.empty()) continue;
    one->coordinator->topics_deleted(topics_deleted, now());
    drive(*one);
  }
}

rt::task<void> group_service::load(std::shared_ptr<slot> one) {
  const replica::partition::use held(*one->partition);
  const auto turn = co_await loading_.lock();
  if (one->closing) co_return;
  const auto loaded = co_await replay(*one);
  if (one->closing) co_return;
  if (!loaded) {
    world_.log().named("groups").error("the groups of {}-{} can't be loaded: {}", offsets_topic,
                                       one->partition->id().partition.value(), loaded.error().message);
    one->closing = true;
    co_return;
  }
  one->coordinator->loaded(now());
  one->active = true;
  drive(*one);
}

rt::task<result<void>> group_service::replay(slot& one) {
  storage::log& log = one.partition->log();
  const auto step = static_cast<std::uint32_t>(shard_.config().int32("offsets.load.buffer.size"));
  const offset end = log.log_end();
  for (offset at = log.log_start(); at < end && !one.closing;) {
    auto bytes = co_await read_log(world_, log, {.from = at, .max_bytes = step, .upper_bound = end});
    if (!bytes) co_return std::unexpected<error>(std::move(bytes).error());
    wire::batch_iterator batches(*bytes);
    const offset before = at;
    for (;;) {
      auto batch = batches.next();
      if (!batch) co_return std::unexpected<error>(std::move(batch).error());
      if (!*batch) break;
      if ((*batch)->last_offset() < at) continue;
      MOLDAU_CO_TRY(replay_batch(one, **batch));
      at = (*batch)->next_offset();
    }
    // Compaction may have left nothing between here and the end.
    if (at == before) break;
  }
  // What is answered from here on must not be lost any more.
  co_return co_await one.partition->await_committed(end);
}

result<void> group_service::replay_batch(slot& one, wire::batch_view batch) {
  if (!batch.is_crc_ok()) return fail(errc::corrupt_message, "a batch's checksum is wrong");
  MOLDAU_TRY_ASSIGN(auto records, wire::record_reader::open(batch, shard_.codecs()));
  record_view record;
  for (;;) {
    MOLDAU_TRY_ASSIGN(const bool more, records.next(record));
    if (!more) return {};
    if (batch.is_control()) {
      MOLDAU_TRY_ASSIGN(const auto type, wire::decode_control_key(record.key));
      if (type == wire::control_record_type::commit || type == wire::control_record_type::abort) {
        one.coordinator->end_transaction(batch.producer_id(), type == wire::control_record_type::commit);
      }
      continue;
    }
    if (!record.key) continue;
    one.coordinator->replay(
        *record.key, record.value,
        {.offset = record.offset, .transaction = batch.is_transactional() ? batch.producer_id() : no_producer_id});
  }
}

result<offset> group_service::append(slot& one, std::span<const coord::record> records) {
  if (one.closing) return fail(errc::not_coordinator, "The group's partition isn't on this broker.");
  const auto codec = static_cast<std::size_t>(shard_.config().int32("offsets.topic.compression.codec"));
  one.builder.begin({.compression = wire::compression::of(codec < wire::codec_count ? static_cast<wire::codec>(codec)
                                                                                    : wire::codec::none)});
  const std::int64_t now_ms = world_.wall_ms();
  for (const coord::record& record : records) {
    const auto value = record.value ? std::optional<bytes_view>(record.value->view()) : std::nullopt;
    MOLDAU_TRY(one.builder.append(now_ms, record.key.view(), value));
  }
  MOLDAU_TRY_ASSIGN(shared_bytes batch, one.builder.finish(shard_.codecs()));
  const topic_view* topic = shard_.find_topic(offsets_topic);
  const std::int32_t min_in_sync = topic == nullptr ? 1 : topic->config.min_insync_replicas;
  MOLDAU_TRY_ASSIGN(const auto info,
                    one.partition->append(std::move(batch), true, min_in_sync, storage::append_origin::coordinator));
  return info.last_offset + 1;
}

void group_service::drive(slot& one) {
  if (one.closing && one.coordinator->uncommitted_end() == std::nullopt) return;
  if (one.coordinator->has_gathered() && !one.flush_posted) {
    // Whatever else comes in this turn of the loop goes into the same batch.
    one.flush_posted = true;
    running_.spawn(flush_soon(one.shared_from_this()));
  }
  if (one.coordinator->uncommitted_end() && !one.committing) {
    one.committing = true;
    running_.spawn(follow_commits(one.shared_from_this()));
  }
  arm(one);
}

rt::task<void> group_service::next_turn() {
  rt::completion<bool> turn;
  world_.post([&turn] { turn.set(true); });
  co_await turn;
}

rt::task<void> group_service::flush_soon(std::shared_ptr<slot> one) {
  co_await next_turn();
  one->flush_posted = false;
  one->coordinator->flush();
  drive(*one);
}

rt::task<void> group_service::follow_commits(std::shared_ptr<slot> one) {
  const replica::partition::use held(*one->partition);
  while (const auto end = one->coordinator->uncommitted_end()) {
    const auto done = co_await one->partition->await_committed(*end);
    if (!done) {
      // The partition goes, or its disk has failed: nothing is answered from here any more.
      one->closing = true;
      one->timer.reset();
      one->coordinator->unload();
      break;
    }
    // The partition wakes its waiters from inside its own work; the coordinator may append in turn.
    co_await next_turn();
    one->coordinator->committed(*end, now());
  }
  one->committing = false;
  if (!one->closing) drive(*one);
}

void group_service::arm(slot& one) {
  const auto next = one.coordinator->next_deadline_ms();
  if (!next || one.closing) return;
  // A timer that fires early finds nothing due and is set anew: heartbeats needn't move it each time.
  if (one.timer != nullptr && one.timer_at_ms <= *next) return;
  one.timer_at_ms = *next;
  one.timer = world_.post_at(rt::time_point(std::chrono::milliseconds(*next)), [this, held = one.weak_from_this()] {
    const auto same = held.lock();
    if (same == nullptr || same->closing) return;
    auto fired = std::move(same->timer);
    same->coordinator->poll(now());
    drive(*same);
  });
}

void group_service::resign_all() {
  stopping_ = true;
  for (const auto& [id, one] : slots_) {
    if (one->closing) continue;
    if (one->active) {
      one->coordinator->flush();
      drive(*one);
      one->coordinator->resign();
    }
    one->closing = true;
    one->timer.reset();
  }
}

void group_service::close(const replica::partition& partition) {
  const auto found = slots_.find(partition.id().partition);
  if (found == slots_.end() || found->second->partition != &partition) return;
  const auto one = found->second;
  slots_.erase(found);
  one->closing = true;
  one->timer.reset();
  if (one->active) one->coordinator->unload();
}

rt::task<void> group_service::stop() {
  resign_all();
  co_await running_.drained();
  for (const auto& [id, one] : slots_) {
    if (one->coordinator != nullptr) one->coordinator->unload();
  }
  slots_.clear();
}

}  // namespace moldau::broker
