#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "cli/commands.hpp"
#include "cli/json_text.hpp"
#include "cli/table.hpp"
#include "cli/timestamps.hpp"
#include "moldau/client/admin.hpp"

namespace moldau::cli {

namespace {

result<client::admin> connect(const context& in) {
  MOLDAU_TRY_ASSIGN(auto options, in.client_options());
  return client::admin::make(std::move(options));
}

}  // namespace

int cluster_describe(const context& in) {
  auto admin = connect(in);
  if (!admin) return report(admin.error());
  const auto found = admin->describe_cluster().get();
  if (!found) return report(found.error(), "describing the cluster");
  if (in.output == output_form::json) {
    json out = {{"id", found->id}, {"controller", found->controller.value()}, {"brokers", json::array()}};
    for (const auto& node : found->nodes) {
      out["brokers"].push_back({{"id", node.id.value()},
                                {"host", node.host},
                                {"port", node.port},
                                {"rack", node.rack ? json(*node.rack) : json(nullptr)},
                                {"fenced", node.is_fenced}});
    }
    print_json(out);
    return exit_ok;
  }
  fmt::print("cluster {}\n", found->id);
  table out({"BROKER", "HOST", "PORT", "RACK", "STATE"});
  for (const auto& node : found->nodes) {
    out.add({std::to_string(node.id.value()), node.host, std::to_string(node.port), node.rack.value_or("-"),
             std::string(node.is_fenced ? "fenced" : "alive") + (node.id == found->controller ? ", controller" : "")});
  }
  fmt::print("{}", out.to_text());
  return exit_ok;
}

int cluster_features(const context& in) {
  auto admin = connect(in);
  if (!admin) return report(admin.error());
  const auto found = admin->describe_features().get();
  if (!found) return report(found.error(), "describing features");
  if (in.output == output_form::json) {
    json out = {{"epoch", found->epoch}, {"features", json::array()}};
    for (const auto& [name, level] : found->features) {
      out["features"].push_back({{"name", name},
                                 {"supported_min", level.supported_least},
                                 {"supported_max", level.supported_most},
                                 {"finalized", level.finalized ? json(*level.finalized) : json(nullptr)}});
    }
    print_json(out);
    return exit_ok;
  }
  table out({"FEATURE", "SUPPORTED", "FINALIZED"});
  for (const auto& [name, level] : found->features) {
    out.add({name, fmt::format("{} to {}", level.supported_least, level.supported_most),
             level.finalized ? std::to_string(*level.finalized) : "-"});
  }
  fmt::print("{}", out.to_text());
  return exit_ok;
}

int cluster_update_features(const context& in, const std::vector<std::string>& changes, bool downgrade,
                            bool is_unsafe) {
  const auto pairs = parse_pairs(changes);
  if (!pairs) return report(pairs.error());
  std::vector<client::feature_change> asked;
  for (const auto& [name, text] : *pairs) {
    client::feature_change one{.feature = name};
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), one.level);
    if (code != std::errc() || end != text.data() + text.size()) {
      return report_usage(fmt::format("'{}' is no level of {}", text, name));
    }
    one.what = is_unsafe   ? client::feature_change::kind::unsafe_downgrade
               : downgrade ? client::feature_change::kind::safe_downgrade
                           : client::feature_change::kind::upgrade;
    asked.push_back(std::move(one));
  }
  auto admin = connect(in);
  if (!admin) return report(admin.error());
  const auto done = admin->update_features(std::move(asked)).get();
  if (!done) return report(done.error(), "changing features");
  int code = exit_ok;
  for (const auto& [name, outcome] : *done) {
    if (!outcome) {
      code = report(outcome.error(), name);
    } else if (in.output == output_form::table) {
      fmt::print("{} is at {} now\n", name, pairs->at(name));
    }
  }
  if (in.output == output_form::json) print_json({{"ok", code == exit_ok}});
  return code;
}

