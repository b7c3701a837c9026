#include "storage/log_manager.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "base/topic_name.hpp"
#include "storage/file_names.hpp"
#include "storage/folder_scan.hpp"
#include "storage/log_recovery.hpp"
#include "storage/manager_internal.hpp"

namespace moldau::storage {

unsigned core_of(const topic_id& topic, partition_id partition, unsigned cores) {
  if (topic == metadata_topic_id) return 0;
  const std::uint64_t hash = std::hash<uuid>{}(topic);
  // Neighbouring partitions of a topic go to neighbouring cores, so that few partitions still use all of them.
  return static_cast<unsigned>(((hash >> 32U) + static_cast<std::uint64_t>(partition.value())) % cores);
}

log_manager::log_manager(rt::world& world, manager_options options)
    : world_(world), options_(std::move(options)), checkpointing_(world) {
  for (std::string& path : options_.directories) {
    auto state = std::make_unique<directory_state>();
    state->path = path;
    state->index = directories_.size();
    directories_.push_back(std::move(state));
  }
}

log_manager::~log_manager() = default;

log_options log_manager::options_of(const std::string& topic) const {
  return options_.options_of ? options_.options_of(topic, options_.defaults) : options_.defaults;
}

log_context log_manager::context_of(core_storage& on, std::size_t directory) {
  return {.world = &on.world,
          .sync = on.sync[directory].get(),
          .tail = &on.tail,
          .storage = &on.storage,
          .checkpoint = [this, &on]() -> rt::task<result<void>> {
            return on.world.call_on(world_.core(), [this] { return write_checkpoints(); });
          }};
}

rt::task<void> log_manager::make_cores() {
  cores_.resize(world_.core_count());
  for (unsigned i = 0; i < world_.core_count(); ++i) {
    co_await world_.call_on(i, [this, i]() -> rt::task<void> {
      rt::world& on = world_.on_core(i);
      auto core = std::make_unique<core_storage>(on, options_.storage);
      for (const auto& directory : directories_) {
        const std::size_t index = directory->index;
        core->sync.push_back(std::make_unique<sync_group>(on, options_.storage, [this, &on, index](const error& why) {
          on.on_core(world_.core()).post([this, index, why] { directory_failed(index, why); });
        }));
      }
      cores_[i] = std::move(core);
      co_return;
    });
  }
}

void log_manager::directory_failed(std::size_t index, const error& why) {
  if (std::exchange(directories_[index]->failed, true)) return;
  for (unsigned i = 0; i < cores_.size(); ++i) {
    // The manager may have given that core up by the time this comes there.
    world_.on_core(i).post([this, i, index, why] {
      if (cores_[i] != nullptr) cores_[i]->sync[index]->fail(why);
    });
  }
  // The system forgets that pages were never written, so the next process has to be told. If the disk doesn't even take
  // this, nobody can.
  background_.spawn([](rt::world& world, std::string marker) -> rt::task<void> {
    [[maybe_unused]] const auto noted =
        co_await world.offload([&] { return world.files().write_file_atomically(marker, {}); });
  }(world_, rt::join_path(directories_[index]->path, names::distrusted)));
  if (options_.on_directory_failed) options_.on_directory_failed(directories_[index]->path, why);
}

rt::task<result<void>> log_manager::read_directory(directory_state& in, std::vector<found_log>& found) {
  rt::file_system& files = world_.files();
  std::vector<std::string> doomed;
  const auto read = co_await world_.offload([&]() -> result<void> {
    const auto path = [&](std::string_view name) { return rt::join_path(in.path, name); };
    MOLDAU_TRY(make_directory_durably(files, in.path));
    auto lock = files.lock(path(names::lock));
    if (!lock) {
      return fail(lock.error().code, fmt::format("{} is in use by another process ({}): stop that one, or give this "
                                                 "one its own log.dirs",
                                                 in.path, lock.error().message));
    }
    in.lock = *std::move(lock);
    if (files.exists(path(names::meta_properties))) {
      MOLDAU_TRY_ASSIGN(const shared_bytes content, files.read_file(path(names::meta_properties)));
      auto meta = meta_properties::parse(as_text(content));
      if (!meta) return fail(meta.error().code, fmt::format("{}: {}", in.path, meta.error().message));
      in.meta = *std::move(meta);
    }
    in.distrusted = files.exists(path(names::distrusted));
    if (files.exists(path(names::clean_shutdown))) {
      in.clean = true;
      MOLDAU_TRY_ASSIGN(const shared_bytes content, files.read_file(path(names::clean_shutdown)));
      in.broker_epoch = parse_clean_shutdown(as_text(content));
    }
    // A checkpoint that can't be read is like one that isn't there: more is recovered than need be.
    const auto checkpoint = [&](std::string_view name) {
      auto read_one = read_offset_checkpoint(files, path(name));
      if (!read_one) world_.log().warn("{}: it is left out", read_one.error().message);
      return std::move(read_one).value_or(offset_checkpoint{});
    };
    in.recovery_points = checkpoint(names::recovery_points);
    in.log_starts = checkpoint(names::log_starts);
    in.high_watermarks = checkpoint(names::high_watermarks);
    in.cleaner_offsets = checkpoint(names::cleaner_offsets);
    MOLDAU_TRY_ASSIGN(const auto entries, files.list(in.path));
    for (const auto& entry : entries) {
      if (!entry.is_directory) continue;
      if (entry.name.ends_with(names::delete_dir)) doomed.push_back(path(entry.name));
      auto partition = parse_partition_directory_name(entry.name);
      if (!partition || partition->topic == base::metadata_topic) continue;
      MOLDAU_TRY_ASSIGN(const auto id, read_topic_id(files, path(entry.name)));
      found.push_back(
          {.directory = in.index, .path = path(entry.name), .partition = *std::move(partition), .topic_id = id});
    }
    return {};
  });
  for (std::string& path : doomed) remove_later(std::move(path), 0);
  co_return read;
}

rt::task<result<void>> log_manager::load() {
  co_await make_cores();
  std::vector<found_log> found;
  for (const auto& directory : directories_) MOLDAU_CO_TRY(co_await read_directory(*directory, found));
  for (const auto& directory : directories_) {
    directory_ids_.push_back(directory->meta.directory_id.value_or(moldau::directory_id{}));
  }
  std::map<topic_partition, std::string> seen;
  for (const found_log& one : found) {
    const auto [it, fresh] = seen.emplace(one.partition, one.path);
    if (!fresh) {
      co_return fail(errc::kafka_storage_error,
                     fmt::format("both {} and {} hold the same partition: remove the one that is out of date",
                                 it->second, one.path));
    }
  }
  // Logs that belong to nobody step aside.
  std::vector<found_log> wanted;
  for (found_log& one : found) {
    const topic_id id = one.topic_id.value_or(topic_id{});
    if (!options_.is_stray || !options_.is_stray(one.partition.topic, one.partition.partition, id)) {
      wanted.push_back(std::move(one));
      continue;
    }
    const std::string to = rt::join_path(directories_[one.directory]->path,
                                         doomed_directory_name(one.partition.topic, one.partition.partition,
                                                               world_.random(), world_.random(), names::stray_dir));
    world_.log().warn("{} belongs to no partition of this broker and is renamed to {}", one.path, to);
    MOLDAU_CO_TRY(co_await world_.offload([&]() -> result<void> {
      MOLDAU_TRY(world_.files().rename(one.path, to));
      return world_.files().sync_directory(directories_[one.directory]->path);
    }));
  }
  MOLDAU_CO_TRY(co_await open_found(std::move(wanted)));
  for (const auto& directory : directories_) {
    if (!std::exchange(directory->distrusted, false)) continue;
    MOLDAU_CO_TRY(co_await world_.offload([&]() -> result<void> {
      MOLDAU_TRY(world_.files().remove(rt::join_path(directory->path, names::distrusted)));
      return world_.files().sync_directory(directory->path);
    }));
  }
  for (const auto& directory : directories_) {
    if (!directory->clean) continue;
    // From the first append on the directory isn't clean any more.
    MOLDAU_CO_TRY(co_await world_.offload([&]() -> result<void> {
      MOLDAU_TRY(world_.files().remove(rt::join_path(directory->path, names::clean_shutdown)));
      return world_.files().sync_directory(directory->path);
    }));
  }
  co_return result<void>{};
}

rt::task<result<void>> log_manager::open_found(std::vector<found_log> found) {
  const auto value_of = [](const offset_checkpoint& in, const topic_partition& of) {
    const auto it = in.find(of);
    return it == in.end() ? offset(0) : it->second;
  };
  struct opening {
    log_open_options options;
    std::size_t directory = 0;
    std::optional<result<loaded_log>> loaded;
  };
  std::vector<opening> all(found.size());
  const rt::time_point begun = world_.now();
  const std::int64_t now_ms = world_.wall_ms();
  rt::gate jobs;
  for (std::size_t i = 0; i < found.size(); ++i) {
    const directory_state& in = *directories_[found[i].directory];
    all[i].directory = in.index;
    all[i].options = {.directory = found[i].path,
                      .partition = found[i].partition,
                      .topic_id = found[i].topic_id.value_or(topic_id{}),
                      .options = options_of(found[i].partition.topic),
                      .clean_shutdown = in.clean && !in.distrusted,
                      .rewrite = in.distrusted,
                      .recovery_point = value_of(in.recovery_points, found[i].partition),
                      .log_start = value_of(in.log_starts, found[i].partition)};
    jobs.spawn([](log_manager& self, opening& one, std::int64_t now) -> rt::task<void> {
      one.loaded = co_await self.world_.offload(
          [&] { return load_log(self.world_.files(), one.options, self.options_.storage, now, self.world_.log()); });
    }(*this, all[i], now_ms));
  }
  co_await jobs.drained();
  std::uint64_t recovered = 0;
  std::vector<std::vector<opening*>> by_core(cores_.size());
  for (opening& one : all) {
    if (!*one.loaded) {
      const error& why = one.loaded->error();
      co_return fail(why.code, fmt::format("{} can't be opened: {}", one.options.directory, why.message));
    }
    recovered += (**one.loaded).recovered_bytes;
    const topic_id id = (**one.loaded).topic_id;
    const unsigned core = core_of(id, one.options.partition.partition, world_.core_count());
    by_core[core].push_back(&one);
    known_[{.topic = id, .partition = one.options.partition.partition}] = {
        .partition = one.options.partition, .topic_id = id, .directory = one.directory, .core = core};
  }
  for (unsigned i = 0; i < by_core.size(); ++i) {
    if (by_core[i].empty()) continue;
    co_await world_.call_on(i, [&, i]() -> rt::task<void> {
      core_storage& on = *cores_[i];
      for (opening* one : by_core[i]) {
        const topic_id_partition key{.topic = (**one->loaded).topic_id, .partition = one->options.partition.partition};
        auto opened = std::make_unique<log>(context_of(on, one->directory), *std::move(*one->loaded));
        opened->set_high_watermark(value_of(directories_[one->directory]->high_watermarks, one->options.partition));
        on.logs[key] = std::move(opened);
      }
      co_return;
    });
  }
  if (!all.empty()) {
    world_.log().info("{} logs opened in {} ms, {} bytes checked", all.size(),
                      std::chrono::duration_cast<std::chrono::milliseconds>(world_.now() - begun).count(), recovered);
  }
  co_return result<void>{};
}

rt::task<result<unsigned>> log_manager::create(std::string topic, partition_id partition, topic_id id,
                                               std::optional<directory_id> directory) {
  const topic_id_partition key{.topic = id, .partition = partition};
  if (const auto it = known_.find(key); it != known_.end()) co_return it->second.core;
  std::vector<std::size_t> counts(directories_.size());
  for (const auto& one : known_) ++counts[one.second.directory];
  std::optional<std::size_t> chosen;
  for (std::size_t i = 0; i < directories_.size(); ++i) {
    if (directories_[i]->failed || (directory && directory_ids_[i] != *directory)) continue;
    if (!chosen || counts[i] < counts[*chosen]) chosen = i;
  }
  if (!chosen) {
    co_return fail(errc::log_dir_not_found,
                   fmt::format("no log directory is there for {}-{}", topic, partition.value()));
  }
  const unsigned core = core_of(id, partition, world_.core_count());
  const topic_partition name{.topic = topic, .partition = partition};
  known_[key] = {.partition = name, .topic_id = id, .directory = *chosen, .core = core};
  const log_open_options open{
      .directory = rt::join_path(directories_[*chosen]->path, partition_directory_name(topic, partition)),
      .partition = name,
      .topic_id = id,
      .options = options_of(topic)};
  auto done = co_await world_.call_on(core, [&]() -> rt::task<result<void>> {
    core_storage& on = *cores_[core];
    MOLDAU_CO_TRY_ASSIGN(auto opened, co_await log::open(context_of(on, *chosen), open));
    on.logs[key] = std::move(opened);
    co_return result<void>{};
  });
  if (!done) {
    known_.erase(key);
    co_return std::unexpected<error>(std::move(done).error());
  }
  co_return core;
}

log* log_manager::find(unsigned on, const topic_id_partition& partition) const {
  const auto& logs = cores_[on]->logs;
  const auto it = logs.find(partition);
  return it == logs.end() ? nullptr : it->second.get();
}

rt::task<result<void>> log_manager::remove(topic_id_partition partition) {
  const auto it = known_.find(partition);
  if (it == known_.end()) co_return fail(errc::unknown_topic_or_partition, "there is no such log");
  const known_log gone = it->second;
  known_.erase(it);
  std::int64_t delay_ms = 0;
  const std::string from = co_await world_.call_on(gone.core, [&]() -> rt::task<std::string> {
    core_storage& on = *cores_[gone.core];
    auto node = on.logs.extract(partition);
    if (node.empty()) co_return std::string();
    log* const leaving = on.leaving.emplace_back(std::move(node.mapped())).get();
    delay_ms = leaving->options().file_delete_delay_ms;
    co_await leaving->abandon();
    const std::string directory = leaving->directory();
    std::erase_if(on.leaving, [&](const auto& one) { return one.get() == leaving; });
    co_return directory;
  });
  if (from.empty()) co_return result<void>{};
  const std::string in = directories_[gone.directory]->path;
  const std::string to = rt::join_path(in, doomed_directory_name(gone.partition.topic, gone.partition.partition,
                                                                 world_.random(), world_.random(), names::delete_dir));
  auto renamed = co_await world_.offload([&]() -> result<void> {
    MOLDAU_TRY(world_.files().rename(from, to));
    return world_.files().sync_directory(in);
  });
  if (!renamed) {
    directory_failed(gone.directory, renamed.error());
    co_return fail(errc::kafka_storage_error, renamed.error().message);
  }
  remove_later(to, delay_ms);
  co_return result<void>{};
}

void log_manager::remove_later(std::string path, std::int64_t delay_ms) {
  std::erase_if(removals_, [](const auto& timer) { return timer == nullptr; });
  removals_.push_back(world_.post_at(world_.now() + std::chrono::milliseconds(delay_ms), [this, path] {
    if (!stopping_) background_.spawn(remove_directory(path));
  }));
}

rt::task<void> log_manager::remove_directory(std::string path) {
  const auto gone = co_await world_.offload([&] { return world_.files().remove_all(path); });
  // It is out of use; the next start tries again.
  if (!gone) world_.log().warn("{}", gone.error().message);
}

rt::task<std::vector<directory_status>> log_manager::directories() {
  std::vector<directory_status> out;
  for (const auto& one : directories_) {
    out.push_back({.path = one->path,
                   .id = one->meta.directory_id.value_or(moldau::directory_id{}),
                   .clean_shutdown = one->clean,
                   .broker_epoch = one->broker_epoch});
  }
  co_await world_.offload([&] {
    for (directory_status& one : out) {
      if (const auto space = world_.files().space_of(one.path)) {
        one.total_bytes = space->total_bytes;
        one.usable_bytes = space->usable_bytes;
      }
    }
  });
  co_return out;
}

}  // namespace moldau::storage
