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
  auto stream = co_await world.net().connect(to, options.connect_timeout_ms);
  if (!stream) {
    co_return fail(stream.error().code, fmt::format("can't connect to {}: {}", to.to_string(), stream.error().message));
  }
  auto self = std::make_shared<connection>(world, *std::move(stream), std::move(options), std::move(to));
  rt::spawn(self->read_loop(self));
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

result<void> connection::enqueue(call_shape shape, message_ref request, const std::vector<shared_bytes>& externals) {
  if (failure_) return std::unexpected(*failure_);
  const request_head head{.api_key = shape.api_key,
                          .version = shape.version,
                          .flexible = shape.flexible,
                          .correlation_id = next_correlation_id_,
                          .client_id = options_.client_id};
  MOLDAU_TRY_ASSIGN(std::vector<shared_bytes> chunks, encode_frame(head, request, externals));
  next_correlation_id_ =
      static_cast<std::int32_t>((static_cast<std::uint32_t>(next_correlation_id_) + 1) & 0x7fffffffU);
  for (shared_bytes& chunk : chunks) outgoing_.emplace_back(std::move(chunk));
  if (!writing_) {
    writing_ = true;
    rt::spawn(write_loop(shared_from_this()));
  }
  return {};
}

rt::task<result<shared_bytes>> connection::exchange(call_shape shape, message_ref request,
                                                    const call_options& options) {
  const auto self = shared_from_this();
  const std::int32_t correlation_id = next_correlation_id_;
  if (failure_) co_return std::unexpected(*failure_);
  const std::int64_t timeout_ms = options.timeout_ms > 0 ? options.timeout_ms : options_.request_timeout_ms;
  rt::completion<result<shared_bytes>> done;
  // Before it is queued: writing may fail inside the call.
  pending_.push_back({.correlation_id = correlation_id,
                      .response_tags = shape.response_tags,
                      .deadline = world_.now() + std::chrono::milliseconds(timeout_ms),
                      .done = &done});
  if (auto queued = enqueue(shape, request, options.externals); !queued) {
    std::erase_if(pending_, [&](const pending_call& call) { return call.done == &done; });
    co_return std::unexpected(std::move(queued).error());
  }
  arm_timer();
  co_return co_await done;
}

void connection::arm_timer() {
  if (pending_.empty()) {
    timer_.reset();
    return;
  }
  const auto earliest = std::ranges::min_element(pending_, {}, &pending_call::deadline)->deadline;
  timer_ = world_.post_at(earliest, [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self || self->pending_.empty()) return;
    const auto now = self->world_.now();
    if (std::ranges::none_of(self->pending_, [&](const pending_call& call) { return call.deadline <= now; })) {
      self->arm_timer();
      return;
    }
    // Answers come in order, so nothing behind this one can come either.
    self->shut({errc::timed_out, fmt::format("{} didn't answer in time", self->remote_.to_string())});
  });
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
        shut(taken.error());
        break;
      }
    }
  }
}

rt::task<void> connection::write_loop(std::shared_ptr<connection> self) {
  while (self->is_open() && !outgoing_.empty()) {
    const auto written = co_await stream_->write(std::exchange(outgoing_, {}));
    if (!written) {
      shut({errc::network_exception,
            fmt::format("the connection to {} broke: {}", remote_.to_string(), written.error().message)});
    }
  }
  writing_ = false;
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
  pending_.pop_front();
  arm_timer();
  call.done->set(frame.slice(in.position(), frame.size() - in.position()));
  return {};
}

void connection::shut(error why) {
  if (failure_) return;
  failure_ = std::move(why);
  timer_.reset();
  outgoing_.clear();
  stream_->close();
  const auto failed = std::exchange(pending_, {});
  const error reason = *failure_;
  for (const pending_call& call : failed) call.done->set(std::unexpected(reason));
}

}  // namespace moldau::peer
