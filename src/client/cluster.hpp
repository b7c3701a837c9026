#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "client/cluster_view.hpp"
#include "moldau/client/options.hpp"
#include "peer/connection.hpp"
#include "rt/event.hpp"
#include "rt/spawn.hpp"
#include "rt/task.hpp"
#include "rt/world.hpp"

namespace moldau::client {

using connection_ptr = std::shared_ptr<peer::connection>;

/// Grows the wait between attempts, within a deadline.
class retry_timer {
 public:
  retry_timer(rt::world& world, const client_options& options, std::int64_t within_ms)
      : world_(world),
        next_ms_(options.retry_backoff_ms),
        most_ms_(options.retry_backoff_max_ms),
        deadline_(world.now() + std::chrono::milliseconds(within_ms)) {}

  [[nodiscard]] bool is_over() const { return world_.now() >= deadline_; }
  [[nodiscard]] std::int64_t left_ms() const;
  /// Waits; false once there is no time for another attempt.
  [[nodiscard]] rt::task<bool> wait();

 private:
  rt::world& world_;
  std::int64_t next_ms_;
  std::int64_t most_ms_;
  rt::time_point deadline_;
};

/// Whether another connection, coordinator or leader may do what this one couldn't.
[[nodiscard]] bool may_retry(errc code);

/// A client's connections and what it knows of the cluster. Lives on the client's thread, held by its parts.
class cluster : public std::enable_shared_from_this<cluster> {
 public:
  cluster(rt::world& world, client_options options);

  [[nodiscard]] rt::world& world() { return world_; }
  [[nodiscard]] const client_options& options() const { return options_; }
  [[nodiscard]] const cluster_view& view() const { return view_; }
  [[nodiscard]] cluster_view& view() { return view_; }

  /// A connection to that broker, made if need be.
  /// Errors: `broker_not_available` if nobody knows it, otherwise as `peer::connection::open`.
  [[nodiscard]] rt::task<result<connection_ptr>> broker(broker_id id);
  /// A connection to any broker: one that is open, a known one, a bootstrap server.
  [[nodiscard]] rt::task<result<connection_ptr>> any();
  [[nodiscard]] rt::task<result<connection_ptr>> controller();
  /// A group's coordinator, found or remembered.
  [[nodiscard]] rt::task<result<connection_ptr>> coordinator(std::string group);
  void forget_coordinator(const std::string& group) { coordinators_.erase(group); }
  [[nodiscard]] broker_id coordinator_id(const std::string& group) const;

  /// Asks for these topics (none: only the brokers). A topic's own error is in the view.
  [[nodiscard]] rt::task<result<void>> refresh(std::set<std::string> topics, bool may_create = false);
  /// Asks for all topics; gives their names.
  [[nodiscard]] rt::task<result<std::vector<std::string>>> refresh_all();
  /// Waits until the topic is known with leaders, asking within the time given.
  [[nodiscard]] rt::task<result<const topic_view*>> topic(std::string name, bool may_create, std::int64_t within_ms);

  /// Calls what `where` leads to, again after failures in passing, within `api_timeout_ms`.
  ///
  /// `where()` gives a `task<result<connection_ptr>>`, `ask(connection&)` a `task<result<reply>>`, `judge(reply)` the
  /// code that decides about another attempt (`errc::none` for whatever isn't to be repeated).
  template <typename Where, typename Ask, typename Judge>
  auto with_retries(Where where, Ask ask, Judge judge) -> decltype(ask(std::declval<peer::connection&>())) {
    retry_timer timer(world_, options_, options_.api_timeout_ms);
    while (true) {
      auto to = co_await where();
      error why;
      if (to) {
        auto got = co_await ask(**to);
        if (got) {
          const errc code = judge(*got);
          if (code == errc::none || !may_retry(code)) co_return got;
          if (!co_await timer.wait()) co_return got;
          continue;
        }
        why = got.error();
      } else {
        why = to.error();
      }
      if (closed_ || !may_retry(why.code) || !co_await timer.wait()) co_return std::unexpected(std::move(why));
    }
  }

  /// Closes the connections; what waits fails with `errc::closed`.
  void close();
  [[nodiscard]] bool is_closed() const { return closed_; }

 private:
  struct link {
    connection_ptr connection;
    bool connecting = false;
    rt::event connected;
    result<void> outcome;
  };

  rt::task<result<connection_ptr>> connect(std::string key, rt::endpoint to);
  rt::task<result<void>> ask_metadata(const std::set<std::string>* topics, bool may_create,
                                      std::vector<std::string>* names);

  rt::world& world_;
  client_options options_;
  cluster_view view_;
  /// By "host:port": a broker is one connection whatever name led to it.
  std::map<std::string, std::shared_ptr<link>> links_;
  std::map<std::string, broker_id> coordinators_;
  std::size_t next_bootstrap_ = 0;
  bool closed_ = false;
};

/// "host:port" or "[::1]:port". Errors: `errc::invalid_argument`.
[[nodiscard]] result<rt::endpoint> parse_server(std::string_view text);

}  // namespace moldau::client
