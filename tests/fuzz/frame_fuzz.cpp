// The stream of a connection, cut anywhere, as the broker and the client read it: the frames are the same whatever the
// chunks, each request is handed in once and whole with the fields of its header, its answer goes out in its turn, and
// nothing of the memory budget is left behind.

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "broker/connection.hpp"
#include "bytes/endian.hpp"
#include "fuzz.hpp"
#include "peer/frame_reader.hpp"
#include "testing/sim/simulator.hpp"
#include "wire/protocol/api_keys.hpp"
#include "wire/protocol/produce_request.hpp"
#include "wire/protocol/request_header.hpp"
#include "wire/reader.hpp"

namespace {

using namespace moldau;  // NOLINT: this is all about it
namespace sim = moldau::testing::sim;

constexpr std::size_t frame_bytes_max = 4096;
constexpr std::size_t response_size = 8;

/// Gives the sizes of the chunks: those of `cuts` in turn, or all at once.
class cutter {
 public:
  explicit cutter(bytes_view cuts) : cuts_(cuts) {}
  std::size_t next() {
    return cuts_.empty() ? SIZE_MAX : std::to_integer<std::size_t>(cuts_[turn_++ % cuts_.size()]) + 1;
  }

 private:
  bytes_view cuts_;
  std::size_t turn_ = 0;
};

/// The frames that the stream holds by the protocol's own rule, up to its end or to a length that can't be.
std::vector<bytes_view> frames_of(bytes_view stream, std::int32_t least) {
  std::vector<bytes_view> out;
  while (stream.size() >= 4) {
    const auto size = bytes::load_be<std::int32_t>(stream.data());
    if (size < least || std::cmp_greater(size, frame_bytes_max)) break;
    if (stream.size() - 4 < static_cast<std::size_t>(size)) break;
    out.push_back(stream.subspan(4, static_cast<std::size_t>(size)));
    stream = stream.subspan(4 + static_cast<std::size_t>(size));
  }
  return out;
}

void check_frame_reader(bytes_view stream, bytes_view cuts) {
  const auto expected = frames_of(stream, 4);
  peer::frame_reader reader(frame_bytes_max);
  cutter chunks(cuts);
  std::size_t found = 0;
  while (!stream.empty()) {
    const mutable_bytes space = reader.space();
    MOLDAU_ASSERT(!space.empty());
    const std::size_t size = std::min({chunks.next(), stream.size(), space.size()});
    std::ranges::copy(stream.first(size), space.begin());
    stream = stream.subspan(size);
    reader.filled(size);
    while (true) {
      const auto frame = reader.next();
      if (!frame) {
        MOLDAU_ASSERT(frame.error().code == errc::malformed && found == expected.size());
        return;
      }
      if (!*frame) break;
      MOLDAU_ASSERT(found < expected.size() && std::ranges::equal((*frame)->view(), expected[found]));
      ++found;
    }
  }
  MOLDAU_ASSERT(found == expected.size());
}

struct seen_request {
  std::int16_t api_key = 0;
  std::int16_t api_version = 0;
  std::int32_t correlation_id = 0;
  std::string client_id;
  std::string body;
  friend bool operator==(const seen_request&, const seen_request&) = default;
};

/// The requests that a broker must see, up to the first frame that isn't one.
std::vector<seen_request> requests_of(bytes_view stream) {
  std::vector<seen_request> out;
  for (const bytes_view frame : frames_of(stream, 0)) {
    if (frame.size() < 4) break;
    const auto key = bytes::load_be<std::int16_t>(frame.data());
    const auto version = bytes::load_be<std::int16_t>(frame.data() + 2);
    const auto* api = wire::protocol::find_api(key);
    if (api == nullptr) break;
    wire::reader in(frame);
    const auto header = wire::protocol::request_header::decode(
        in, version >= api->first_flexible_request ? std::int16_t{2} : std::int16_t{1});
    if (!header) break;
    out.push_back({.api_key = key,
                   .api_version = version,
                   .correlation_id = header->correlation_id,
                   .client_id = std::string(header->client_id.value_or("")),
                   .body = std::string(as_text(in.rest()))});
  }
  return out;
}

/// What the handler does with a request is in its correlation id.
broker::answer::kind answer_to(std::int32_t correlation_id) {
  if ((correlation_id & 0x70) == 0x70) return broker::answer::kind::close;
  return (correlation_id & 0x30) == 0x30 ? broker::answer::kind::none : broker::answer::kind::send;
}

class echo final : public broker::request_handler {
 public:
  explicit echo(rt::world& world) : world_(world) {}

