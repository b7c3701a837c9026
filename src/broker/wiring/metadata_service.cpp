#include "broker/wiring/metadata_service.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <set>

#include "base/topic_name.hpp"
#include "broker/wiring/read_log.hpp"
#include "metadata/format.hpp"
#include "raft/snapshot.hpp"
#include "storage/file_names.hpp"
#include "wire/record_batch.hpp"

namespace moldau::broker {
namespace {

/// How much of the metadata log one read of the start-up replay takes.
constexpr std::uint32_t replay_read_bytes = 1U << 20U;

}  // namespace

metadata_service::metadata_service(rt::world& world, options chosen)
    : world_(world),
      options_(std::move(chosen)),
      logger_(world.log().named("metadata")),
      tail_(options_.storage.tail_cache_bytes_per_log, options_.storage.tail_cache_bytes_per_log),
      sync_(world, options_.storage, [this](const error& why) { on_failed(why); }),
      quorum_(options_.quorum),
      controller_(options_.controller),
      last_snapshot_(world.now()) {}

metadata_service::~metadata_service() = default;

std::string metadata_service::partition_directory() const {
  return rt::join_path(options_.directory, storage::partition_directory_name(base::metadata_topic, partition_id(0)));
}

std::string metadata_service::path_of(raft::snapshot_id id) const {
  return rt::join_path(partition_directory(), raft::snapshot_file_name(id));
}

std::int64_t metadata_service::now_ms() const {
  return std::chrono::duration_cast<std::chrono::milliseconds>(world_.now().time_since_epoch()).count();
}

rt::task<result<void>> metadata_service::start() {
  auto scanned = co_await world_.offload([&] { return scan_directory(); });
  if (!scanned) co_return std::unexpected<error>(std::move(scanned).error());
  snapshots_ = scanned->snapshots;
  const offset written_end = scanned->written_end;
  const offset snapshot_end = snapshots_.empty() ? offset(0) : snapshots_.rbegin()->end_offset;
  auto opened =
      co_await storage::log::open({.world = &world_, .sync = &sync_, .tail = &tail_, .storage = &options_.storage},
                                  {.directory = partition_directory(),
                                   .partition = {std::string(base::metadata_topic), partition_id(0)},
                                   .topic_id = metadata_topic_id,
                                   .options = options_.log,
                                   // It is small, and whether the last process met a failing disk isn't known here.
                                   .rewrite = true,
                                   // A snapshot is made of what is committed, and stands for it.
                                   .recovery_point = snapshot_end,
                                   .must_reach = std::max(snapshot_end, written_end),
                                   .written_end = written_end > snapshot_end ? written_end : offset(0)});
  if (!opened) co_return std::unexpected<error>(std::move(opened).error());
  log_ = *std::move(opened);
  log_->set_listener(this);

  raft::control_state control;
  if (!snapshots_.empty()) MOLDAU_CO_TRY(co_await load_snapshot(*snapshots_.rbegin(), control));
  MOLDAU_CO_TRY(co_await replay(control));
  MOLDAU_CO_TRY_ASSIGN(const auto persisted, co_await read_quorum_state());
  applied_.advance(log_->log_end());

  const raft::log_end end{.end = log_->log_end(), .epoch = log_->latest_epoch().value_or(leader_epoch(0))};
  auto started = quorum_.start(persisted, end, control, world_.wall_ms());
  if (!started) co_return std::unexpected<error>(std::move(started).error());
  if (started->quorum_state) {
    MOLDAU_CO_TRY(co_await write_quorum_state(*std::exchange(started->quorum_state, std::nullopt)));
  }
  // What was on disk when a quorum of one starts is committed: the image holds it before the controller takes over.
  if (auto first = loader_.publish()) co_await options_.on_update(*std::move(first));
  running_.spawn(apply_loop());
  const offset lead_from = quorum_.end_offset();
  MOLDAU_CO_TRY(carry_out(*std::move(started)));
  MOLDAU_CO_TRY(co_await applied_.wait(lead_from));

  auto content = co_await world_.offload(
      [&] { return world_.files().read_file(rt::join_path(options_.directory, raft::bootstrap_file_name)); });
  std::vector<shared_bytes> bootstrap;
  if (content) {
    auto records = metadata::read_bootstrap(*content);
    if (!records) co_return std::unexpected<error>(std::move(records).error());
    bootstrap = *std::move(records);
  } else if (content.error().code != errc::not_found) {
    co_return std::unexpected<error>(std::move(content).error());
  }
  auto first = controller_.activate(loader_.current(), quorum_.epoch(), quorum_.end_offset(), bootstrap, now_ms(),
                                    loader_.in_transaction());
  if (!first.records.empty()) {
    MOLDAU_CO_TRY_ASSIGN(const offset activated, append(first.records));
    MOLDAU_CO_TRY(co_await applied_.wait(activated));
  }
  running_.spawn(poll_loop());
  co_return result<void>{};
}

result<metadata_service::found_files> metadata_service::scan_directory() {
  found_files out;
  auto& files = world_.files();
  if (!files.exists(partition_directory())) return out;
  MOLDAU_TRY_ASSIGN(const auto entries, files.list(partition_directory()));
  std::set<offset> producers_known_at;
  std::set<offset> empty_segments;
  for (const auto& entry : entries) {
    if (raft::is_snapshot_leftover(entry.name)) {
      MOLDAU_TRY(files.remove(rt::join_path(partition_directory(), entry.name)));
    } else if (const auto id = raft::parse_snapshot_file_name(entry.name)) {
      out.snapshots.insert(*id);
    } else if (const auto at = storage::parse_segment_file_name(entry.name, storage::names::snapshot)) {
      producers_known_at.insert(*at);
    } else if (const auto base = storage::parse_segment_file_name(entry.name, storage::names::log)) {
      if (entry.size_bytes == 0) empty_segments.insert(*base);
    }
  }
  // A snapshot of the producers is written once all before it is on the disk: at a clean stop, and at a roll. Only that
  // Kafka syncs the one of a roll before the records, which it had told nobody of until then.
  for (const offset at : producers_known_at) {
    if (!empty_segments.contains(at)) out.written_end = at;
  }
  return out;
}

rt::task<result<void>> metadata_service::load_snapshot(raft::snapshot_id newest, raft::control_state& control) {
  const std::string path = path_of(newest);
  auto file = co_await world_.offload([&] { return world_.files().read_file(path); });
  if (!file) co_return std::unexpected<error>(std::move(file).error());
  auto contents = loader_.load_snapshot(newest, *file);
  if (!contents) {
    co_return fail(contents.error().code,
                   fmt::format("{} can't be used ({}): put a copy of it in its place", path, contents.error().message));
  }
  control.observe(*contents);
  if (log_->log_end() < newest.end_offset) {
    MOLDAU_CO_TRY(co_await log_->truncate_fully_and_start_at(newest.end_offset));
  }
  co_return result<void>{};
}

rt::task<result<void>> metadata_service::replay(raft::control_state& control) {
  const offset end = log_->log_end();
  for (offset at = std::max(loader_.next_offset(), log_->log_start()); at < end;) {
    auto bytes = co_await read_log(world_, *log_, {.from = at, .max_bytes = replay_read_bytes, .upper_bound = end});
    if (!bytes) co_return std::unexpected<error>(std::move(bytes).error());
    wire::batch_iterator batches(*bytes);
    const offset before = at;
    for (;;) {
      auto batch = batches.next();
      if (!batch) co_return std::unexpected<error>(std::move(batch).error());
      if (!*batch) break;
      if ((*batch)->last_offset() < at) continue;
      MOLDAU_CO_TRY(control.observe_batch((*batch)->bytes()));
      auto loaded = loader_.load_batch((*batch)->bytes());
      if (!loaded) {
        co_return fail(loaded.error().code, fmt::format("the metadata log can't be used from offset {} on: {}",
                                                        (*batch)->base_offset().value(), loaded.error().message));
      }
      at = (*batch)->next_offset();
    }
    if (at == before) co_return fail(errc::malformed, fmt::format("the metadata log ends early at {}", at.value()));
  }
  co_return result<void>{};
}

rt::task<result<std::optional<raft::quorum_state>>> metadata_service::read_quorum_state() {
  const std::string path = rt::join_path(partition_directory(), raft::quorum_state_file_name);
  auto text = co_await world_.offload([&] { return world_.files().read_file(path); });
  if (!text) {
    if (text.error().code == errc::not_found) co_return std::optional<raft::quorum_state>{};
    co_return std::unexpected<error>(std::move(text).error());
  }
  auto state = raft::parse_quorum_state(as_text(text->view()));
  if (!state) co_return fail(state.error().code, fmt::format("{}: {}", path, state.error().message));
  co_return std::optional(*std::move(state));
}

rt::task<result<void>> metadata_service::write_quorum_state(std::string text) {
  co_return co_await world_.offload([&] {
    return world_.files().write_file_atomically(rt::join_path(partition_directory(), raft::quorum_state_file_name),
                                                as_bytes(text));
  });
}

result<offset> metadata_service::append(const std::vector<shared_bytes>& records) {
  // Batches are stamped with the wall clock, as Kafka's; the controller itself never sees that clock.
  MOLDAU_TRY_ASSIGN(auto appended, quorum_.append(records, world_.wall_ms()));
  MOLDAU_TRY(carry_out(std::move(appended.effects)));
  return appended.last + 1;
}

result<void> metadata_service::carry_out(raft::quorum_effects effects) {
  // Only an election changes it, and a quorum of one has its only election in `start`.
  MOLDAU_ASSERT(!effects.quorum_state);
  for (auto& batch : effects.appends) MOLDAU_TRY(log_->append_as_follower(std::move(batch)));
  for (const auto& batch : effects.committed) {
    if (auto loaded = loader_.load_batch(batch); !loaded) {
      on_failed(loaded.error());
      return loaded;
    }
  }
  if (effects.high_watermark) {
    log_->set_high_watermark(*effects.high_watermark);
    updates_.push_back({loader_.publish(), *effects.high_watermark});
    update_queued_.notify_all();
    on_committed_.call_all();
  }
  return {};
}

void metadata_service::on_synced() {
  // A failure has been told by `on_failed` already.
  static_cast<void>(carry_out(quorum_.log_synced(log_->synced_end())));
}

void metadata_service::on_failed(const error& why) {
  if (applied_.failed()) return;
  // Whoever waits answers a client with it.
  applied_.fail({.code = errc::kafka_storage_error, .message = why.message});
  update_queued_.notify_all();
  options_.on_failed(why);
}

rt::task<void> metadata_service::apply_loop() {
  for (;;) {
    while (updates_.empty() && !stopping_ && !applied_.failed()) co_await update_queued_.wait();
    if (updates_.empty() || applied_.failed()) co_return;
    pending_update next = std::move(updates_.front());
    updates_.pop_front();
    if (next.update) co_await options_.on_update(*std::move(next.update));
    if (applied_.failed()) co_return;
    applied_.advance(next.end);
    co_await snapshot_if_due();
  }
}

rt::task<void> metadata_service::poll_loop() {
  while (!stopping_ && !applied_.failed()) {
    const std::int64_t wait_ms = std::max<std::int64_t>(controller_.next_poll_ms() - now_ms(), 1);
    poll_timer_ = world_.post_at(world_.now() + std::chrono::milliseconds(std::min<std::int64_t>(wait_ms, 1000)),
                                 [this] { stop_event_.notify_all(); });
    co_await stop_event_.wait();
    if (stopping_ || now_ms() < controller_.next_poll_ms()) continue;
    const auto out = controller_.poll(now_ms());
    if (!out.records.empty() && !append(out.records)) co_return;
  }
}

rt::task<void> metadata_service::snapshot_if_due() {
  const auto since = std::chrono::duration_cast<std::chrono::milliseconds>(world_.now() - last_snapshot_).count();
  if (loader_.current() == nullptr || !options_.snapshots.due(loader_.bytes_since_snapshot(), since)) co_return;
  last_snapshot_ = world_.now();
  loader_.snapshot_taken();
  // Encoding a large image takes long enough to hold the core up; the image never changes.
  const auto written = co_await world_.offload([&, image = loader_.current(), control = quorum_.control(),
                                                now_ms = world_.wall_ms()]() -> result<raft::snapshot_id> {
    const auto made = metadata::make_snapshot(*image, control, now_ms);
    auto& files = world_.files();
    const std::string path = path_of(made.id);
    const std::string part = path + ".part";
    {
      MOLDAU_TRY_ASSIGN(auto file, files.open(part, rt::open_mode::create_empty));
      const std::vector<bytes_view> pieces(made.file.begin(), made.file.end());
      MOLDAU_TRY(file->write_at(0, pieces));
      MOLDAU_TRY(file->sync());
    }
    MOLDAU_TRY(files.rename(part, path));
    MOLDAU_TRY(files.sync_directory(partition_directory()));
    return made.id;
  });
  if (!written) {
    on_failed(written.error());
    co_return;
  }
  snapshots_.insert(*written);
  logger_.info("wrote the metadata snapshot {}", raft::snapshot_file_name(*written));
  if (auto removed = co_await remove_old_snapshots(); !removed) on_failed(removed.error());
}

rt::task<result<void>> metadata_service::remove_old_snapshots() {
  // What is on disk, oldest first, and how much of it may go; the newest always stays.
  const std::uint64_t log_bytes = log_->size_bytes();
  const std::int64_t now = world_.wall_ms();
  std::optional<raft::snapshot_id> oldest_left;
  auto done = co_await world_.offload([&]() -> result<void> {
    auto& files = world_.files();
    MOLDAU_TRY_ASSIGN(const auto entries, files.list(partition_directory()));
    std::map<raft::snapshot_id, rt::directory_entry> snapshots;
    std::uint64_t total = log_bytes;
    for (const auto& entry : entries) {
      const auto id = raft::parse_snapshot_file_name(entry.name);
      if (!id) continue;
      total += entry.size_bytes;
      snapshots.emplace(*id, entry);
    }
    const auto too_much = [&](const rt::directory_entry& oldest) {
      return (options_.retention_bytes >= 0 && total > static_cast<std::uint64_t>(options_.retention_bytes)) ||
             (options_.retention_ms >= 0 && now - oldest.modified_ms > options_.retention_ms);
    };
    bool removed = false;
    while (snapshots.size() > 1 && too_much(snapshots.begin()->second)) {
      const auto oldest = snapshots.begin();
      MOLDAU_TRY(files.remove(rt::join_path(partition_directory(), oldest->second.name)));
      total -= oldest->second.size_bytes;
      snapshots.erase(oldest);
      removed = true;
    }
    if (removed) oldest_left = snapshots.begin()->first;
    return removed ? files.sync_directory(partition_directory()) : result<void>{};
  });
  if (!done || !oldest_left) co_return done;
  snapshots_.erase(snapshots_.begin(), snapshots_.lower_bound(*oldest_left));
  // The log below the oldest snapshot that is left is never read again.
  if (oldest_left->end_offset <= log_->log_start()) co_return done;
  co_return co_await log_->delete_records(oldest_left->end_offset);
}

rt::task<void> metadata_service::stop(bool clean) {
  stopping_ = true;
  update_queued_.notify_all();
  stop_event_.notify_all();
  co_await running_.drained();
  if (log_ == nullptr) co_return;
  log_->set_listener(nullptr);
  if (clean) {
    if (auto closed = co_await log_->close(); !closed) logger_.warn("{}", closed.error().message);
  } else {
    co_await log_->abandon();
  }
  log_.reset();
  co_await sync_.drained();
}

}  // namespace moldau::broker
