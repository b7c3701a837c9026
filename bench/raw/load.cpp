#include "bench/raw/load.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <sstream>
#include <thread>
#include <vector>

#include "bench/arguments.hpp"
#include "bench/raw/frames.hpp"
#include "bench/raw/socket.hpp"
#include "bytes/endian.hpp"

namespace moldau::bench {
namespace {

using clock = std::chrono::steady_clock;

/// utime + stime of /proc/PID/stat.
double cpu_seconds_of(int pid) {
  if (pid == 0) return 0;
  std::ifstream in("/proc/" + std::to_string(pid) + "/stat");
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  const auto after_name = text.rfind(')');
  if (after_name == std::string::npos) give_up("there is no process " + std::to_string(pid));
  std::istringstream fields(text.substr(after_name + 1));
  std::string field;
  double ticks = 0;
  for (int i = 3; i <= 15 && fields >> field; ++i) {
    if (i >= 14) ticks += std::stod(field);
  }
  return ticks / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

/// Counts what is done; the measurement runs from the end of the warm part to the end of all.
class meter {
 public:
  meter(int pid, std::int64_t warm, std::int64_t total) : pid_(pid), warm_(warm), total_(total) {}

  /// True while there is more to do.
  bool add(std::int64_t amount) {
    const std::int64_t before = done_.fetch_add(amount);
    const std::int64_t after = before + amount;
    if (before < warm_ && after >= warm_) {
      counted_from_ = after;
      cpu_from_ = cpu_seconds_of(pid_);
      from_ = clock::now();
    }
    if (before < total_ && after >= total_) {
      to_ = clock::now();
      cpu_to_ = cpu_seconds_of(pid_);
      counted_to_ = after;
    }
    return after < total_;
  }
  [[nodiscard]] bool open() const { return done_.load(std::memory_order_relaxed) < total_; }
  [[nodiscard]] std::int64_t amount() const { return counted_to_ - counted_from_; }
  [[nodiscard]] double seconds() const { return std::chrono::duration<double>(to_ - from_).count(); }
  [[nodiscard]] double cpu_seconds() const { return cpu_to_ - cpu_from_; }

 private:
  const int pid_;
  const std::int64_t warm_;
  const std::int64_t total_;
  std::atomic<std::int64_t> done_{0};
  std::atomic<std::int64_t> counted_from_{0};
  std::atomic<std::int64_t> counted_to_{0};
  double cpu_from_ = 0;
  double cpu_to_ = 0;
  clock::time_point from_;
  clock::time_point to_;
};

/// Sends `frame` and hands `use` the response without its length.
template <typename Use>
void ask(client_socket& over, const shared_bytes& frame, Use use) {
  over.send_all(frame);
  std::array<std::byte, 4> length{};
  over.receive_all(length);
  std::vector<std::byte> response(static_cast<std::size_t>(bytes::load_be<std::int32_t>(length.data())));
  over.receive_all(response);
  use(response);
}

std::vector<std::int32_t> all_partitions(const load& of) {
  std::vector<std::int32_t> out;
  for (std::int32_t i = 0; i < of.partitions; ++i) out.push_back(i);
  return out;
}

void produce_on_one(const load& of, const shared_bytes& frame, std::int64_t frame_batch_bytes, meter& count) {
  client_socket to(of.port);
  std::vector<std::byte> in(64U << 10U);
  std::size_t have = 0;
  std::int64_t unanswered = 0;
  for (;;) {
    while (unanswered < of.in_flight && count.open()) {
      to.send_all(frame);
      ++unanswered;
    }
    if (unanswered == 0) return;
    have += to.receive_some(std::span(in).subspan(have));
    std::size_t at = 0;
    while (have - at >= 4) {
      const auto size = static_cast<std::size_t>(bytes::load_be<std::int32_t>(in.data() + at));
      if (have - at < 4 + size) break;
      check_produce_response(std::span(in).subspan(at + 4, size));
      at += 4 + size;
      --unanswered;
      count.add(frame_batch_bytes);
    }
    std::memmove(in.data(), in.data() + at, have - at);
    have -= at;
  }
}

/// Takes one response and moves `places` on. Returns the bytes of whole batches.
std::int64_t take_fetch(const load& of, const batch& written, client_socket& from, std::vector<fetch_place>& places) {
  std::vector<std::byte> head(fetch_head_bytes(of.topic));
  std::array<std::byte, fetch_partition_head_bytes> partition_head{};
  from.receive_all(head);
  const auto size = static_cast<std::size_t>(bytes::load_be<std::int32_t>(head.data())) + 4;
  std::size_t taken = head.size();
  std::int64_t bytes_here = 0;
  while (taken < size) {
    from.receive_all(partition_head);
    const auto index = bytes::load_be<std::int32_t>(partition_head.data());
    const auto code = bytes::load_be<std::int16_t>(partition_head.data() + 4);
    if (code != 0) give_up("fetch failed with error " + std::to_string(code));
    const auto records = bytes::load_be<std::int32_t>(partition_head.data() + fetch_partition_head_bytes - 4);
    if (records > 0) from.discard(static_cast<std::size_t>(records));
    taken += fetch_partition_head_bytes + static_cast<std::size_t>(std::max(records, 0));
    for (auto& place : places) {
      if (place.partition != index) continue;
      // All batches are alike, so their number tells the next offset; a last one that is cut short is read again.
      const std::int64_t whole = records / static_cast<std::int64_t>(written.bytes.size());
      place.offset = whole == 0 ? 0 : place.offset + whole * written.records;
      bytes_here += whole * static_cast<std::int64_t>(written.bytes.size());
    }
  }
  if (taken != size) give_up("a fetch response has another form than expected");
  return bytes_here;
}

/// Several readers of the same places take turns on one connection: while one's answer comes in, the next one's request
/// is with the broker already.
void fetch_on_one(const load& of, const batch& written, const std::vector<fetch_place>& places, meter& count) {
  client_socket from(of.port);
  std::vector<std::vector<fetch_place>> readers(static_cast<std::size_t>(of.fetches_in_flight), places);
  const auto ask_for = [&](const std::vector<fetch_place>& next) {
    from.send_all(fetch_frame(of.topic, next, of.partition_bytes_max));
  };
  for (const auto& each : readers) ask_for(each);
  for (std::size_t turn = 0;; turn = (turn + 1) % readers.size()) {
    count.add(take_fetch(of, written, from, readers[turn]));
    if (!count.open()) return;
    ask_for(readers[turn]);
  }
}

/// Whether each of the topic's partitions answers a fetch: a leader is announced a moment before it serves.
bool all_serve(const load& of, client_socket& over) {
  std::vector<fetch_place> places;
  for (const auto partition : all_partitions(of)) places.push_back({.partition = partition});
  bool good = true;
  ask(over, fetch_frame(of.topic, places, 1), [&](bytes_view response) {
    // `ask` has taken the length off.
    std::size_t at = fetch_head_bytes(of.topic) - 4;
    while (at + fetch_partition_head_bytes <= response.size()) {
      good = good && bytes::load_be<std::int16_t>(response.data() + at + 4) == 0;
      const auto records = bytes::load_be<std::int32_t>(response.data() + at + fetch_partition_head_bytes - 4);
      at += fetch_partition_head_bytes + static_cast<std::size_t>(std::max(records, 0));
    }
  });
  return good;
}

figures to_figures(const meter& count, const batch& of) {
  return {.bytes = count.amount(),
          .records = count.amount() / static_cast<std::int64_t>(of.bytes.size()) * of.records,
          .seconds = count.seconds(),
          .cpu_seconds = count.cpu_seconds()};
}

}  // namespace

void create_topic(const load& of) {
  client_socket over(of.port);
  ask(over, create_topic_frame(of.topic, of.partitions), check_create_response);
  const auto deadline = clock::now() + std::chrono::seconds(60);
  for (std::int32_t led = 0;;) {
    if (clock::now() > deadline) give_up("the topic's partitions have no leader");
    ask(over, metadata_frame(of.topic), [&](bytes_view response) { led = partitions_with_leader(response); });
    if (led == of.partitions && all_serve(of, over)) return;
    ::poll(nullptr, 0, 20);
  }
}

figures run_produce(const load& of) {
  const batch each = make_batch(of.record_bytes, of.batch_bytes);
  const shared_bytes frame = produce_frame(of.topic, all_partitions(of), each, of.acks);
  const auto frame_batch_bytes = static_cast<std::int64_t>(each.bytes.size()) * of.partitions;
  meter count(of.pid, of.warm_bytes, of.warm_bytes + of.bytes);
  std::vector<std::thread> threads;
  for (int i = 0; i < of.connections; ++i) {
    threads.emplace_back([&] { produce_on_one(of, frame, frame_batch_bytes, count); });
  }
  for (auto& thread : threads) thread.join();
  return to_figures(count, each);
}

figures run_fetch(const load& of) {
  const batch each = make_batch(of.record_bytes, of.batch_bytes);
  meter count(of.pid, of.warm_bytes, of.warm_bytes + of.bytes);
  std::vector<std::thread> threads;
  for (int i = 0; i < of.connections; ++i) {
    std::vector<fetch_place> places;
    for (std::int32_t p = 0; p < of.partitions; ++p) {
      if (of.partitions < of.connections || p % of.connections == i) places.push_back({.partition = p});
    }
    threads.emplace_back([&, places] { fetch_on_one(of, each, places, count); });
  }
  for (auto& thread : threads) thread.join();
  return to_figures(count, each);
}

}  // namespace moldau::bench