  rt::task<broker::answer> handle(broker::request& what) override {
    // By value: the views' memory is gone once it is answered.
    const seen_request here{.api_key = what.api_key,
                            .api_version = what.api_version,
                            .correlation_id = what.correlation_id,
                            .client_id = std::string(what.client_id),
                            .body = std::string(as_text(what.body))};
    seen.push_back(here);
    const std::int32_t id = here.correlation_id;
    // Only produce requests overlap.
    const bool overlaps = here.api_key == wire::protocol::produce_request::api_key;
    MOLDAU_ASSERT(running == 0 || (overlaps && all_running_overlap));
    if (running++ == 0) all_running_overlap = true;
    all_running_overlap = all_running_overlap && overlaps;
    if ((id & 1) != 0) co_await world_.sleep_for(std::chrono::microseconds(id & 0xff));
    what.settle_order();
    if ((id & 2) != 0) co_await world_.sleep_for(std::chrono::microseconds((id >> 8) & 0xff));
    MOLDAU_ASSERT(here.client_id == what.client_id && here.body == as_text(what.body));
    --running;
    broker::answer out{.what = answer_to(id), .frame = {}};
    if (out.what != broker::answer::kind::send) co_return out;
    shared_bytes frame = shared_bytes::allocate(response_size);
    bytes::store_be(frame.writable().data(), static_cast<std::int32_t>(response_size - 4));
    bytes::store_be(frame.writable().data() + 4, id);
    out.frame.chunks.emplace_back(std::move(frame));
    out.frame.size_bytes = response_size;
    co_return out;
  }

  std::vector<seen_request> seen;
  std::size_t running = 0;
  bool all_running_overlap = true;

 private:
  rt::world& world_;
};

/// A peer that has sent everything and hangs up behind it.
class scripted_socket final : public rt::connection {
 public:
  scripted_socket(rt::world& world, bytes_view stream, bytes_view cuts, std::string& written)
      : world_(world), stream_(stream), cuts_(cuts), written_(written) {}

  void close() override { closed_ = true; }
  [[nodiscard]] rt::endpoint local() const override { return {}; }
  [[nodiscard]] rt::endpoint remote() const override { return {}; }

 protected:
  void start_read(mutable_bytes into, rt::completion<result<std::size_t>>& done) override {
    MOLDAU_ASSERT(!into.empty());
    const std::size_t wanted = cuts_.next();
    const auto read = [this, into, wanted, &done] {
      if (closed_) return done.set(fail(errc::closed));
      const std::size_t size = std::min({wanted, into.size(), stream_.size()});
      std::ranges::copy(stream_.first(size), into.begin());
      stream_ = stream_.subspan(size);
      done.set(size);
    };
    // Some come at once, others later.
    if (wanted % 2 == 0) return read();
    world_.post(read);
  }
  void start_write(std::vector<rt::chunk>& chunks, rt::completion<result<void>>& done) override {
    MOLDAU_ASSERT(!closed_);
    for (const rt::chunk& chunk : chunks) written_ += as_text(std::get<shared_bytes>(chunk).view());
    if (written_.size() % 16 == 0) return done.set({});
    world_.post([&done] { done.set({}); });
  }

 private:
  rt::world& world_;
  bytes_view stream_;
  cutter cuts_;
  std::string& written_;
  bool closed_ = false;
};

void check_connection(bytes_view stream, bytes_view cuts, const broker::connection_limits& limits,
                      std::size_t budget_bytes) {
  sim::simulator simulator(1);
  sim::host& host = simulator.add_host("broker");
  rt::world& world = host.core();
  echo handler(world);
  broker::memory_budget budget(budget_bytes);
  broker::memory_budget answers(budget_bytes);
  std::string written;
  {
    broker::connection here(world, std::make_unique<scripted_socket>(world, stream, cuts, written), {}, handler, budget,
                            answers, limits);
    simulator.run(host, here.run());
  }
  MOLDAU_ASSERT(budget.left_bytes() == budget.limit_bytes() && !budget.is_short() && handler.running == 0);

  const auto expected = requests_of(stream);
  std::string responses;
  bool cut = false;
  for (const seen_request& one : expected) {
    const auto what = answer_to(one.correlation_id);
    cut = what == broker::answer::kind::close;
    if (cut) break;
    if (what != broker::answer::kind::send) continue;
    std::array<std::byte, response_size> frame{};
    bytes::store_be(frame.data(), static_cast<std::int32_t>(response_size - 4));
    bytes::store_be(frame.data() + 4, one.correlation_id);
    responses += as_text(frame);
  }
  MOLDAU_ASSERT(written == responses);
  // Behind an answer that closes the connection, what had overlapped with it was started in vain.
  MOLDAU_ASSERT(handler.seen.size() <= expected.size());
  MOLDAU_ASSERT(cut || handler.seen.size() == expected.size());
  MOLDAU_ASSERT(std::ranges::equal(handler.seen, std::span(expected).first(handler.seen.size())));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::input in(data, size);
  const broker::connection_limits limits{.request_max_bytes = frame_bytes_max,
                                         .in_flight_max_bytes = in.u8() * std::size_t{4},
                                         .in_flight_max = in.u8() % 4U + 1U};
  const std::size_t budget_bytes = in.u8() * std::size_t{8} + 1;
  const auto cuts = in.bytes(in.u8() % 8U);
  const auto stream = in.rest();
  check_frame_reader(stream, cuts);
  check_connection(stream, cuts, limits, budget_bytes);
  return 0;
}