int cluster_quorum(const context& in) {
  auto admin = connect(in);
  if (!admin) return report(admin.error());
  const auto found = admin->describe_quorum().get();
  if (!found) return report(found.error(), "describing the quorum");
  if (in.output == output_form::json) {
    const auto replicas = [](const std::vector<client::quorum_replica>& of) {
      json out = json::array();
      for (const auto& replica : of) {
        out.push_back({{"id", replica.id.value()},
                       {"directory", replica.directory.to_string()},
                       {"log_end_offset", replica.log_end_offset.value()},
                       {"last_fetch", replica.last_fetch_ms},
                       {"last_caught_up", replica.last_caught_up_ms}});
      }
      return out;
    };
    print_json({{"leader", found->leader.value()},
                {"leader_epoch", found->leader_epoch.value()},
                {"high_watermark", found->high_watermark.value()},
                {"voters", replicas(found->voters)},
                {"observers", replicas(found->observers)}});
    return exit_ok;
  }
  fmt::print("leader {}  epoch {}  high watermark {}\n", found->leader.value(), found->leader_epoch.value(),
             found->high_watermark.value());
  const auto end_of_leader = [&] {
    for (const auto& voter : found->voters) {
      if (voter.id == found->leader) return voter.log_end_offset;
    }
    return found->high_watermark;
  }();
  table out({"NODE", "ROLE", "LOG END", "LAG", "LAST CAUGHT UP"});
  for (const auto& voter : found->voters) {
    out.add({std::to_string(voter.id.value()), voter.id == found->leader ? "leader" : "follower",
             std::to_string(voter.log_end_offset.value()), std::to_string(end_of_leader - voter.log_end_offset),
             show_timestamp(voter.last_caught_up_ms)});
  }
  for (const auto& observer : found->observers) {
    out.add({std::to_string(observer.id.value()), "observer", std::to_string(observer.log_end_offset.value()),
             std::to_string(end_of_leader - observer.log_end_offset), show_timestamp(observer.last_caught_up_ms)});
  }
  fmt::print("{}", out.to_text());
  return exit_ok;
}

int cluster_log_dirs(const context& in, const std::vector<std::int32_t>& brokers) {
  std::vector<broker_id> of;
  for (const std::int32_t id : brokers) of.emplace_back(id);
  auto admin = connect(in);
  if (!admin) return report(admin.error());
  const auto found = admin->describe_log_dirs(std::move(of)).get();
  if (!found) return report(found.error(), "describing log directories");
  int code = exit_ok;
  json shown = json::array();
  table out({"BROKER", "DIRECTORY", "STATE", "REPLICAS", "BYTES", "USABLE", "TOTAL"});
  for (const auto& [id, directories] : *found) {
    if (!directories) {
      code = report(directories.error(), fmt::format("broker {}", id.value()));
      continue;
    }
    for (const auto& directory : *directories) {
      std::int64_t bytes = 0;
      json replicas = json::array();
      for (const auto& replica : directory.replicas) {
        bytes += replica.size_bytes;
        replicas.push_back({{"topic", replica.partition.topic},
                            {"partition", replica.partition.partition.value()},
                            {"bytes", replica.size_bytes},
                            {"offset_lag", replica.offset_lag},
                            {"future", replica.is_future}});
      }
      out.add({std::to_string(id.value()), directory.path,
               directory.state == errc::none ? "online" : std::string(name(directory.state)),
               std::to_string(directory.replicas.size()), std::to_string(bytes), std::to_string(directory.usable_bytes),
               std::to_string(directory.total_bytes)});
      shown.push_back({{"broker", id.value()},
                       {"path", directory.path},
                       {"online", directory.state == errc::none},
                       {"usable_bytes", directory.usable_bytes},
                       {"total_bytes", directory.total_bytes},
                       {"replicas", std::move(replicas)}});
    }
  }
  if (in.output == output_form::json) {
    print_json(shown);
  } else {
    fmt::print("{}", out.to_text());
  }
  return code;
}

}  // namespace moldau::cli
