#include "peer/connection.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "bytes/endian.hpp"
#include "rt/spawn.hpp"
#include "wire/protocol/api_versions_request.hpp"
#include "wire/protocol/api_versions_response.hpp"
#include "wire/protocol/response_header.hpp"

namespace moldau::peer {

using wire::protocol::api_versions_request;
using wire::protocol::api_versions_response;

connection::connection(rt::world& world, std::unique_ptr<rt::connection> stream, connection_options options,
                       rt::endpoint to)
    : world_(world),
      stream_(std::move(stream)),
      options_(std::move(options)),
      remote_(std::move(to)),
      frames_(options_.response_bytes_max) {}

rt::task<result<std::shared_ptr<connection>>> connection::open(rt::world& world, rt::endpoint to,
                                                               connection_options options) {
  auto stream = co_await world.net().connect(to, options.connect_timeout_ms, options.buffers);
  if (!stream) {
    co_return fail(stream.error().code, fmt::format("can't connect to {}: {}", to.to_string(), stream.error().message));
  }
  auto self = std::make_shared<connection>(world, *std::move(stream), std::move(options), std::move(to));
  rt::spawn(self->read_loop(self));
  rt::spawn(self->write_loop(self));
  if (auto agreed = co_await self->negotiate(); !agreed) {
    self->close();
    co_return std::unexpected(std::move(agreed).error());
  }
  co_return self;
}

/// KIP-511: a broker that doesn't know our version of ApiVersions answers in version 0 with the versions it has.
rt::task<result<void>> connection::negotiate() {
  const api_versions_request ask{.client_software_name = options_.software_name,
                                 .client_software_version = options_.software_version};
  std::int16_t version = api_versions_request::max_stable_version;
  for (int attempt = 0; attempt < 2; ++attempt) {
    const call_shape shape{.api_key = api_versions_request::api_key,
                           .version = version,
                           .flexible = version >= api_versions_request::first_flexible_version};
    MOLDAU_CO_TRY_ASSIGN(const shared_bytes body, co_await exchange(shape, message_ref::to(ask), {}));
    if (body.size() < 2) co_return fail(errc::malformed, "the answer to ApiVersions is too short");
    const auto code = static_cast<errc>(bytes::load_be<std::int16_t>(body.data()));
    const bool fell_back = code == errc::unsupported_version;
    MOLDAU_CO_TRY_ASSIGN(const auto answer, parse<api_versions_response>(body, fell_back ? std::int16_t{0} : version));
    if (code == errc::none) {
      versions_ = versions::from(answer.message);
      co_return result<void>();
    }
    if (!fell_back || version == 0) {
      co_return fail(code, fmt::format("{} refused the question for its versions", remote_.to_string()));
    }
    std::int16_t theirs = 0;
    for (const auto& api : answer->api_keys) {
      if (api.api_key == api_versions_request::api_key) theirs = api.max_version;
    }
    version = std::clamp<std::int16_t>(theirs, 0, static_cast<std::int16_t>(version - 1));
  }
  co_return fail(errc::unsupported_version,
                 fmt::format("{} doesn't agree on a version of ApiVersions", remote_.to_string()));
}

result<void> connection::begin(call_shape shape, message_ref request, std::span<const shared_bytes> externals,
                               answer_handler* to, std::int64_t timeout_ms) {
  if (failure_) return std::unexpected(*failure_);
  const auto self = shared_from_this();
  const request_head head{.api_key = shape.api_key,
                          .version = shape.version,
                          .flexible = shape.flexible,
                          .correlation_id = next_correlation_id_,
                          .client_id = options_.client_id};
  const std::size_t queued = outgoing_.size();
  MOLDAU_TRY(encoder_.encode(head, request, externals, outgoing_));
  last_used_ = world_.now();
  if (options_.traffic) {
    ++options_.traffic->requests;
    for (std::size_t i = queued; i < outgoing_.size(); ++i) {
      if (const auto* memory = std::get_if<shared_bytes>(&outgoing_[i])) options_.traffic->sent_bytes += memory->size();
    }
  }
  if (to != nullptr) {
    const auto sent = is_throttled_ ? std::max(throttled_until_, last_used_) : last_used_;
    const auto deadline = sent + std::chrono::milliseconds(timeout_ms);
    pending_.push_back({.correlation_id = next_correlation_id_,
                        .response_tags = shape.response_tags,
                        .sent = sent,
                        .deadline = deadline,
                        .to = to});
    if (options_.traffic) ++options_.traffic->in_flight;
    arm_timer(deadline);
  }
  next_correlation_id_ =
      static_cast<std::int32_t>((static_cast<std::uint32_t>(next_correlation_id_) + 1) & 0x7fffffffU);
  wake_writer();
  return {};
}

rt::task<result<shared_bytes>> connection::exchange(call_shape shape, message_ref request,
                                                    const call_options& options) {
  struct waiter final : answer_handler {
    rt::completion<result<shared_bytes>> done;
    void on_answer(result<shared_bytes> body) override { done.set(std::move(body)); }
  };
  waiter answer;
  const std::int64_t timeout_ms = options.timeout_ms > 0 ? options.timeout_ms : options_.request_timeout_ms;
  MOLDAU_CO_TRY(begin(shape, request, options.externals, &answer, timeout_ms));
  co_return co_await answer.done;
}

/// One timer stands for all calls: it is set for the earliest that there was and looks again when it fires, since most
/// are answered long before.
void connection::arm_timer(rt::time_point at) {
  if (failure_ || at >= armed_for_) return;
  armed_for_ = at;
  timer_ = world_.post_at(at, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->timer_fired();
  });
}

