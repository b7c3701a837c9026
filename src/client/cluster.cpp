#include "client/cluster.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "wire/protocol/find_coordinator_request.hpp"
#include "wire/protocol/find_coordinator_response.hpp"
#include "wire/protocol/metadata_request.hpp"

namespace moldau::client {

using namespace wire::protocol;

std::int64_t retry_timer::left_ms() const {
  return std::max<std::int64_t>(
      0, std::chrono::duration_cast<std::chrono::milliseconds>(deadline_ - world_.now()).count());
}

rt::task<bool> retry_timer::wait() {
  // A little chance, so that many clients don't come back all at once.
  const std::int64_t spread = next_ms_ / 5 + 1;
  const std::int64_t wait_ms =
      next_ms_ - spread / 2 + static_cast<std::int64_t>(world_.random() % static_cast<std::uint64_t>(spread));
  next_ms_ = std::min(next_ms_ * 2, std::max(next_ms_, most_ms_));
  if (wait_ms >= left_ms()) co_return false;
  co_await world_.sleep_for(std::chrono::milliseconds(wait_ms));
  co_return true;
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

cluster::cluster(rt::world& world, client_options options) : world_(world), options_(std::move(options)) {}

rt::task<result<connection_ptr>> cluster::connect(std::string key, rt::endpoint to) {
  if (closed_) co_return fail(errc::closed, "the client has been closed");
  auto& slot = links_[key];
  if (!slot) slot = std::make_shared<link>();
  const std::shared_ptr<link> mine = slot;
  while (mine->connecting) co_await mine->connected.wait();
  if (mine->connection && mine->connection->is_open()) co_return mine->connection;
  if (closed_) co_return fail(errc::closed, "the client has been closed");
  mine->connecting = true;
  const auto self = shared_from_this();
  auto opened = co_await peer::connection::open(world_, std::move(to),
                                                {.client_id = options_.client_id,
                                                 .connect_timeout_ms = options_.connect_timeout_ms,
                                                 .request_timeout_ms = options_.request_timeout_ms});
  mine->connecting = false;
  if (opened) {
    if (closed_) {
      (*opened)->close();
      opened = fail(errc::closed, "the client has been closed");
    } else {
      mine->connection = *opened;
    }
  }
  mine->connected.notify_all();
  co_return opened;
}

rt::task<result<connection_ptr>> cluster::broker(broker_id id) {
  const auto found = view_.nodes().find(id);
  if (found == view_.nodes().end()) {
    co_return fail(errc::broker_not_available, fmt::format("broker {} isn't in the cluster's list", id.value()));
  }
  const rt::endpoint at = found->second.at;
  co_return co_await connect(at.to_string(), at);
}

rt::task<result<connection_ptr>> cluster::any() {
  for (const auto& [key, known] : links_) {
    if (known->connection && known->connection->is_open()) co_return known->connection;
  }
  std::vector<rt::endpoint> candidates;
  for (const auto& [id, node] : view_.nodes()) candidates.push_back(node.at);
  for (std::size_t i = 0; i < options_.bootstrap_servers.size(); ++i) {
    MOLDAU_CO_TRY_ASSIGN(
        auto at, parse_server(options_.bootstrap_servers[(next_bootstrap_ + i) % options_.bootstrap_servers.size()]));
    candidates.push_back(std::move(at));
  }
  ++next_bootstrap_;
  error last{errc::invalid_argument, "no bootstrap server was given"};
  for (const rt::endpoint& at : candidates) {
    auto got = co_await connect(at.to_string(), at);
    if (got) co_return got;
    last = got.error();
  }
  co_return std::unexpected(std::move(last));
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

rt::task<result<connection_ptr>> cluster::coordinator(std::string group) {
  if (const auto known = coordinators_.find(group); known != coordinators_.end()) {
    auto to = co_await broker(known->second);
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
  co_return co_await connect(fmt::format("{}:{}", found.host, found.port),
                             {std::string(found.host), static_cast<std::uint16_t>(found.port)});
}

rt::task<result<void>> cluster::ask_metadata(const std::set<std::string>* topics, bool may_create,
                                             std::vector<std::string>* names) {
  auto to = co_await any();
  if (!to) co_return std::unexpected(to.error());
  metadata_request request{.allow_auto_topic_creation = may_create};
  if (topics == nullptr) {
    request.topics.reset();
  } else {
    for (const std::string& name : *topics) request.topics->push_back({.name = name});
  }
  // Version 4 is the first that can keep a question from making the topic; all brokers in use know it.
  MOLDAU_CO_TRY_ASSIGN(const auto answer,
                       co_await (*to)->call<metadata_response>(std::move(request), {.version_min = 4}));
  if (answer->error_code != errc::none) co_return fail(answer->error_code, "the broker can't tell its metadata");
  view_.apply(answer.message, world_.wall_ms());
  if (names != nullptr) {
    for (const auto& topic : answer->topics) {
      if (topic.name && topic.error_code == errc::none) names->emplace_back(*topic.name);
    }
  }
  co_return result<void>();
}

rt::task<result<void>> cluster::refresh(std::set<std::string> topics, bool may_create) {
  co_return co_await ask_metadata(&topics, may_create, nullptr);
}

rt::task<result<std::vector<std::string>>> cluster::refresh_all() {
  std::vector<std::string> names;
  retry_timer timer(world_, options_, options_.api_timeout_ms);
  while (true) {
    const auto asked = co_await ask_metadata(nullptr, false, &names);
    if (asked) co_return names;
    if (closed_ || !may_retry(asked.error().code) || !co_await timer.wait()) co_return std::unexpected(asked.error());
  }
}

rt::task<result<const topic_view*>> cluster::topic(std::string name, bool may_create, std::int64_t within_ms) {
  retry_timer timer(world_, options_, within_ms);
  error last;
  do {
    const topic_view* known = view_.topic(name);
    const bool is_fresh = known != nullptr && known->learned_ms != INT64_MIN &&
                          world_.wall_ms() - known->learned_ms < options_.metadata_max_age_ms;
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
  closed_ = true;
  for (const auto& [key, known] : links_) {
    if (known->connection) known->connection->close();
  }
}

}  // namespace moldau::client
