#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "storage/log.hpp"
#include "storage/sync_group.hpp"
#include "storage/tail_cache.hpp"
#include "testing/sim/simulator.hpp"
#include "wire/batch_builder.hpp"
#include "wire/record_reader.hpp"

namespace moldau::storage::tests {

namespace sim = moldau::testing::sim;

struct batch_spec {
  std::vector<std::string> values;
  std::int64_t timestamp_ms = 1'700'000'000'000;
  moldau::producer_id producer_id = no_producer_id;
  moldau::producer_epoch producer_epoch = no_producer_epoch;
  std::int32_t base_sequence = -1;
  bool transactional = false;
  wire::codec codec = wire::codec::none;
  offset base{0};
  moldau::leader_epoch epoch = no_leader_epoch;
  /// Keys, as many as values, or none.
  std::vector<std::string> keys;
};

inline shared_bytes make_batch(const batch_spec& spec) {
  wire::batch_builder builder;
  wire::codec_context codecs;
  builder.begin({.compression = wire::compression::of(spec.codec),
                 .base_offset = spec.base,
                 .leader_epoch = spec.epoch,
                 .producer_id = spec.producer_id,
                 .producer_epoch = spec.producer_epoch,
                 .base_sequence = spec.base_sequence,
                 .is_transactional = spec.transactional});
  for (std::size_t i = 0; i < spec.values.size(); ++i) {
    std::optional<bytes_view> key;
    if (!spec.keys.empty()) key = as_bytes(spec.keys[i]);
    // "~" stands for a tombstone.
    std::optional<bytes_view> value;
    if (spec.values[i] != "~") value = as_bytes(spec.values[i]);
    EXPECT_TRUE(builder.append(spec.timestamp_ms + static_cast<std::int64_t>(i), key, value));
  }
  return *builder.finish(codecs);
}

/// Some batches of one record each: their values.
inline shared_bytes one_record(std::string value, std::int64_t timestamp_ms = 1'700'000'000'000) {
  return make_batch({.values = {std::move(value)}, .timestamp_ms = timestamp_ms});
}

/// One log over a simulated disk, and a process that can be killed and started again.
class log_rig {
 public:
  explicit log_rig(std::uint64_t seed = 1, sim::options settings = sim::calm())
      : simulator(seed, std::move(settings)), host(simulator.add_host("broker")) {
    options.directory = "/data/orders-0";
    options.partition = {.topic = "orders", .partition = partition_id(0)};
    options.topic_id = *uuid::parse("AAAAAAAAAAAAAAAAAAAAAg");
  }
  ~log_rig() {
    // What the process has suspended goes before the log that it works on.
    host.kill();
    drop();
  }

  /// Opens the log; `last` says from where, as a checkpoint would.
  result<void> open() {
    tail = std::make_unique<tail_budget>(storage.tail_cache_bytes, storage.tail_cache_bytes_per_log);
    sync = std::make_unique<sync_group>(world(), storage, [this](const error& why) { failure = why; });
    auto opened = run(log::open(context(), options));
    if (!opened) return std::unexpected<error>(opened.error());
    log = *std::move(opened);
    return {};
  }
  log_context context() { return {.world = &world(), .sync = sync.get(), .tail = tail.get(), .storage = &storage}; }
  rt::world& world() { return host.core(0); }

  template <typename T>
  T run(rt::task<T> what) {
    return simulator.run(host, std::move(what));
  }

  /// Appends as leader and returns what it gave.
  result<append_info> append(shared_bytes batch, leader_epoch epoch = leader_epoch(0),
                             append_origin origin = append_origin::client) {
    return run(
        [](storage::log& to, shared_bytes bytes, leader_epoch in, append_origin from) -> rt::task<result<append_info>> {
          co_return to.append_as_leader(std::move(bytes), in, from);
        }(*log, std::move(batch), epoch, origin));
  }
  result<append_info> append_as_follower(shared_bytes batches) {
    return run([](storage::log& to, shared_bytes bytes) -> rt::task<result<append_info>> {
      co_return to.append_as_follower(std::move(bytes));
    }(*log, std::move(batches)));
  }
  /// Appends and waits until it is on the disk.
  result<append_info> append_synced(shared_bytes batch, leader_epoch epoch = leader_epoch(0)) {
    return run(synced(std::move(batch), epoch));
  }
  rt::task<result<append_info>> synced(shared_bytes batch, leader_epoch epoch) {
    MOLDAU_CO_TRY_ASSIGN(const append_info info, log->append_as_leader(std::move(batch), epoch));
    MOLDAU_CO_TRY(co_await log->await_synced(info.last_offset + 1));
    co_return info;
  }

  /// The bytes of a read.
  result<std::string> read_bytes(read_options asked) { return run(read_all(std::move(asked))); }
  rt::task<result<std::string>> read_all(read_options asked) {
    MOLDAU_CO_TRY_ASSIGN(const read_result got, co_await log->read(std::move(asked)));
    std::string out;
    for (const rt::chunk& chunk : got.chunks) {
      if (const auto* memory = std::get_if<shared_bytes>(&chunk)) {
        out += as_text(*memory);
      } else {
        const auto& range = std::get<rt::file_range>(chunk);
        std::string part(range.size_bytes, '\0');
        const auto read = co_await world().offload([&] {
          return range.source->read_at(range.position, {reinterpret_cast<std::byte*>(part.data()), part.size()});
        });
        MOLDAU_CO_TRY(read);
        out += part.substr(0, *read);
      }
    }
    co_return out;
  }
  /// The values of all records in [from, upper), read in pieces of `max_bytes`.
  std::vector<std::string> values(offset from, offset upper, std::uint32_t max_bytes = 1U << 20U) {
    std::vector<std::string> out;
    while (from < upper) {
      auto bytes = read_bytes({.from = from, .max_bytes = max_bytes, .upper_bound = upper});
      EXPECT_TRUE(bytes) << bytes.error().message;
      if (!bytes || bytes->empty()) break;
      const offset before = from;
      wire::batch_iterator batches(as_bytes(*bytes));
      wire::codec_context codecs;
      while (auto batch = *batches.next()) {
        auto records = *wire::record_reader::open(*batch, codecs);
        record_view record;
        while (*records.next(record)) {
          if (record.offset >= from && !batch->is_control()) {
            out.emplace_back(record.value ? as_text(*record.value) : "~");
          }
        }
        from = batch->next_offset();
      }
      if (from == before) break;
    }
    return out;
  }
  std::vector<std::string> all_values(std::uint32_t max_bytes = 1U << 20U) {
    return values(log->log_start(), log->log_end(), max_bytes);
  }

  result<void> close() {
    auto done = run(log->close());
    options.recovery_point = log->recovery_point();
    options.log_start = log->log_start();
    drop();
    return done;
  }
  /// Ends the process as a kill -9 or a power cut would, and starts another over the same disk.
  void kill() {
    remember();
    host.kill();
    again();
  }
  void crash(const sim::power_cut& how) {
    remember();
    host.crash(how);
    again();
  }
  /// What the checkpoint files would say.
  void remember() {
    options.recovery_point = log->recovery_point();
    options.clean_shutdown = false;
  }
  void again() {
    drop();
    host.restart();
  }
  void drop() {
    log.reset();
    sync.reset();
    tail.reset();
  }

  sim::simulator simulator;
  sim::host& host;
  storage_options storage;
  log_open_options options;
  std::unique_ptr<tail_budget> tail;
  std::unique_ptr<sync_group> sync;
  std::unique_ptr<storage::log> log;
  std::optional<error> failure;
};

}  // namespace moldau::storage::tests
