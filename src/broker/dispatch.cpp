#include "broker/dispatch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <iterator>
#include <string>

#include "broker/handlers.hpp"
#include "broker/shard.hpp"

namespace moldau::broker {
namespace {

using wire::protocol::api_key;

constexpr api_entry serve_all(api_key key, rt::task<answer> (*handler)(shard&, request&)) {
  return {key, handler, wire::protocol::info(key).max_stable_version()};
}

constexpr std::array served{
    serve_all(api_key::produce, &produce),
    serve_all(api_key::fetch, &fetch),
    serve_all(api_key::list_offsets, &list_offsets),
    serve_all(api_key::metadata, &metadata),
    serve_all(api_key::offset_commit, &offset_commit),
    serve_all(api_key::offset_fetch, &offset_fetch),
    serve_all(api_key::find_coordinator, &find_coordinator),
    serve_all(api_key::join_group, &join_group),
    serve_all(api_key::heartbeat, &heartbeat),
    serve_all(api_key::leave_group, &leave_group),
    serve_all(api_key::sync_group, &sync_group),
    serve_all(api_key::describe_groups, &describe_groups),
    serve_all(api_key::list_groups, &list_groups),
    serve_all(api_key::api_versions, &api_versions),
    serve_all(api_key::create_topics, &create_topics),
    serve_all(api_key::delete_topics, &delete_topics),
    serve_all(api_key::delete_records, &delete_records),
    serve_all(api_key::init_producer_id, &init_producer_id),
    serve_all(api_key::offset_for_leader_epoch, &offset_for_leader_epoch),
    serve_all(api_key::describe_configs, &describe_configs),
    serve_all(api_key::alter_configs, &alter_configs),
    serve_all(api_key::describe_log_dirs, &describe_log_dirs),
    serve_all(api_key::create_partitions, &create_partitions),
    serve_all(api_key::delete_groups, &delete_groups),
    serve_all(api_key::incremental_alter_configs, &incremental_alter_configs),
    serve_all(api_key::offset_delete, &offset_delete),
    serve_all(api_key::describe_quorum, &describe_quorum),
    serve_all(api_key::update_features, &update_features),
    serve_all(api_key::fetch_snapshot, &fetch_snapshot),
    serve_all(api_key::describe_cluster, &describe_cluster),
    serve_all(api_key::describe_producers, &describe_producers),
    serve_all(api_key::describe_topic_partitions, &describe_topic_partitions),
};

/// For the log of requests.
std::string text_of(const answer& done) {
  switch (done.what) {
    case answer::kind::none:
      return "no answer is expected,";
    case answer::kind::close:
      return "the connection is closed,";
    case answer::kind::send:
      break;
  }
  std::string out = fmt::format("{} bytes", done.frame.size_bytes);
  for (const auto& [code, count] : done.frame.errors)
    fmt::format_to(std::back_inserter(out), ", {} {}", count, name(code));
  return out;
}

static_assert(std::ranges::is_sorted(served, {}, &api_entry::key));

}  // namespace

std::span<const api_entry> served_apis() {
  return served;
}

rt::task<answer> dispatch(shard& at, request& what) {
  const auto found = std::ranges::find(served, static_cast<api_key>(what.api_key), &api_entry::key);
  const auto refuse = [&](std::string_view why) {
    at.log().info("closing the connection from {}: {} (api key {} version {})", what.peer->host, why, what.api_key,
                  what.api_version);
    return answer::close_connection();
  };
  if (found == served.end()) co_return refuse("an API that isn't served");
  const auto& info = wire::protocol::info(found->key);
  if (what.peer->controller ? !info.controller : !info.broker) {
    co_return refuse("an API that this listener doesn't serve");
  }
  const bool known = what.api_version >= found->min_version() && what.api_version <= found->max_version;
  if (!known && found->key != api_key::api_versions) co_return refuse("a version that isn't served");
  answer done = co_await found->handler(at, what);
  const rt::time_point now = at.world().now();
  at.metrics().answered(what, done, now);
  if (at.log().on(base::log_level::debug)) {
    at.log().debug("{} v{} from {} ({}, {} bytes): {} after {} us", info.name, what.api_version, what.peer->host,
                   what.client_id, what.frame.size(), text_of(done),
                   std::chrono::duration_cast<std::chrono::microseconds>(now - what.received).count());
  }
  co_return done;
}

}  // namespace moldau::broker
