#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>

#include "http/message.hpp"
#include "http/router.hpp"
#include "rt/spawn.hpp"
#include "rt/world.hpp"

namespace moldau::http {

/// An HTTP/1.1 server on one core: keep-alive, pipelined requests answered in order, bounded in every direction.
///
/// For administration and REST, not for bulk: a body is whole in memory before its handler runs. Belongs to its world's
/// core; must have stopped (`co_await stop()`) before it is destroyed.
///
///     http::server admin(world, {});
///     admin.route(http::method::get, "/healthz", [](const http::request&) -> rt::task<http::response> {
///       co_return http::response{.body = "ok\n"};
///     });
///     MOLDAU_TRY(admin.listen({.host = "127.0.0.1", .port = 9644}));
class server {
 public:
  struct options {
    /// Longer: 431.
    std::uint32_t max_header_bytes = 16 * 1024;
    /// Longer: 413.
    std::uint64_t max_body_bytes = 1024 * 1024;
    /// More are closed as they come.
    std::size_t max_connections = 256;
    /// How long a connection may lie idle between requests.
    std::int64_t idle_timeout_ms = 60'000;
    /// How long one request may take to arrive, and one response to be taken.
    std::int64_t transfer_timeout_ms = 30'000;
    /// How long the rest of a refused request is read and thrown away: closing over unread input would reset the
    /// connection before the client has seen the answer.
    std::int64_t linger_timeout_ms = 1'000;
    /// How long `stop` waits for responses under way before it closes their connections.
    std::int64_t stop_timeout_ms = 5'000;
    /// Makes the answer to what no handler sees (400, 404, 405, 413, 431, 500, 505); plain text if empty.
    std::function<response(int status, std::string_view sentence)> error_response;
  };

  server(rt::world& home, options chosen);
  server(const server&) = delete;
  server& operator=(const server&) = delete;
  ~server();

  /// As `router::add`. Before `listen`.
  void route(method verb, std::string_view pattern, handler what);
  /// Opens the port and serves it. Errors: those of `rt::transport::listen`.
  [[nodiscard]] result<void> listen(const rt::endpoint& at);
  /// Where it listens, with the port that port 0 became.
  [[nodiscard]] rt::endpoint local() const;
  [[nodiscard]] std::size_t connection_count() const { return sessions_.size(); }

  /// Takes no more connections, closes idle ones, and waits for the responses under way.
  rt::task<void> stop();

 private:
  struct session;

  rt::task<void> accept_all();
  rt::task<void> serve(session& self);
  /// Whether another request may follow.
  rt::task<bool> serve_one(session& self);
  /// Reads until the parser has a request; answers and says no if what comes isn't one, or nothing comes.
  rt::task<bool> receive(session& self);
  rt::task<response> answer(session& self, request& asked, std::string_view target_text);
  /// Whether it went out.
  rt::task<bool> send(session& self, response what, bool keep, bool without_body);
  rt::task<void> refuse(session& self, int status, std::string sentence);
  [[nodiscard]] response error_response(int status, std::string_view sentence) const;

  rt::world& home_;
  const options options_;
  const base::logger log_;
  router router_;
  std::unique_ptr<rt::listener> listener_;
  std::list<session> sessions_;
  rt::gate running_;
  bool stopping_ = false;
};

}  // namespace moldau::http