void connection::timer_fired() {
  armed_for_ = rt::time_point::max();
  timer_.reset();
  const auto now = world_.now();
  if (pending_.empty()) {
    if (options_.idle_max_ms <= 0) return;
    const auto idle_until = last_used_ + std::chrono::milliseconds(options_.idle_max_ms);
    if (now < idle_until) return arm_timer(idle_until);
    return shut({errc::closed, fmt::format("the connection to {} wasn't used for long", remote_.to_string())});
  }
  const auto earliest = std::ranges::min_element(pending_, {}, &pending_call::deadline)->deadline;
  if (now < earliest) return arm_timer(earliest);
  // Answers come in order, so nothing behind this one can come either.
  if (options_.traffic) ++options_.traffic->timeouts;
  shut({errc::timed_out, fmt::format("{} didn't answer in time", remote_.to_string())});
}

rt::task<void> connection::read_loop(std::shared_ptr<connection> self) {
  while (self->is_open()) {
    auto got = co_await stream_->read_some(frames_.space());
    if (!got || *got == 0) {
      shut(got ? error{errc::network_exception, fmt::format("{} closed the connection", remote_.to_string())}
               : error{got.error().code == errc::closed ? errc::closed : errc::network_exception,
                       fmt::format("the connection to {} broke: {}", remote_.to_string(), got.error().message)});
      break;
    }
    frames_.filled(*got);
    while (is_open()) {
      auto frame = frames_.next();
      if (frame && !*frame) break;
      const auto taken = frame ? on_frame(**frame) : std::unexpected(frame.error());
      if (!taken) {
        // What was asked may be asked again: on another connection.
        shut({errc::network_exception, taken.error().message});
        break;
      }
    }
  }
}

/// Where the writer waits while there is nothing to write.
struct connection::idle_writer {
  connection& self;
  bool await_ready() const noexcept { return !self.is_open() || self.may_write(); }
  void await_suspend(std::coroutine_handle<> writer) const noexcept { self.idle_writer_ = writer; }
  void await_resume() const noexcept {}
};

void connection::wake_writer() {
  if (idle_writer_ && (!is_open() || may_write())) std::exchange(idle_writer_, nullptr).resume();
}

void connection::throttle(std::int32_t time_ms) {
  if (time_ms <= 0 || !is_open()) return;
  // A broker that asks for longer is asked again, and says so again: no answer stops a client for good.
  const auto until =
      world_.now() + std::chrono::milliseconds(std::min<std::int64_t>(time_ms, options_.request_timeout_ms));
  if (is_throttled_ && until <= throttled_until_) return;
  is_throttled_ = true;
  throttled_until_ = until;
  throttle_timer_ = world_.post_at(until, [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self) return;
    self->is_throttled_ = false;
    self->wake_writer();
  });
}

rt::task<void> connection::write_loop(std::shared_ptr<connection> self) {
  std::vector<rt::chunk> writing;
  while (self->is_open()) {
    co_await idle_writer{*this};
    if (!is_open()) break;
    // What is queued meanwhile goes to the other list.
    writing.swap(outgoing_);
    const auto written = co_await stream_->write_from(writing);
    writing.clear();
    if (!written) {
      shut({errc::network_exception,
            fmt::format("the connection to {} broke: {}", remote_.to_string(), written.error().message)});
    }
  }
}

result<void> connection::on_frame(const shared_bytes& frame) {
  if (pending_.empty())
    return fail(errc::malformed, fmt::format("{} answered without being asked", remote_.to_string()));
  const pending_call call = pending_.front();
  wire::reader in(frame);
  const std::int16_t header_version = call.response_tags ? 1 : 0;
  MOLDAU_TRY_ASSIGN(const auto header, wire::protocol::response_header::decode(in, header_version));
  if (header.correlation_id != call.correlation_id) {
    return fail(errc::malformed, fmt::format("{} answered request {} where {} was next", remote_.to_string(),
                                             header.correlation_id, call.correlation_id));
  }
  pending_.erase(pending_.begin());
  last_used_ = world_.now();
  if (options_.traffic) {
    --options_.traffic->in_flight;
    options_.traffic->received_bytes += frame.size() + 4;
    options_.traffic->answered(last_used_ - call.sent);
  }
  if (pending_.empty() && options_.idle_max_ms > 0) {
    arm_timer(last_used_ + std::chrono::milliseconds(options_.idle_max_ms));
  }
  call.to->on_answer(frame.slice(in.position(), frame.size() - in.position()));
  return {};
}

void connection::shut(error why) {
  if (failure_) return;
  failure_ = std::move(why);
  timer_.reset();
  throttle_timer_.reset();
  outgoing_.clear();
  stream_->close();
  const auto failed = std::exchange(pending_, {});
  if (options_.traffic) options_.traffic->in_flight -= failed.size();
  const error reason = *failure_;
  const auto on_end = std::exchange(options_.on_end, nullptr);
  if (on_end) on_end(reason);
  const auto self = weak_from_this().lock();
  for (const pending_call& call : failed) call.to->on_answer(std::unexpected(reason));
  wake_writer();
}

}  // namespace moldau::peer
