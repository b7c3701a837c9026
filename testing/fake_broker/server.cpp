#include "testing/fake_broker/server.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "bytes/endian.hpp"
#include "testing/fake_broker/apis.hpp"
#include "wire/protocol/request_header.hpp"

namespace moldau::testing::fake {
namespace {

constexpr std::size_t length_size = 4;
/// Key, version and correlation id: what every request begins with.
constexpr std::size_t head_size = 8;
constexpr std::int32_t frame_bytes_max = 100 * 1024 * 1024;

/// One connection: requests in, answers out, one at a time.
class connection {
 public:
  connection(std::shared_ptr<cluster> in, broker_id on, std::unique_ptr<rt::connection> stream)
      : in_(std::move(in)), on_(on), stream_(std::move(stream)), number_(in_->next_connection++) {
    in_->connections[number_] = {on_, stream_.get()};
    count(1);
  }
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;
  /// A simulated process that is killed takes its connections down where they stand.
  ~connection() {
    in_->connections.erase(number_);
    count(-1);
  }

  rt::task<void> run() {
    while (co_await serve_one()) {
    }
    stream_->close();
  }

 private:
  struct head {
    std::size_t size = 0;
    std::int16_t key = 0;
    std::int16_t version = 0;
    std::int32_t correlation_id = 0;
  };

  void count(int by) {
    const std::lock_guard held(in_->mutex);
    in_->connection_count = static_cast<std::size_t>(static_cast<int>(in_->connection_count) + by);
  }

  /// Waits until that many bytes have come.
  rt::task<bool> have(std::size_t bytes) {
    std::byte room[16 * 1024];
    while (inbox_.size() < bytes) {
      const auto got = co_await stream_->read_some(room);
      if (!got || *got == 0) co_return false;
      inbox_.insert(inbox_.end(), room, room + *got);
    }
    co_return true;
  }

  [[nodiscard]] head read_head() const {
    return {.size = static_cast<std::size_t>(bytes::load_be<std::int32_t>(inbox_.data())),
            .key = bytes::load_be<std::int16_t>(inbox_.data() + length_size),
            .version = bytes::load_be<std::int16_t>(inbox_.data() + length_size + 2),
            .correlation_id = bytes::load_be<std::int32_t>(inbox_.data() + length_size + 4)};
  }

  rt::task<bool> serve_one() {
    if (!co_await have(length_size + head_size)) co_return false;
    const auto size = bytes::load_be<std::int32_t>(inbox_.data());
    if (size < static_cast<std::int32_t>(head_size) || size > frame_bytes_max) co_return false;
    const head request = read_head();
    std::optional<fault> struck;
    {
      const std::lock_guard held(in_->mutex);
      if (in_->stopped) co_return false;
      struck = in_->faults.strike(request.key, on_);
    }
    if (struck && struck->what == fault::kind::cut_request) {
      co_await have(std::min(struck->byte, length_size + request.size));
      co_return false;
    }
    if (!co_await have(length_size + request.size)) co_return false;
    const std::vector<std::byte> frame(inbox_.begin() + length_size,
                                       inbox_.begin() + static_cast<std::ptrdiff_t>(length_size + request.size));
    inbox_.erase(inbox_.begin(), inbox_.begin() + static_cast<std::ptrdiff_t>(length_size + request.size));
    if (struck && struck->what == fault::kind::hang) {
      note(request, "");
      while (co_await have(inbox_.size() + 1)) inbox_.clear();
      co_return false;
    }
    auto answered = co_await carry_out(request, frame, struck);
    if (!answered) co_return false;
    if (answered->empty()) co_return true;
    co_return co_await send(*std::move(answered), struck);
  }

  void note(const head& request, std::string client_id) {
    const std::lock_guard held(in_->mutex);
    in_->seen.push_back({.on = on_,
                         .api = static_cast<testing::api>(request.key),
                         .version = request.version,
                         .correlation_id = request.correlation_id,
                         .client_id = std::move(client_id),
                         .size_bytes = request.size,
                         .connection = number_});
  }

