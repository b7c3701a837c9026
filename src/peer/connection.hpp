#pragma once

#include <coroutine>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "moldau/core/result.hpp"
#include "peer/frame_reader.hpp"
#include "peer/request_frame.hpp"
#include "peer/traffic.hpp"
#include "peer/versions.hpp"
#include "rt/completion.hpp"
#include "rt/task.hpp"
#include "rt/transport.hpp"
#include "rt/world.hpp"
#include "wire/reader.hpp"

namespace moldau::peer {

/// A response with the bytes that its views point into.
template <typename Response>
struct reply {
  shared_bytes bytes;
  Response message;
  std::int16_t version = 0;

  [[nodiscard]] const Response* operator->() const { return &message; }
  [[nodiscard]] const Response& operator*() const { return message; }
};

struct connection_options {
  std::string client_id = "moldau";
  /// Kafka's brokers want letters, digits, '-' and '.'.
  std::string software_name = "moldau";
  std::string software_version = "0.1.0";
  std::int64_t connect_timeout_ms = 10'000;
  /// A response that takes longer ends the connection. `request.timeout.ms`.
  std::int64_t request_timeout_ms = 30'000;
  std::size_t response_bytes_max = std::size_t{256} << 20U;
  rt::socket_buffers buffers;
  /// A connection that nothing went over for so long closes itself; 0: never.
  std::int64_t idle_max_ms = 0;
  /// Where what goes over it is counted, if anywhere.
  std::shared_ptr<peer::traffic> traffic;
  /// Called once when the connection has ended, with `errc::closed` where that was this side's wish.
  std::function<void(const error&)> on_end;
};

struct call_options {
  /// 0: the connection's.
  std::int64_t timeout_ms = 0;
  /// A version above isn't used even where both sides know it.
  std::int16_t version_max = INT16_MAX;
  /// Needs at least this version.
  std::int16_t version_min = 0;
  /// For `records_field::external`: the bytes by id.
  std::vector<shared_bytes> externals;
};

/// Who waits for an answer without a coroutine.
class answer_handler {
 public:
  /// Called once, with the body of the response (`connection::parse` reads it) or with why there is none, while the
  /// connection reads or ends: it may be called again from here, and may end.
  virtual void on_answer(result<shared_bytes> body) = 0;

 protected:
  ~answer_handler() = default;
};

/// One outbound connection that speaks Kafka's protocol: requests go out in the order of the calls without waiting for
/// one another, responses come back in that order.
///
/// Lives on the core of its world. Held by whoever uses it; its own reading keeps it alive until it is closed, so
/// `close` must be called in the end. Any failure of the stream (cut, time-out, bytes that make no sense) closes it and
/// fails all calls that wait: `errc::network_exception`, `timed_out`, `malformed`. A call that was written may have
/// been carried out all the same.
class connection : public std::enable_shared_from_this<connection> {
 public:
  /// Connects, and learns the other side's versions.
  /// Errors: `network_exception`, `timed_out`, `malformed`, `unsupported_version`.
  [[nodiscard]] static rt::task<result<std::shared_ptr<connection>>> open(rt::world& world, rt::endpoint to,
                                                                          connection_options options);

  connection(rt::world& world, std::unique_ptr<rt::connection> stream, connection_options options, rt::endpoint to);
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;

  /// Sends `request` and waits for its response, in the highest version that both sides know.
  /// What `request` points into must live until this is awaited to its end.
  template <typename Response, typename Request>
  [[nodiscard]] rt::task<result<reply<Response>>> call(Request request, call_options options = {}) {
    static_assert(Request::api_key == Response::api_key);
    MOLDAU_CO_TRY_ASSIGN(const std::int16_t version,
                         versions_.choose(Request::api_key, Request::message_name,
                                          {std::max(Request::min_version, options.version_min),
                                           std::min(Request::max_stable_version, options.version_max)}));
    co_return co_await call_at<Response>(version, std::move(request), std::move(options));
  }

  /// The same in a version that the caller has chosen.
  template <typename Response, typename Request>
  [[nodiscard]] rt::task<result<reply<Response>>> call_at(std::int16_t version, Request request,
                                                          call_options options = {}) {
    static_assert(Request::first_flexible_version == Response::first_flexible_version);
    MOLDAU_CO_TRY_ASSIGN(shared_bytes body,
                         co_await exchange(shape_of<Request>(version), message_ref::to(request), options));
    auto answer = parse<Response>(std::move(body), version);
    if constexpr (requires(const Response& message) { message.throttle_time_ms; }) {
      if (answer) throttle(answer->message.throttle_time_ms);
    }
    co_return answer;
  }

