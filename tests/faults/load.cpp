#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <atomic>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "moldau/client/consumer.hpp"
#include "moldau/client/producer.hpp"

/// fault_load produce BOOTSTRAP CODEC BURST PAUSE_MS TOPIC:PARTITIONS...
/// fault_load consume BOOTSTRAP GROUP MEMBERS TOPIC...
///
/// Load that goes on over restarts of the broker until its standard input ends, and tells on standard output, a line
/// each, what the broker has promised:
///
///     acknowledged TOPIC PARTITION SEQUENCE OFFSET
///     failed TOPIC PARTITION SEQUENCE WHY
///     committed TOPIC PARTITION OFFSET
///
/// `produce` sends bursts round the partitions with a pause between, idempotent and with acks=all. A record's key is
/// its sequence in its partition. `consume` commits after each poll; a commit is told only if nobody can have taken the
/// partition meanwhile.
namespace {

using namespace moldau;

constexpr std::int64_t patience_ms = 600'000;

/// Lines go out whole, whoever writes them.
class journal {
 public:
  void write(const std::string& line) {
    const std::lock_guard held(mutex_);
    std::fwrite(line.data(), 1, line.size(), stdout);
    std::fflush(stdout);
  }

 private:
  std::mutex mutex_;
};

[[noreturn]] void give_up(std::string_view why) {
  fmt::print(stderr, "fault_load: {}\n", why);
  std::exit(1);
}

std::int64_t number(std::string_view text) {
  std::int64_t out = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (failed != std::errc() || end != text.data() + text.size()) give_up(fmt::format("'{}' is no number", text));
  return out;
}

/// Waits that long; true if standard input has ended.
bool input_ended(std::int64_t within_ms) {
  pollfd in{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
  if (::poll(&in, 1, static_cast<int>(within_ms)) <= 0) return false;
  char ignored = 0;
  return ::read(STDIN_FILENO, &ignored, 1) <= 0;
}

client::client_options to(std::string_view bootstrap) {
  return {.bootstrap_servers = {std::string(bootstrap)}, .request_timeout_ms = 20'000, .api_timeout_ms = patience_ms};
}

client::codec codec_of(std::string_view name) {
  constexpr std::string_view names[] = {"none", "gzip", "snappy", "lz4", "zstd"};
  for (std::uint8_t i = 0; i < std::size(names); ++i) {
    if (names[i] == name) return static_cast<client::codec>(i);
  }
  give_up(fmt::format("there is no codec '{}'", name));
}

struct lane {
  std::string topic;
  partition_id partition;
  std::uint64_t next = 0;
};

constexpr unsigned lane_bits = 8;

int produce(const std::vector<std::string_view>& told) {
  const auto burst = number(told[2]);
  const auto pause_ms = number(told[3]);
  std::vector<lane> lanes;
  for (std::size_t i = 4; i < told.size(); ++i) {
    const std::size_t colon = told[i].find(':');
    if (colon == std::string_view::npos) give_up("topics are written TOPIC:PARTITIONS");
    for (std::int32_t p = 0; p < number(told[i].substr(colon + 1)); ++p) {
      lanes.push_back({.topic = std::string(told[i].substr(0, colon)), .partition = partition_id(p)});
    }
  }
  if (lanes.empty() || lanes.size() > (1U << lane_bits)) give_up("too few or too many partitions");

  journal out;
  client::producer_options options{.client = to(told[0]),
                                   .codec = codec_of(told[1]),
                                   .buffer_memory_bytes = 1U << 20U,
                                   .delivery_timeout_ms = patience_ms};
  options.on_delivery = [&out](const client::delivery_report& done) {
    const std::uint64_t sequence = done.tag >> lane_bits;
    if (done.error == nullptr) {
      out.write(
          fmt::format("acknowledged {} {} {} {}\n", done.topic, done.partition.value(), sequence, done.offset.value()));
    } else {
      out.write(fmt::format("failed {} {} {} {}\n", done.topic, done.partition.value(), sequence, done.error->message));
    }
  };
  auto made = client::producer::make(std::move(options));
  if (!made) give_up(made.error().message);
  const std::string padding(1500, '.');
  std::uint64_t sent = 0;
  while (!input_ended(pause_ms)) {
    for (std::int64_t i = 0; i < burst; ++i, ++sent) {
      const std::size_t at = sent % lanes.size();
      lane& in = lanes[at];
      const std::string key = std::to_string(in.next);
      // Sizes that no buffer is a multiple of.
      const std::string_view value = std::string_view(padding).substr(0, sent * 7919 % padding.size());
      const auto queued =
          made->send({.topic = in.topic, .partition = in.partition, .key = as_bytes(key), .value = as_bytes(value)},
                     in.next << lane_bits | at);
      if (!queued) give_up(queued.error().message);
      ++in.next;
    }
  }
  if (auto flushed = made->flush().get(); !flushed) give_up(flushed.error().message);
  return 0;
}

void be_member(const std::vector<std::string_view>& told, const std::atomic<bool>& ended, journal& out) {
  auto made = client::consumer::make({.client = to(told[0]),
                                      .group_id = std::string(told[1]),
                                      .offset_reset = client::offset_reset::earliest,
                                      .auto_commit = false,
                                      .session_timeout_ms = 10'000,
                                      .heartbeat_interval_ms = 500});
  if (!made) give_up(made.error().message);
  // Changes with every partition that comes or goes.
  std::atomic<std::uint64_t> rebalances = 0;
  const auto count = [&rebalances](const std::vector<topic_partition>&) { ++rebalances; };
  const std::vector<std::string> topics(told.begin() + 3, told.end());
  if (auto in = made->subscribe(topics, {.on_assigned = count, .on_revoked = count}).get(); !in) {
    give_up(in.error().message);
  }
  while (!ended) {
    const std::uint64_t before = rebalances;
    auto polled = made->poll(std::chrono::milliseconds(200)).get();
    if (!polled) {
      fmt::print(stderr, "poll: {}\n", polled.error().message);
      continue;
    }
    if (polled->batches.empty()) continue;
    std::map<topic_partition, offset> next;
    for (const auto& batch : polled->batches) next[{batch.topic(), batch.partition()}] = batch.next_offset();
    if (auto done = made->commit().get(); !done) {
      fmt::print(stderr, "commit: {}\n", done.error().message);
      continue;
    }
    if (rebalances != before) continue;
    for (const auto& [at, to_offset] : next) {
      out.write(fmt::format("committed {} {} {}\n", at.topic, at.partition.value(), to_offset.value()));
    }
  }
  static_cast<void>(made->close().get());
}

int consume(const std::vector<std::string_view>& told) {
  journal out;
  std::atomic<bool> ended = false;
  std::vector<std::jthread> members;
  for (std::int64_t i = 0; i < number(told[2]); ++i) {
    members.emplace_back([&] { be_member(told, ended, out); });
  }
  while (!input_ended(-1)) {
  }
  ended = true;
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string_view> told(argv + std::min(argc, 2), argv + argc);
  const std::string_view what = argc > 1 ? argv[1] : "";
  if (what == "produce" && told.size() >= 5) return produce(told);
  if (what == "consume" && told.size() >= 4) return consume(told);
  give_up(
      "fault_load produce BOOTSTRAP CODEC BURST PAUSE_MS TOPIC:PARTITIONS... | "
      "consume BOOTSTRAP GROUP MEMBERS TOPIC...");
}