  /// The answer's bytes; none for a request that wants none. Nothing: the connection ends.
  rt::task<std::optional<std::vector<std::byte>>> carry_out(head request, bytes_view frame,
                                                            const std::optional<fault>& struck) {
    const served_api* const api = find_api(request.key);
    if (api == nullptr) co_return std::nullopt;
    const auto most = version_max(*api, in_->options);
    const bool asks_versions = api->key == testing::api::api_versions;
    if (!asks_versions && (request.version < api->version_min || request.version > most.value_or(-1))) {
      co_return std::nullopt;
    }
    wire::reader reader(frame);
    const auto key = static_cast<wire::protocol::api_key>(request.key);
    const auto header =
        wire::protocol::request_header::decode(reader, wire::protocol::request_header_version(key, request.version));
    if (!header) co_return std::nullopt;
    const std::string client_id(header->client_id.value_or(""));
    note(request, client_id);

    call what{.in = *in_,
              .on = in_->brokers.at(on_),
              .version = request.version,
              .correlation_id = request.correlation_id,
              .client_id = client_id,
              .body = reader.rest()};
    if (struck && struck->what == fault::kind::error) {
      what.refused = struck->code;
      what.carried_out = struck->carried_out;
    }
    while (true) {
      outcome said;
      {
        const std::lock_guard held(in_->mutex);
        said = api->handle(what);
      }
      switch (said.what) {
        case outcome::kind::answer:
          co_return std::move(said.bytes);
        case outcome::kind::nothing:
          co_return std::vector<std::byte>();
        case outcome::kind::close:
          co_return std::nullopt;
        case outcome::kind::wait:
          break;
      }
      const auto timer = in_->world.post_at(said.until, [c = in_.get()] { c->change.notify_all(); });
      co_await in_->change.wait();
      const std::lock_guard held(in_->mutex);
      if (in_->stopped || !in_->brokers.at(on_).running) co_return std::nullopt;
    }
  }

  rt::task<bool> send(std::vector<std::byte> answer, const std::optional<fault>& struck) {
    using kind = fault::kind;
    const kind what = struck ? struck->what : kind::error;
    if (what == kind::delay) co_await in_->world.sleep_for(struck->by);
    if (what == kind::drop) co_return true;
    if (what == kind::change && struck->change) struck->change(answer);
    if (what == kind::swap && held_back_.empty()) {
      held_back_ = std::move(answer);
      co_return true;
    }
    const bool is_cut = what == kind::cut_response;
    if (is_cut) answer.resize(std::min(answer.size(), struck->byte));
    if (what == kind::duplicate) {
      const auto once = answer;
      answer.insert(answer.end(), once.begin(), once.end());
    }
    if (!held_back_.empty()) {
      const auto late = std::exchange(held_back_, {});
      answer.insert(answer.end(), late.begin(), late.end());
    }
    if (!answer.empty()) {
      std::vector<rt::chunk> chunks;
      chunks.emplace_back(shared_bytes::copy_of(answer));
      if (!co_await stream_->write(std::move(chunks))) co_return false;
    }
    co_return !is_cut;
  }

  std::shared_ptr<cluster> in_;
  broker_id on_;
  std::unique_ptr<rt::connection> stream_;
  std::uint64_t number_;
  std::vector<std::byte> inbox_;
  /// By `swap`.
  std::vector<std::byte> held_back_;
};

rt::task<void> serve_connection(std::shared_ptr<cluster> in, broker_id on, std::unique_ptr<rt::connection> stream) {
  connection one(std::move(in), on, std::move(stream));
  co_await one.run();
}

rt::task<void> accept_all(std::shared_ptr<cluster> in, broker_id on, std::shared_ptr<rt::listener> at) {
  while (true) {
    auto got = co_await at->accept();
    if (!got && got.error().code == errc::closed) break;
    if (!got) {
      co_await in->world.sleep_for(std::chrono::milliseconds(10));
      continue;
    }
    rt::spawn(serve_connection(in, on, *std::move(got)));
  }
}

}  // namespace

result<void> open_broker(const std::shared_ptr<cluster>& in, broker_id which) {
  broker& one = in->brokers.at(which);
  MOLDAU_TRY_ASSIGN(auto made, in->world.net().listen({in->options.host, one.port}));
  std::shared_ptr<rt::listener> listener = std::move(made);
  {
    const std::lock_guard held(in->mutex);
    one.port = listener->local().port;
    one.listener = listener;
    one.running = true;
    one.sessions = {};
    in->elect_leaders();
    in->changed();
  }
  in->world.post([in, which, listener] { rt::spawn(accept_all(in, which, listener)); });
  return {};
}

void close_broker(cluster& in, broker_id which) {
  std::shared_ptr<rt::listener> listener;
  {
    const std::lock_guard held(in.mutex);
    broker& one = in.brokers.at(which);
    one.running = false;
    listener = std::exchange(one.listener, nullptr);
    in.elect_leaders();
    in.changed();
  }
  if (listener) listener->close();
  for (const auto& [number, known] : std::map(in.connections)) {
    // Closing one may end another.
    if (known.first == which && in.connections.contains(number)) known.second->close();
  }
}

void close_connections(cluster& in) {
  for (const auto& [number, known] : std::map(in.connections)) {
    if (in.connections.contains(number)) known.second->close();
  }
}

}  // namespace moldau::testing::fake
