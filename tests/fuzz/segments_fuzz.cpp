// A partition's folder with anything in its files, as a process that was killed may have left it: recovery keeps what
// is whole, everything that it keeps can be read and looked up, appending goes on behind it, and opening once more,
// cleanly or not, finds the same.

#include <limits>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "fuzz.hpp"
#include "storage/file_names.hpp"
#include "storage/log.hpp"
#include "storage/sync_group.hpp"
#include "storage/tail_cache.hpp"
#include "testing/sim/simulator.hpp"
#include "wire/batch_builder.hpp"
#include "wire/record_search.hpp"

namespace {

using namespace moldau;           // NOLINT: this is all about it
using namespace moldau::storage;  // NOLINT
namespace sim = moldau::testing::sim;

constexpr std::uint32_t read_bytes_max = 700;

sim::options quick() {
  sim::options out = sim::calm();
  out.log_level = base::log_level::off;
  return out;
}

/// One partition's log on a simulated disk, opened time and again.
class rig {
 public:
  rig() : simulator(1, quick()), host(simulator.add_host("broker")) {
    options.directory = "/data/t-0";
    options.partition = {.topic = "t", .partition = partition_id(0)};
    options.options.index_interval_bytes = 64;
    // Nothing is forgotten between two openings that are compared.
    settings.producer_id_expiration_ms = std::numeric_limits<std::int64_t>::max();
  }
  ~rig() {
    host.kill();
    drop();
  }

  void put(const std::string& name, bytes_view content) {
    host.disk().put(rt::join_path(options.directory, name), content);
  }
  result<void> open() {
    tail = std::make_unique<tail_budget>(settings.tail_cache_bytes, settings.tail_cache_bytes_per_log);
    sync =
        std::make_unique<sync_group>(host.core(), settings, [](const error&) { MOLDAU_ASSERT(!"the disk is sound"); });
    auto opened = run(storage::log::open(
        {.world = &host.core(), .sync = sync.get(), .tail = tail.get(), .storage = &settings}, options));
    if (!opened) return std::unexpected<error>(std::move(opened).error());
    log = *std::move(opened);
    return {};
  }
  void must_open() {
    const auto opened = open();
    if (!opened) std::fprintf(stderr, "it doesn't open: %s\n", opened.error().message.c_str());
    MOLDAU_ASSERT(opened);
  }
  void close() {
    MOLDAU_ASSERT(run(log->close()));
    remember(true);
    drop();
  }
  void abandon() {
    run(log->abandon());
    remember(false);
    drop();
  }
  template <typename T>
  T run(rt::task<T> what) {
    return simulator.run(host, std::move(what));
  }

  sim::simulator simulator;
  sim::host& host;
  storage_options settings;
  log_open_options options;
  std::unique_ptr<tail_budget> tail;
  std::unique_ptr<sync_group> sync;
  std::unique_ptr<storage::log> log;

