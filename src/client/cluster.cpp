#include "client/cluster.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>

#include "wire/protocol/find_coordinator_request.hpp"
#include "wire/protocol/find_coordinator_response.hpp"
#include "wire/protocol/metadata_request.hpp"

namespace moldau::client {

using namespace wire::protocol;

namespace {

/// A little chance, so that many clients don't come back all at once.
rt::duration spread(rt::world& world, std::int64_t wait_ms) {
  const std::int64_t part = wait_ms / 5 + 1;
  return std::chrono::milliseconds(wait_ms - part / 2 +
                                   static_cast<std::int64_t>(world.random() % static_cast<std::uint64_t>(part)));
}

/// `first` doubled `times` times, up to `most`.
std::int64_t grown(std::int64_t first, int times, std::int64_t most) {
  for (; times > 0 && first < most; --times) first *= 2;
  return std::min(first, most);
}

}  // namespace

retry_timer::retry_timer(cluster& of, std::int64_t within_ms)
    : of_(of),
      next_ms_(of.options().retry_backoff_ms),
      deadline_(of.world().now() + std::chrono::milliseconds(within_ms)) {}

bool retry_timer::is_over() const {
  return of_.world().now() >= deadline_;
}

std::int64_t retry_timer::left_ms() const {
  return std::max<std::int64_t>(
      0, std::chrono::duration_cast<std::chrono::milliseconds>(deadline_ - of_.world().now()).count());
}

rt::task<bool> retry_timer::wait() {
  const rt::duration wait = spread(of_.world(), next_ms_);
  next_ms_ = std::min(next_ms_ * 2, std::max(next_ms_, of_.options().retry_backoff_max_ms));
  if (of_.world().now() + wait >= deadline_) co_return false;
  co_return co_await of_.nap(wait);
}

bool may_retry(errc code) {
  return is_retriable(code) || code == errc::closed || code == errc::broker_not_available || code == errc::io_error;
}

result<rt::endpoint> parse_server(std::string_view text) {
  const auto wrong = [&] {
    return fail(errc::invalid_argument, fmt::format("'{}' is no address of a server: write host:port", text));
  };
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return wrong();
  std::string_view host = text.substr(0, colon);
  const std::string_view port = text.substr(colon + 1);
  std::uint16_t number = 0;
  const auto [end, code] = std::from_chars(port.data(), port.data() + port.size(), number);
  if (code != std::errc() || end != port.data() + port.size() || number == 0) return wrong();
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  return rt::endpoint{std::string(host), number};
}

cluster::cluster(rt::world& world, client_options options) : world_(world), options_(std::move(options)) {
  if (options_.ignored_properties.empty()) return;
  world_.post([take = options_.log, names = fmt::format("{}", fmt::join(options_.ignored_properties, ", "))] {
    if (take) take(log_severity::warn, "client: these properties mean nothing here: " + names);
  });
}

void cluster::log(log_severity severity, std::string_view text) const {
  if (options_.log) options_.log(severity, fmt::format("client: {}", text));
}

std::int64_t cluster::now_ms() const {
  return std::chrono::duration_cast<std::chrono::milliseconds>(world_.now().time_since_epoch()).count();
}

rt::task<bool> cluster::nap(rt::duration time) {
  const auto self = shared_from_this();
  const rt::time_point until = world_.now() + time;
  const auto timer = world_.post_at(until, [self] { self->closing_.notify_all(); });
  // Other naps' ends wake this one too.
  while (!closed_ && world_.now() < until) co_await closing_.wait();
  co_return !closed_;
}

cluster::link_ptr cluster::link_to(const rt::endpoint& at, link_use use) {
  auto& slot = links_[{use, at.to_string()}];
  if (!slot) slot = std::make_shared<link>();
  return slot;
}

rt::task<result<connection_ptr>> cluster::connect(rt::endpoint to, link_use use) {
  const auto self = shared_from_this();
  const link_ptr over = link_to(to, use);
  std::uint64_t awaited = 0;
  while (true) {
    if (closed_) co_return fail(errc::closed, "the client has been closed");
    if (over->connection && over->connection->is_open()) co_return over->connection;
    if (awaited != 0 && over->attempt >= awaited && !over->connecting) co_return std::unexpected(over->last_failure);
    std::unique_ptr<rt::timer> wake;
    if (over->connecting) {
      if (awaited == 0) awaited = over->attempt;
    } else if (world_.now() < over->not_before) {
      wake = world_.post_at(over->not_before, [over] { over->news.notify_all(); });
    } else {
      over->connecting = true;
      awaited = ++over->attempt;
      rt::spawn(establish(self, over, to));
      // It may have ended inside the call.
      continue;
    }
    co_await over->news.wait();
  }
}

rt::task<void> cluster::establish(std::shared_ptr<cluster> self, link_ptr over, rt::endpoint to) {
  const client_options& options = self->options_;
  const std::int64_t timeout_ms =
      grown(options.connect_timeout_ms, over->failures_in_a_row, options.connect_timeout_max_ms);
  auto opened = co_await peer::connection::open(
      self->world_, to,
      {.client_id = options.client_id,
       .connect_timeout_ms = std::max(timeout_ms, options.connect_timeout_ms),
       .request_timeout_ms = options.request_timeout_ms,
       .buffers = {.send_bytes = options.send_buffer_bytes, .receive_bytes = options.receive_buffer_bytes},
       .idle_max_ms = std::max<std::int64_t>(options.connections_idle_max_ms, 0),
       .traffic = over->traffic,
       .on_end = [weak = self->weak_from_this(), of = std::weak_ptr(over)](const error& why) {
         const auto alive = weak.lock();
         const auto broken = of.lock();
         // Before it was opened, whoever opens it tells.
         if (alive && broken && !broken->connecting && why.code != errc::closed) {
           ++broken->disconnects;
           alive->lost(*broken, why);
         }
       }});
  over->connecting = false;
  if (self->closed_) {
    if (opened) (*opened)->close();
  } else if (opened) {
    ++over->connects;
    over->failures_in_a_row = 0;
    over->not_before = {};
    over->connection = *opened;
    self->log(log_severity::debug, fmt::format("connected to {}", to.to_string()));
  } else {
    ++over->connect_failures;
    self->lost(*over, opened.error());
  }
  over->news.notify_all();
}

void cluster::lost(link& of, error why) {
  const std::int64_t wait_ms =
      grown(options_.reconnect_backoff_ms, of.failures_in_a_row, options_.reconnect_backoff_max_ms);
  ++of.failures_in_a_row;
  of.last_lost = world_.now();
  of.not_before = of.last_lost + spread(world_, wait_ms);
  log(log_severity::warn, why.message);
  of.last_failure = std::move(why);
}

rt::task<result<connection_ptr>> cluster::broker(broker_id id, link_use use) {
  const auto found = view_.nodes().find(id);
  if (found == view_.nodes().end()) {
    co_return fail(errc::broker_not_available, fmt::format("broker {} isn't in the cluster's list", id.value()));
  }
  co_return co_await connect(found->second.at, use);
}

rt::task<result<connection_ptr>> cluster::first_of(std::vector<rt::endpoint> candidates) {
  std::multimap<rt::time_point, rt::endpoint> in_order;
  for (rt::endpoint& at : candidates) {
    const rt::time_point lost = link_to(at, link_use::general)->last_lost;
    in_order.emplace(lost, std::move(at));
  }
  error last{errc::invalid_argument, "no bootstrap server was given"};
  for (auto& [lost, at] : in_order) {
    auto got = co_await connect(std::move(at), link_use::general);
    if (got) co_return got;
    last = std::move(got).error();
    if (closed_) break;
  }
  co_return std::unexpected(std::move(last));
}

rt::task<result<connection_ptr>> cluster::any() {
  const auto self = shared_from_this();
  connection_ptr idlest;
  for (const auto& [key, known] : links_) {
    if (key.first != link_use::general || !known->connection || !known->connection->is_open()) continue;
    if (!idlest || known->connection->in_flight() < idlest->in_flight()) idlest = known->connection;
  }
  if (idlest) co_return idlest;
  if (!view_.nodes().empty()) {
    std::vector<rt::endpoint> known;
    for (const auto& [id, node] : view_.nodes()) known.push_back(node.at);
    auto got = co_await first_of(std::move(known));
    if (got || closed_ || options_.metadata_recovery == metadata_recovery::none) co_return got;
    // KIP-899
    rebootstrap(got.error().message);
  }
  std::vector<rt::endpoint> bootstrap;
  const std::size_t count = options_.bootstrap_servers.size();
  for (std::size_t i = 0; i < count; ++i) {
    MOLDAU_CO_TRY_ASSIGN(auto at, parse_server(options_.bootstrap_servers[(next_bootstrap_ + i) % count]));
    bootstrap.push_back(std::move(at));
  }
  ++next_bootstrap_;
  co_return co_await first_of(std::move(bootstrap));
}

void cluster::rebootstrap(std::string_view why) {
  ++rebootstraps_;
  unanswered_since_.reset();
  log(log_severity::warn, fmt::format("beginning again with the bootstrap servers: {}", why));
  view_.forget_all();
  coordinators_.clear();
  // What waits on one of these hears of it and is tried again where the cluster is now.
  for (const auto& [key, known] : std::map(links_)) {
    if (known->connection) known->connection->close();
    known->not_before = {};
  }
}

rt::task<result<connection_ptr>> cluster::controller() {
  if (view_.controller() == no_broker || !view_.nodes().contains(view_.controller())) {
    MOLDAU_CO_TRY(co_await refresh({}));
  }
  // A broker passes what it can't do itself on to the controller.
  if (view_.controller() == no_broker) co_return co_await any();
  co_return co_await broker(view_.controller());
}

broker_id cluster::coordinator_id(const std::string& group) const {
  const auto found = coordinators_.find(group);
  return found == coordinators_.end() ? no_broker : found->second;
}

rt::task<result<connection_ptr>> cluster::coordinator(std::string group, link_use use) {
  if (const auto known = coordinators_.find(group); known != coordinators_.end()) {
    auto to = co_await broker(known->second, use);
    if (to) co_return to;
    coordinators_.erase(group);
  }
  MOLDAU_CO_TRY_ASSIGN(const connection_ptr asked, co_await any());
  find_coordinator_request request{.key = group, .key_type = 0, .coordinator_keys = {}};
  MOLDAU_CO_TRY_ASSIGN(const std::int16_t version,
                       asked->api_versions().choose(
                           find_coordinator_request::api_key, "FindCoordinator",
                           {find_coordinator_request::min_version, find_coordinator_request::max_stable_version}));
  if (version >= 4) {
    request.key = {};
    request.coordinator_keys = {group};
  }
  MOLDAU_CO_TRY_ASSIGN(const auto answer,
                       co_await asked->call_at<find_coordinator_response>(version, std::move(request)));
  find_coordinator_response::coordinator found{.key = group,
                                               .node_id = answer->node_id,
                                               .host = answer->host,
                                               .port = answer->port,
                                               .error_code = answer->error_code};
  if (version >= 4) {
    if (answer->coordinators.empty()) co_return fail(errc::malformed, "FindCoordinator was answered for no group");
    found = answer->coordinators.front();
  }
  if (found.error_code != errc::none) {
    co_return fail(found.error_code, fmt::format("no coordinator for group '{}' yet", group));
  }
  coordinators_[group] = found.node_id;
  co_return co_await connect({std::string(found.host), static_cast<std::uint16_t>(found.port)}, use);
}

rt::task<result<void>> cluster::ask_metadata(const std::set<std::string>* topics, bool may_create,
                                             std::vector<std::string>* names) {
  const auto self = shared_from_this();
  if (!unanswered_since_) unanswered_since_ = world_.now();
  const auto failed = [&](error why) -> result<void> {
    // KIP-1102: brokers that take connections and don't answer are no better than those that are gone.
    const bool is_over = unanswered_since_ && world_.now() - *unanswered_since_ >=
                                                  std::chrono::milliseconds(options_.rebootstrap_trigger_ms);
    if (!closed_ && options_.metadata_recovery == metadata_recovery::rebootstrap &&
        (is_over || why.code == errc::rebootstrap_required)) {
      rebootstrap(why.message);
      why.code = errc::network_exception;
    }
    return std::unexpected(std::move(why));
  };
  auto to = co_await any();
  if (!to) co_return failed(to.error());
  metadata_request request{.allow_auto_topic_creation = may_create};
  if (topics == nullptr) {
    request.topics.reset();
  } else {
    for (const std::string& name : *topics) request.topics->push_back({.name = name});
  }
  ++metadata_requests_;
  // Version 4 is the first that can keep a question from making the topic; all brokers in use know it.
  const auto answer = co_await (*to)->call<metadata_response>(std::move(request), {.version_min = 4});
  if (!answer) co_return failed(answer.error());
  if ((*answer)->error_code != errc::none) {
    co_return failed({(*answer)->error_code, "the broker can't tell its metadata"});
  }
  unanswered_since_.reset();
  if (auto same = check_cluster_id((*answer)->cluster_id, (*to)->remote()); !same) {
    co_return failed(std::move(same).error());
  }
  view_.apply(answer->message, now_ms());
  if (names != nullptr) {
    for (const auto& topic : (*answer)->topics) {
      if (topic.name && topic.error_code == errc::none) names->emplace_back(*topic.name);
    }
  }
  co_return result<void>();
}

/// Two clusters never come into one view. Another one's answer is refused; where the bootstrap servers lead to it, the
/// client begins there with nothing.
result<void> cluster::check_cluster_id(const std::optional<std::string_view>& told, const rt::endpoint& by) {
  const std::string before = view_.cluster_id();
  if (!told || before.empty() || *told == before) return {};
  error why{errc::inconsistent_cluster_id,
            fmt::format("{} belongs to cluster '{}', and until now this client worked with cluster '{}': all of "
                        "bootstrap.servers must be of one cluster",
                        by.to_string(), *told, before)};
  if (refused_cluster_ != *told) log(log_severity::error, why.message);
  refused_cluster_ = *told;
  if (!view_.nodes().empty()) {
    if (options_.metadata_recovery == metadata_recovery::rebootstrap) why.code = errc::rebootstrap_required;
    return std::unexpected(std::move(why));
  }
  view_ = {};
  coordinators_.clear();
  return {};
}

rt::task<result<void>> cluster::refresh(std::set<std::string> topics, bool may_create) {
  co_return co_await ask_metadata(&topics, may_create, nullptr);
}

rt::task<result<std::vector<std::string>>> cluster::refresh_all() {
  std::vector<std::string> names;
  retry_timer timer(*this, options_.api_timeout_ms);
  while (true) {
    const auto asked = co_await ask_metadata(nullptr, false, &names);
    if (asked) co_return names;
    if (closed_ || !may_retry(asked.error().code) || !co_await timer.wait()) co_return std::unexpected(asked.error());
  }
}

rt::task<result<const topic_view*>> cluster::topic(std::string name, bool may_create, std::int64_t within_ms) {
  retry_timer timer(*this, within_ms);
  error last;
  do {
    const topic_view* known = view_.topic(name);
    const bool is_fresh = known != nullptr && known->learned_ms != INT64_MIN &&
                          now_ms() - known->learned_ms < options_.metadata_max_age_ms;
    if (is_fresh && known->code == errc::none) {
      const bool led =
          std::ranges::all_of(known->partitions, [](const auto& p) { return p.second.leader != no_broker; });
      if (led) co_return known;
    }
    std::set<std::string> wanted;
    wanted.insert(name);
    const auto asked = co_await refresh(std::move(wanted), may_create);
    if (!asked) {
      last = asked.error();
      if (closed_ || !may_retry(last.code)) co_return std::unexpected(last);
      continue;
    }
    known = view_.topic(name);
    if (known != nullptr && known->code == errc::none) {
      const bool led =
          std::ranges::all_of(known->partitions, [](const auto& p) { return p.second.leader != no_broker; });
      if (led) co_return known;
      last = {errc::leader_not_available, fmt::format("topic '{}' has partitions without a leader", name)};
    } else {
      const errc code = known != nullptr ? known->code : errc::unknown_topic_or_partition;
      last = {code, code == errc::unknown_topic_or_partition
                        ? fmt::format("there is no topic '{}'", name)
                        : fmt::format("topic '{}' can't be used: {}", name, moldau::name(code))};
      if (!is_retriable(code)) co_return std::unexpected(last);
      // A topic that nobody makes won't come by waiting.
      if (code == errc::unknown_topic_or_partition && !may_create) co_return std::unexpected(last);
    }
  } while (co_await timer.wait());
  co_return std::unexpected(last);
}

void cluster::close() {
  if (std::exchange(closed_, true)) return;
  const auto self = shared_from_this();
  // A copy: whoever is woken may look for another connection, and hear that the client is closed.
  for (const auto& [key, known] : std::map(links_)) {
    if (known->connection) known->connection->close();
    known->news.notify_all();
  }
  closing_.notify_all();
}

namespace {

void add_traffic(const peer::traffic& from, broker_statistics& to) {
  to.requests += from.requests;
  to.responses += from.responses;
  to.timeouts += from.timeouts;
  to.sent_bytes += from.sent_bytes;
  to.received_bytes += from.received_bytes;
  to.in_flight += from.in_flight;
  to.request_time.count += from.responses;
  to.request_time.total_us += from.total_us;
  to.request_time.longest_us = std::max(to.request_time.longest_us, from.longest_us);
  to.request_time.recent_us = std::max(to.request_time.recent_us, from.recent_us);
}

}  // namespace

statistics cluster::count(std::string kind) const {
  statistics out{
      .client_id = options_.client_id,
      .kind = std::move(kind),
      .time_us = std::chrono::duration_cast<std::chrono::microseconds>(world_.now().time_since_epoch()).count(),
      .cluster_id = view_.cluster_id(),
      .topics = view_.topic_count(),
      .metadata_requests = metadata_requests_,
      .rebootstraps = rebootstraps_};
  std::map<std::string, broker_id> ids;
  for (const auto& [id, node] : view_.nodes()) ids[node.at.to_string()] = id;
  std::map<std::string, broker_statistics> by_address;
  for (const auto& [key, known] : links_) {
    auto& broker = by_address[key.second];
    broker.address = key.second;
    if (const auto id = ids.find(key.second); id != ids.end()) broker.id = id->second;
    broker.is_connected = broker.is_connected || (known->connection && known->connection->is_open());
    broker.connects += known->connects;
    broker.connect_failures += known->connect_failures;
    broker.disconnects += known->disconnects;
    add_traffic(*known->traffic, broker);
  }
  for (auto& [address, broker] : by_address) out.brokers.push_back(std::move(broker));
  return out;
}

void cluster::report_statistics(std::string kind, std::function<void(statistics&)> add) {
  if (!options_.on_statistics || options_.statistics_interval_ms <= 0) return;
  world_.post([self = shared_from_this(), kind = std::move(kind), add = std::move(add)]() mutable {
    rt::spawn(reporting(std::move(self), std::move(kind), std::move(add)));
  });
}

rt::task<void> cluster::reporting(std::shared_ptr<cluster> self, std::string kind,
                                  std::function<void(statistics&)> add) {
  while (co_await self->nap(std::chrono::milliseconds(self->options_.statistics_interval_ms))) {
    statistics counted = self->count(kind);
    if (add) add(counted);
    self->options_.on_statistics(counted);
  }
}

}  // namespace moldau::client
