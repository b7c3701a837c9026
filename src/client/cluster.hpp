#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "client/cluster_view.hpp"
#include "moldau/client/options.hpp"
#include "moldau/core/async.hpp"
#include "peer/connection.hpp"
#include "rt/event.hpp"
#include "rt/spawn.hpp"
#include "rt/task.hpp"
#include "rt/world.hpp"

namespace moldau::client {

using connection_ptr = std::shared_ptr<peer::connection>;

class cluster;

/// Grows the wait between attempts, within a deadline.
class retry_timer {
 public:
  retry_timer(cluster& of, std::int64_t within_ms);

  [[nodiscard]] bool is_over() const;
  [[nodiscard]] std::int64_t left_ms() const;
  /// Waits; false once there is no time for another attempt, or the client is closed.
  [[nodiscard]] rt::task<bool> wait();

 private:
  cluster& of_;
  std::int64_t next_ms_;
  rt::time_point deadline_;
};

/// Whether another connection, coordinator or leader may do what this one couldn't.
[[nodiscard]] bool may_retry(errc code);

/// What a connection to a broker is for. A broker answers one request of a connection after the other, so what may take
/// long (a fetch that waits for records, a join that waits for the other members) has a connection of its own.
enum class link_use : std::uint8_t { general, coordinator, fetch };

/// A client's connections and what it knows of the cluster. Lives on the client's thread, held by its parts.
///
/// Connecting is done by tasks of its own, so that whoever waits for a connection is let go at once by `close`. An
/// address that can't be connected to is left alone for a time that grows.
class cluster : public std::enable_shared_from_this<cluster> {
 public:
  cluster(rt::world& world, client_options options);

  [[nodiscard]] rt::world& world() { return world_; }
  [[nodiscard]] const client_options& options() const { return options_; }
  [[nodiscard]] const cluster_view& view() const { return view_; }
  [[nodiscard]] cluster_view& view() { return view_; }

  /// A connection to that broker, made if need be (after the wait that its last failures call for).
  /// Errors: `broker_not_available` if nobody knows it, otherwise as `peer::connection::open`.
  [[nodiscard]] rt::task<result<connection_ptr>> broker(broker_id id, link_use use = link_use::general);
  /// A connection to any broker: one that is open, or a known one, those first that failed longest ago. Where none can
  /// be had, the bootstrap servers are asked as `metadata_recovery` says.
  [[nodiscard]] rt::task<result<connection_ptr>> any();
  [[nodiscard]] rt::task<result<connection_ptr>> controller();
  /// A group's coordinator, found or remembered.
  [[nodiscard]] rt::task<result<connection_ptr>> coordinator(std::string group, link_use use = link_use::general);
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
  auto with_retries(Where where, Ask ask, Judge judge, call_token call = {})
      -> decltype(ask(std::declval<peer::connection&>())) {
    retry_timer timer(*this, options_.api_timeout_ms);
    while (true) {
      auto to = co_await where();
      error why;
      if (to) {
        auto got = co_await ask(**to);
        if (got) {
          const errc code = judge(*got);
          if (code == errc::none || !may_retry(code)) co_return got;
          if (call.is_cancelled() || !co_await timer.wait() || call.is_cancelled()) co_return got;
          continue;
        }
        why = got.error();
      } else {
        why = to.error();
      }
      if (closed_ || call.is_cancelled() || !may_retry(why.code) || !co_await timer.wait() || call.is_cancelled()) {
        co_return std::unexpected(std::move(why));
      }
    }
  }

  /// Waits; false, at once, when the client is closed.
  [[nodiscard]] rt::task<bool> nap(rt::duration time);
  /// Says something to whoever takes the client's log.
  void log(log_severity severity, std::string_view text) const;
  /// Gives the statistics to `on_statistics` at every interval until the client is closed. `add` puts in what the kind
  /// of client knows; it isn't called once `close` was.
  void report_statistics(std::string kind, std::function<void(statistics&)> add = {});
  /// What the cluster's part knows.
  [[nodiscard]] statistics count(std::string kind) const;

  /// Closes the connections; what waits fails with `errc::closed`.
  void close();
  [[nodiscard]] bool is_closed() const { return closed_; }

 private:
  /// What is known of one address.
  struct link {
    connection_ptr connection;
    bool connecting = false;
    /// Counts attempts, so that who waits can tell the outcome of one that began before.
    std::uint64_t attempt = 0;
    error last_failure;
    int failures_in_a_row = 0;
    rt::time_point not_before{};
    /// When a connection broke or couldn't be made.
    rt::time_point last_lost{};
    /// An attempt has ended, its wait is over, or the client is closed.
    rt::event news;
    std::uint64_t connects = 0;
    std::uint64_t connect_failures = 0;
    std::uint64_t disconnects = 0;
    std::shared_ptr<peer::traffic> traffic = std::make_shared<peer::traffic>();
  };
  using link_ptr = std::shared_ptr<link>;
  using link_key = std::pair<link_use, std::string>;

  /// By the clock that doesn't step.
  [[nodiscard]] std::int64_t now_ms() const;
  link_ptr link_to(const rt::endpoint& at, link_use use);
  rt::task<result<connection_ptr>> connect(rt::endpoint to, link_use use);
  static rt::task<void> establish(std::shared_ptr<cluster> self, link_ptr over, rt::endpoint to);
  void lost(link& of, error why);
  rt::task<result<connection_ptr>> first_of(std::vector<rt::endpoint> candidates);
  void rebootstrap(std::string_view why);
  [[nodiscard]] result<void> check_cluster_id(const std::optional<std::string_view>& told, const rt::endpoint& by);
  static rt::task<void> reporting(std::shared_ptr<cluster> self, std::string kind,
                                  std::function<void(statistics&)> add);
  rt::task<result<void>> ask_metadata(const std::set<std::string>* topics, bool may_create,
                                      std::vector<std::string>* names);

  rt::world& world_;
  client_options options_;
  cluster_view view_;
  /// By use and "host:port": a broker is one connection whatever name led to it.
  std::map<link_key, link_ptr> links_;
  std::map<std::string, broker_id> coordinators_;
  std::size_t next_bootstrap_ = 0;
  /// When the first of those questions for metadata was asked that nobody has answered since.
  std::optional<rt::time_point> unanswered_since_;
  /// The last that was complained of: once is enough.
  std::string refused_cluster_;
  std::uint64_t metadata_requests_ = 0;
  std::uint64_t rebootstraps_ = 0;
  rt::event closing_;
  bool closed_ = false;
};

/// "host:port" or "[::1]:port". Errors: `errc::invalid_argument`.
[[nodiscard]] result<rt::endpoint> parse_server(std::string_view text);

}  // namespace moldau::client
