#include "http/server.hpp"

#include <fmt/format.h>

#include <exception>
#include <utility>

#include "http/codec.hpp"
#include "http/target.hpp"

namespace moldau::http {

namespace {

constexpr std::size_t read_step = 16 * 1024;
constexpr std::size_t max_lingering_bytes = 1024 * 1024;
constexpr std::int64_t pause_after_failed_accept_ms = 100;

shared_bytes to_bytes(std::string_view text) {
  return shared_bytes::copy_of(as_bytes(text));
}

std::chrono::milliseconds as_ms(std::int64_t ms) {
  return std::chrono::milliseconds(ms);
}

}  // namespace

/// One connection.
struct server::session {
  std::unique_ptr<rt::connection> peer;
  /// Bytes that came and belong to no request yet.
  std::string received;
  std::unique_ptr<request_parser> parser;
  /// Between requests: `stop` may close it.
  bool idle = true;

  /// Closes the connection at that time unless the result is dropped before.
  [[nodiscard]] std::unique_ptr<rt::timer> close_after(rt::world& home, std::int64_t ms) {
    return home.post_at(home.now() + as_ms(ms), [this] { peer->close(); });
  }
};

server::server(rt::world& home, options chosen)
    : home_(home), options_(std::move(chosen)), log_(home.log().named("http")) {}

server::~server() = default;

void server::route(method verb, std::string_view pattern, handler what) {
  router_.add(verb, pattern, std::move(what));
}

result<void> server::listen(const rt::endpoint& at) {
  MOLDAU_TRY_ASSIGN(listener_, home_.net().listen(at));
  running_.spawn(accept_all());
  return {};
}

rt::endpoint server::local() const {
  return listener_ ? listener_->local() : rt::endpoint{};
}

rt::task<void> server::stop() {
  stopping_ = true;
  if (listener_) listener_->close();
  for (session& each : sessions_) {
    if (each.idle) each.peer->close();
  }
  const auto limit = home_.post_at(home_.now() + as_ms(options_.stop_timeout_ms), [this] {
    for (session& each : sessions_) each.peer->close();
  });
  co_await running_.drained();
}

rt::task<void> server::accept_all() {
  while (!stopping_) {
    auto accepted = co_await listener_->accept();
    if (stopping_) break;
    if (!accepted) {
      if (accepted.error().code == errc::closed) break;
      log_.warn("{}", accepted.error().message);
      co_await home_.sleep_for(as_ms(pause_after_failed_accept_ms));
      continue;
    }
    if (sessions_.size() >= options_.max_connections) {
      log_.warn("closed a connection from {}: {} are open already", (*accepted)->remote().to_string(),
                sessions_.size());
      continue;
    }
    session& added = sessions_.emplace_back();
    added.peer = *std::move(accepted);
    running_.spawn(serve(added));
  }
}

rt::task<void> server::serve(session& self) {
  while (!stopping_ && co_await serve_one(self)) {
  }
  self.peer->close();
  sessions_.remove_if([&](const session& each) { return &each == &self; });
}

rt::task<bool> server::serve_one(session& self) {
  self.parser = std::make_unique<request_parser>(options_.max_header_bytes, options_.max_body_bytes);
  if (!co_await receive(self)) co_return false;
  const bool keep_alive = self.parser->keep_alive();
  request asked = self.parser->take();
  response what = co_await answer(self, asked, self.parser->target_text());
  const bool keep = keep_alive && !stopping_;
  co_return co_await send(self, std::move(what), keep, asked.verb == method::head) && keep;
}

rt::task<bool> server::receive(session& self) {
  self.idle = self.received.empty();
  auto limit = self.close_after(home_, self.idle ? options_.idle_timeout_ms : options_.transfer_timeout_ms);
  while (true) {
    if (!self.received.empty()) {
      std::size_t consumed = 0;
      const auto state = self.parser->feed(as_bytes(self.received), consumed);
      self.received.erase(0, consumed);
      if (state == request_parser::state::done) co_return true;
      if (state == request_parser::state::failed) {
        co_await refuse(self, self.parser->error_status(), self.parser->error_sentence());
        co_return false;
      }
      if (self.parser->take_continue()) {
        std::vector<rt::chunk> interim;
        interim.emplace_back(to_bytes("HTTP/1.1 100 Continue\r\n\r\n"));
        if (!co_await self.peer->write(std::move(interim))) co_return false;
      }
    }
    const std::size_t before = self.received.size();
    self.received.resize(before + read_step);
    const auto got = co_await self.peer->read_some(std::as_writable_bytes(std::span(self.received)).subspan(before));
    self.received.resize(before + got.value_or(0));
    if (!got || *got == 0) co_return false;
    if (self.idle) {
      self.idle = false;
      limit = self.close_after(home_, options_.transfer_timeout_ms);
    }
  }
}

rt::task<response> server::answer(session& self, request& asked, std::string_view target_text) {
  auto where = parse_target(target_text);
  if (!where) co_return error_response(400, fmt::format("'{}' is no path", target_text));
  auto match = router_.find(asked.verb, where->segments);
  if (match.allowed.empty()) co_return error_response(404, fmt::format("there is nothing at {}", where->path));
  if (match.found == nullptr) {
    auto refused = error_response(405, fmt::format("{} can't be done at {}", name(asked.verb), where->path));
    std::string allowed;
    for (const method each : match.allowed) allowed += fmt::format("{}{}", allowed.empty() ? "" : ", ", name(each));
    refused.headers.emplace_back("Allow", std::move(allowed));
    co_return refused;
  }
  asked.path = std::move(where->path);
  asked.query = std::move(where->query);
  asked.parameters = std::move(match.parameters);
  std::string failure;
  try {
    co_return co_await (*match.found)(asked);
  } catch (const std::exception& thrown) {
    failure = thrown.what();
  }
  log_.error("{} {} from {} failed: {}", name(asked.verb), asked.path, self.peer->remote().to_string(), failure);
  co_return error_response(500, "the request failed, see the log");
}

rt::task<bool> server::send(session& self, response what, bool keep, bool without_body) {
  const auto limit = self.close_after(home_, options_.transfer_timeout_ms);
  std::vector<rt::chunk> chunks;
  chunks.emplace_back(to_bytes(format_head(what, self.parser->is_http_1_0(), keep)));
  if (!without_body) chunks.emplace_back(to_bytes(what.body));
  const auto sent = co_await self.peer->write(std::move(chunks));
  co_return sent.has_value();
}

rt::task<void> server::refuse(session& self, int status, std::string sentence) {
  if (!co_await send(self, error_response(status, sentence), false, false)) co_return;
  const auto limit = self.close_after(home_, options_.linger_timeout_ms);
  shared_bytes scratch = shared_bytes::allocate(read_step);
  for (std::size_t thrown_away = 0; thrown_away < max_lingering_bytes;) {
    const auto got = co_await self.peer->read_some(scratch.writable());
    if (!got || *got == 0) break;
    thrown_away += *got;
  }
}

response server::error_response(int status, std::string_view sentence) const {
  if (options_.error_response) return options_.error_response(status, sentence);
  response plain;
  plain.status = status;
  plain.body = fmt::format("{}\n", sentence);
  return plain;
}

}  // namespace moldau::http