  /// The same for who reads the answer himself, so that neither side takes memory each time: the response's body. What
  /// it says of throttling is for `throttle`. `request` must live until the first suspension.
  template <typename Request>
  [[nodiscard]] rt::task<result<shared_bytes>> call_body(std::int16_t version, const Request& request,
                                                         std::int64_t timeout_ms) {
    co_return co_await exchange(shape_of<Request>(version), message_ref::to(request), {.timeout_ms = timeout_ms});
  }

  /// Sends `request` in that version and tells `to` what comes of it; null where there is no answer (produce with
  /// acks=0). Takes no memory of its own but for what is kept from call to call. `to` must live until it is told, which
  /// may be inside this call. Errors: it wasn't sent, and `to` isn't told.
  template <typename Request>
  [[nodiscard]] result<void> start(std::int16_t version, const Request& request,
                                   std::span<const shared_bytes> externals, answer_handler* to) {
    return begin(shape_of<Request>(version), message_ref::to(request), externals, to, options_.request_timeout_ms);
  }

  /// What an answer said: for so long nothing more goes over this connection (KIP-219), but no longer than for
  /// `request_timeout_ms`. Requests wait, and their time-outs begin behind it. Answers to `call` do it by themselves.
  void throttle(std::int32_t time_ms);

  /// Parses a response's body; for answers whose version isn't known beforehand.
  template <typename Response>
  [[nodiscard]] static result<reply<Response>> parse(shared_bytes body, std::int16_t version) {
    wire::reader in(body);
    MOLDAU_TRY_ASSIGN(Response message, Response::decode(in, version));
    return reply<Response>{std::move(body), std::move(message), version};
  }

  [[nodiscard]] const versions& api_versions() const { return versions_; }
  [[nodiscard]] const rt::endpoint& remote() const { return remote_; }
  [[nodiscard]] bool is_open() const { return stream_ != nullptr && !failure_; }
  /// How many calls wait for their answer.
  [[nodiscard]] std::size_t in_flight() const { return pending_.size(); }

  /// Ends the connection; what waits fails with `errc::closed`. Any number of times.
  void close() { shut({errc::closed, "the connection was closed"}); }

 private:
  struct call_shape {
    std::int16_t api_key = 0;
    std::int16_t version = 0;
    bool flexible = false;
    bool response_tags = false;
  };
  struct pending_call {
    std::int32_t correlation_id = 0;
    bool response_tags = false;
    rt::time_point sent;
    rt::time_point deadline;
    answer_handler* to = nullptr;
  };
  struct idle_writer;

  template <typename Request>
  static call_shape shape_of(std::int16_t version) {
    const bool flexible = version >= Request::first_flexible_version;
    // Whoever asks for versions mayn't know yet how headers are written.
    return {.api_key = Request::api_key,
            .version = version,
            .flexible = flexible,
            .response_tags = flexible && Request::api_key != 18};
  }

  rt::task<result<shared_bytes>> exchange(call_shape shape, message_ref request, const call_options& options);
  result<void> begin(call_shape shape, message_ref request, std::span<const shared_bytes> externals, answer_handler* to,
                     std::int64_t timeout_ms);
  rt::task<result<void>> negotiate();
  rt::task<void> read_loop(std::shared_ptr<connection> self);
  rt::task<void> write_loop(std::shared_ptr<connection> self);
  result<void> on_frame(const shared_bytes& frame);
  void arm_timer(rt::time_point at);
  void timer_fired();
  void wake_writer();
  [[nodiscard]] bool may_write() const { return !outgoing_.empty() && !is_throttled_; }
  void shut(error why);

  rt::world& world_;
  std::unique_ptr<rt::connection> stream_;
  connection_options options_;
  rt::endpoint remote_;
  versions versions_;
  frame_reader frames_;
  std::int32_t next_correlation_id_ = 0;
  /// In the order of their answers; few.
  std::vector<pending_call> pending_;
  frame_encoder encoder_;
  std::vector<rt::chunk> outgoing_;
  std::coroutine_handle<> idle_writer_;
  bool is_throttled_ = false;
  rt::time_point throttled_until_{};
  std::unique_ptr<rt::timer> throttle_timer_;
  std::optional<error> failure_;
  std::unique_ptr<rt::timer> timer_;
  rt::time_point armed_for_ = rt::time_point::max();
  rt::time_point last_used_;
};

}  // namespace moldau::peer