 private:
  /// What the checkpoint files would say.
  void remember(bool clean) {
    options.recovery_point = log->recovery_point();
    options.log_start = log->log_start();
    options.clean_shutdown = clean;
  }
  void drop() {
    log.reset();
    sync.reset();
    tail.reset();
  }
};

rt::task<result<std::string>> read(rig& of, offset from) {
  MOLDAU_CO_TRY_ASSIGN(
      const read_result got,
      co_await of.log->read({.from = from, .max_bytes = read_bytes_max, .upper_bound = of.log->log_end()}));
  std::string out;
  for (const rt::chunk& chunk : got.chunks) {
    if (const auto* memory = std::get_if<shared_bytes>(&chunk)) {
      out += as_text(*memory);
      continue;
    }
    const auto& range = std::get<rt::file_range>(chunk);
    std::string part(range.size_bytes, '\0');
    const auto size = co_await of.host.core().offload([&] {
      return range.source->read_at(range.position, {reinterpret_cast<std::byte*>(part.data()), part.size()});
    });
    MOLDAU_CO_TRY(size);
    MOLDAU_ASSERT(*size == part.size());
    out += part;
  }
  co_return out;
}

/// What the segments' files hold from the log's start on.
std::vector<std::string> batches_on_disk(rig& of) {
  std::map<offset, std::string> segments;
  for (const std::string& path : of.host.disk().files()) {
    const auto base = parse_segment_file_name(path.substr(path.rfind('/') + 1), names::log);
    if (base) segments[*base] = *of.host.disk().content_of("/" + path);
  }
  // All in those below the one that the log starts in was deleted: it isn't looked at any more.
  segments.erase(segments.begin(), std::prev(segments.upper_bound(of.log->log_start())));
  std::vector<std::string> out;
  for (const auto& [base, content] : segments) {
    wire::batch_iterator batches{as_bytes(content)};
    auto batch = batches.next();
    for (; batch && *batch; batch = batches.next()) {
      // Nor is what comes before that start in its segment: it may claim to lie anywhere.
      const offset last = (*batch)->last_offset();
      if (last >= of.log->log_start() && last < of.log->log_end()) out.emplace_back(as_text((*batch)->bytes()));
    }
    MOLDAU_ASSERT(batch && batches.rest().empty());
  }
  return out;
}

/// Reads from the log's start to its end, piece by piece; nothing where that can't be done.
std::optional<std::vector<std::string>> read_all(rig& of) {
  std::vector<std::string> out;
  offset at = of.log->log_start();
  while (at < of.log->log_end()) {
    const auto bytes = of.run(read(of, at));
    if (!bytes) return std::nullopt;
    wire::batch_iterator batches{as_bytes(*bytes)};
    const offset before = at;
    for (auto batch = batches.next(); batch && *batch; batch = batches.next()) {
      if ((*batch)->last_offset() < at) return std::nullopt;
      out.emplace_back(as_text((*batch)->bytes()));
      at = (*batch)->next_offset();
    }
    // Segments may have lost their last records, or all.
    if (at == before) break;
  }
  return out;
}

/// What was recovered is whole, in order, and all of it can be read.
std::vector<std::string> read_whole(rig& of) {
  auto out = read_all(of);
  MOLDAU_ASSERT(out && *out == batches_on_disk(of));
  offset end(0);
  for (const std::string& bytes : *out) {
    const wire::batch_view batch{as_bytes(bytes)};
    MOLDAU_ASSERT(batch.is_crc_ok() && batch.base_offset() >= end && batch.last_offset() < of.log->log_end());
    end = batch.next_offset();
  }
  return *std::move(out);
}

/// Kafka's rule for finding a time, applied to every batch in turn.
result<std::optional<wire::timestamp_offset>> since(const std::vector<std::string>& batches, std::int64_t timestamp_ms,
                                                    offset start) {
  wire::codec_context codecs;
  for (const std::string& bytes : batches) {
    const wire::batch_view batch{as_bytes(bytes)};
    if (batch.max_timestamp_ms() < timestamp_ms) continue;
    MOLDAU_TRY_ASSIGN(const auto found, wire::first_since(batch, timestamp_ms, start, codecs));
    if (found) return found;
  }
  return std::nullopt;
}

void check_times(rig& of, const std::vector<std::string>& batches) {
  std::vector<std::int64_t> times{0, std::numeric_limits<std::int64_t>::max()};
  for (const std::string& bytes : batches) times.push_back(wire::batch_view{as_bytes(bytes)}.max_timestamp_ms());
  // Nobody asks for a negative one: those are the special values of ListOffsets.
  std::erase_if(times, [](std::int64_t at) { return at < 0; });
  for (const std::int64_t at : times) {
    const auto expected = since(batches, at, of.log->log_start());
    const auto found = of.run(of.log->offset_for_timestamp(at));
    // A segment without any time isn't opened, so what is wrong inside its batches isn't met.
    if (!expected) continue;
    MOLDAU_ASSERT(found && found->has_value() == expected->has_value());
    if (!*expected) continue;
    MOLDAU_ASSERT((*found)->offset == (*expected)->offset && (*found)->timestamp_ms == (*expected)->timestamp_ms);
  }
  static_cast<void>(of.run(of.log->offset_of_max_timestamp()));
}

/// What must be the same after closing and opening.
struct state {
  offset start;
  offset end;
  std::vector<std::string> batches;
  std::vector<std::byte> producers;
  /// Of the producers that the batches speak of: last sequence and epoch.
  std::map<producer_id, std::pair<std::int32_t, producer_epoch>> written_by;
  std::vector<epoch_entry> epochs;
  std::vector<aborted_transaction> aborted;
};

/// Where every batch was read anew, no snapshot counts that speaks of deleted ones too.
enum class opened : std::uint8_t { as_closed, from_batches };

void check_same(const state& a, const state& b, opened how) {
  MOLDAU_ASSERT(a.start == b.start && a.end == b.end);
  MOLDAU_ASSERT(a.batches == b.batches);
  MOLDAU_ASSERT(a.written_by == b.written_by);
  if (how == opened::as_closed) MOLDAU_ASSERT(a.producers == b.producers);
  MOLDAU_ASSERT(a.epochs == b.epochs);
  MOLDAU_ASSERT(a.aborted == b.aborted);
}

state state_of(rig& of) {
  state out{.start = of.log->log_start(),
            .end = of.log->log_end(),
            .batches = read_whole(of),
            .producers = of.log->producers().encode_snapshot(),
            .epochs = of.log->epochs().entries(),
            .aborted = *of.run(of.log->aborted_transactions(of.log->log_start(), of.log->log_end()))};
  MOLDAU_ASSERT(out.start <= out.end && of.log->recovery_point() <= out.end);
  MOLDAU_ASSERT(of.log->producers().map_end() == out.end);
  for (const std::string& bytes : out.batches) {
    const wire::batch_view batch{as_bytes(bytes)};
    if (batch.has_producer_id() && batch.max_timestamp_ms() < 0) {
      // Whoever wrote so long ago is forgotten when a snapshot is read.
      out.written_by.clear();
      out.producers.clear();
      break;
    }
    const auto* known = of.log->producers().find(batch.producer_id());
    // A control batch tells of no sequence, and may tell nothing.
    if (known != nullptr && !batch.is_control())
      out.written_by[batch.producer_id()] = {known->last_sequence(), known->epoch};
  }
  for (const epoch_entry& one : out.epochs) MOLDAU_ASSERT(one.start_offset <= out.end);
  // As in Kafka, an epoch that begins at the end is known until the log is opened again.
  std::erase_if(out.epochs, [&](const epoch_entry& one) { return one.start_offset == out.end; });
  return out;
}

rt::task<result<append_info>> append(storage::log& to, shared_bytes batch) {
  MOLDAU_CO_TRY_ASSIGN(const append_info info, to.append_as_leader(std::move(batch), leader_epoch(INT32_MAX)));
  MOLDAU_CO_TRY(co_await to.await_synced(info.last_offset + 1));
  co_return info;
}

void check_append(rig& of) {
  const offset end = of.log->log_end();
  // No log gets that far.
  if (end > offset(std::numeric_limits<std::int64_t>::max() / 2)) return;
  wire::batch_builder builder;
  wire::codec_context codecs;
  builder.begin({});
  MOLDAU_ASSERT(builder.append(1'700'000'000'000, std::nullopt, as_bytes("value")));
  const auto info = of.run(append(*of.log, *builder.finish(codecs)));
  MOLDAU_ASSERT(info && info->first_offset == end && of.log->log_end() == end + 1);
  const auto bytes = of.run(read(of, end));
  MOLDAU_ASSERT(bytes && wire::batch_view{as_bytes(*bytes)}.base_offset() == end);
}

std::string name_of(std::int64_t base, std::string_view suffix) {
  return segment_file_name(offset(base), suffix);
}

void put_segment(rig& into, std::int64_t base, fuzz::input& in, bool mend) {
  auto log = in.part();
  if (mend) fuzz::mend_checksums(log);
  into.put(name_of(base, names::log), log);
  for (const std::string_view suffix : {names::offset_index, names::time_index, names::txn_index}) {
    const auto content = in.part();
    if (!content.empty()) into.put(name_of(base, suffix), content);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::input in(data, size);
  const std::uint8_t how = in.u8();
  const bool mend = (how & 1U) != 0;
  const bool two_segments = (how & 2U) != 0;
  rig here;
  here.options.rewrite = (how & 4U) != 0;
  here.options.clean_shutdown = (how & 8U) != 0;
  here.options.log_start = offset(in.u8());
  here.options.recovery_point = offset(in.u8());
  const std::int64_t base = in.u8();
  const std::int64_t second_base = base + 1 + in.u8();
  const std::int64_t snapshot_at = in.u8();
  if (const auto epochs = in.part(); !epochs.empty()) here.put(std::string(names::leader_epochs), epochs);
  if (auto snapshot = in.part(); !snapshot.empty()) here.put(name_of(snapshot_at, names::snapshot), snapshot);
  put_segment(here, base, in, mend);
  if (two_segments) put_segment(here, second_base, in, mend);

  // What a checkpoint says is whole isn't looked at: it may be anything here, and then it opens or it doesn't.
  if (here.options.clean_shutdown || here.options.recovery_point > offset(0)) {
    if (here.open()) {
      static_cast<void>(read_all(here));
      static_cast<void>(here.run(here.log->offset_for_timestamp(0)));
      here.abandon();
    }
    here.options.clean_shutdown = false;
    here.options.recovery_point = offset(0);
  }

  here.must_open();
  const state recovered = state_of(here);
  check_times(here, recovered.batches);
  here.close();
  here.must_open();
  check_same(state_of(here), recovered, opened::as_closed);
  check_times(here, recovered.batches);
  here.abandon();
  here.must_open();
  check_same(state_of(here), recovered, opened::as_closed);
  here.abandon();
  here.options.recovery_point = offset(0);
  here.must_open();
  check_same(state_of(here), recovered, opened::from_batches);
  check_append(here);
  const state appended = state_of(here);
  here.close();
  here.must_open();
  check_same(state_of(here), appended, opened::as_closed);
  here.close();
  return 0;
}
