#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>

#include "cli/commands.hpp"
#include "cli/json_text.hpp"
#include "cli/suggest.hpp"
#include "cli/table.hpp"
#include "config/definition.hpp"
#include "moldau/client/admin.hpp"

namespace moldau::cli {

namespace {

result<client::admin> connect(const context& in) {
  MOLDAU_TRY_ASSIGN(auto options, in.client_options());
  return client::admin::make(std::move(options));
}

std::string ids(const std::vector<broker_id>& of) {
  std::string out;
  for (const broker_id id : of) out += (out.empty() ? "" : ",") + std::to_string(id.value());
  return out;
}

/// One line a topic; the exit code.
int show_outcomes(const context& in, const client::outcomes<std::string>& all, std::string_view done,
                  errc forgiven = errc::none) {
  int code = exit_ok;
  json shown = json::array();
  for (const auto& [name, outcome] : all) {
    const bool is_fine = outcome || outcome.error().code == forgiven;
    if (in.output == output_form::json) {
      shown.push_back({{"topic", name}, {"ok", is_fine}});
      if (!outcome) shown.back()["error"] = moldau::name(outcome.error().code);
    } else if (outcome) {
      fmt::print("{} {}\n", done, name);
    }
    if (!is_fine) code = report(outcome.error(), name);
  }
  if (in.output == output_form::json) print_json(shown);
  return code;
}

/// Names that aren't there get the nearest one that is.
void suggest_topic(client::admin& admin, const std::string& name) {
  const auto all = admin.list_topics().get();
  if (!all) return;
  std::vector<std::string> names;
  for (const auto& topic : *all) names.push_back(topic.name);
  if (const std::string near = nearest(name, names); !near.empty()) fmt::print(stderr, "  did you mean '{}'?\n", near);
}

}  // namespace

int topic_list(const context& in, const topic_arguments& told) {
  auto admin = connect(in);
  if (!admin) return report(admin.error());
  auto topics = admin->list_topics().get();
  if (!topics) return report(topics.error(), "listing topics");
  std::ranges::sort(*topics, {}, &client::listed_topic::name);
  if (!told.internal) std::erase_if(*topics, [](const auto& topic) { return topic.is_internal; });
  if (in.output == output_form::json) {
    json out = json::array();
    for (const auto& topic : *topics) {
      out.push_back({{"name", topic.name},
                     {"id", topic.id.to_string()},
                     {"internal", topic.is_internal},
                     {"partitions", topic.partitions},
                     {"replication_factor", topic.replication_factor}});
    }
    print_json(out);
    return exit_ok;
  }
  table out({"TOPIC", "PARTITIONS", "REPLICAS"});
  for (const auto& topic : *topics) {
    out.add({topic.name, std::to_string(topic.partitions), std::to_string(topic.replication_factor)});
  }
  fmt::print("{}", out.to_text());
  return exit_ok;
}

int topic_create(const context& in, const topic_arguments& told) {
  const auto configs = parse_pairs(told.configs);
  if (!configs) return report(configs.error());
  auto admin = connect(in);
  if (!admin) return report(admin.error());
  std::vector<client::new_topic> topics;
  for (const std::string& name : told.names) {
    topics.push_back({.name = name,
                      .partitions = told.partitions.value_or(-1),
                      .replication_factor = told.replication_factor.value_or(-1),
                      .assignments = {},
                      .configs = *configs});
  }
  const auto done = admin->create_topics(std::move(topics), told.validate_only).get();
  if (!done) return report(done.error(), "creating topics");
  const int code = show_outcomes(in, client::without_values(*done), told.validate_only ? "would create" : "created",
                                 told.if_missing ? errc::topic_already_exists : errc::none);
  for (const auto& [key, value] : *configs) {
    if (config::find_topic_definition(key) != nullptr) continue;
    if (const auto near = config::nearest_topic_name(key); !near.empty()) {
      fmt::print(stderr, "  did you mean '{}'?\n", near);
    }
  }
  return code;
}

int topic_delete(const context& in, const topic_arguments& told) {
  auto admin = connect(in);
  if (!admin) return report(admin.error());
  const auto done = admin->delete_topics(told.names).get();
  if (!done) return report(done.error(), "deleting topics");
  const int code = show_outcomes(in, *done, "deleted", told.if_exists ? errc::unknown_topic_or_partition : errc::none);
  for (const auto& [name, outcome] : *done) {
    if (!outcome && !told.if_exists && outcome.error().code == errc::unknown_topic_or_partition)
      suggest_topic(*admin, name);
  }
  return code;
}

int topic_describe(const context& in, const topic_arguments& told) {
  auto admin = connect(in);
  if (!admin) return report(admin.error());
  std::vector<std::string> names = told.names;
  if (names.empty()) {
    const auto all = admin->list_topics().get();
    if (!all) return report(all.error(), "listing topics");
    for (const auto& topic : *all) {
      if (told.internal || !topic.is_internal) names.push_back(topic.name);
    }
    if (names.empty()) {
      if (in.output == output_form::json) print_json(json::array());
      return exit_ok;
    }
  }
  const auto found = admin->describe_topics(names).get();
  if (!found) return report(found.error(), "describing topics");
  int code = exit_ok;
  json shown = json::array();
  for (const auto& [name, outcome] : *found) {
    if (!outcome) {
      code = report(outcome.error());
      if (outcome.error().code == errc::unknown_topic_or_partition) suggest_topic(*admin, name);
      continue;
    }
    std::vector<client::config_entry> configs;
    const client::config_resource resource{client::resource_type::topic, name};
    if (auto described = admin->describe_configs({resource}).get(); described && described->at(resource)) {
      configs = *described->at(resource);
      std::erase_if(configs, [](const auto& entry) { return entry.source != client::config_source::topic; });
    }
    if (in.output == output_form::json) {
      json topic = {{"name", name}, {"id", outcome->id.to_string()}, {"internal", outcome->is_internal}};
      topic["configs"] = json::object();
      for (const auto& entry : configs) topic["configs"][entry.name] = entry.value ? json(*entry.value) : json(nullptr);
      topic["partitions"] = json::array();
      for (const auto& p : outcome->partitions) {
        const auto numbers = [](const std::vector<broker_id>& of) {
          json out = json::array();
          for (const broker_id id : of) out.push_back(id.value());
          return out;
        };
        topic["partitions"].push_back({{"partition", p.id.value()},
                                       {"leader", p.leader.value()},
                                       {"leader_epoch", p.leader_epoch.value()},
                                       {"replicas", numbers(p.replicas)},
                                       {"in_sync_replicas", numbers(p.in_sync_replicas)},
                                       {"offline_replicas", numbers(p.offline_replicas)}});
      }
      shown.push_back(std::move(topic));
      continue;
    }
    fmt::print("{}  id {}  {} partitions{}\n", printable(name), outcome->id.to_string(), outcome->partitions.size(),
               outcome->is_internal ? "  internal" : "");
    for (const auto& entry : configs) fmt::print("  {}={}\n", entry.name, printable(entry.value.value_or("")));
    table out({"  PARTITION", "LEADER", "EPOCH", "REPLICAS", "IN SYNC", "OFFLINE"});
    for (const auto& p : outcome->partitions) {
      out.add({fmt::format("  {}", p.id.value()), p.leader == no_broker ? "none" : std::to_string(p.leader.value()),
               std::to_string(p.leader_epoch.value()), ids(p.replicas), ids(p.in_sync_replicas),
               ids(p.offline_replicas)});
    }
    fmt::print("{}", out.to_text());
  }
  if (in.output == output_form::json) print_json(shown);
  return code;
}

int topic_alter(const context& in, const topic_arguments& told) {
  if (!told.partitions && told.configs.empty() && told.removed_configs.empty()) {
    return report_usage("nothing to alter: give --partitions, --config or --delete-config");
  }
  const auto configs = parse_pairs(told.configs);
  if (!configs) return report(configs.error());
  auto admin = connect(in);
  if (!admin) return report(admin.error());
  int code = exit_ok;
  if (told.partitions) {
    std::map<std::string, client::new_partitions> totals;
    for (const std::string& name : told.names) totals[name] = {.total = *told.partitions, .assignments = {}};
    const auto done = admin->create_partitions(std::move(totals), told.validate_only).get();
    if (!done) return report(done.error(), "adding partitions");
    code = show_outcomes(in, *done, told.validate_only ? "would alter" : "altered");
  }
  if (configs->empty() && told.removed_configs.empty()) return code;
  std::map<client::config_resource, std::vector<client::config_change>> changes;
  for (const std::string& name : told.names) {
    auto& list = changes[{client::resource_type::topic, name}];
    for (const auto& [key, value] : *configs) list.push_back({.name = key, .value = value});
    for (const std::string& key : told.removed_configs) {
      list.push_back({.name = key, .what = client::config_change::operation::remove, .value = {}});
    }
  }
  const auto done = admin->alter_configs(std::move(changes), told.validate_only).get();
  if (!done) return report(done.error(), "altering configs");
  client::outcomes<std::string> by_name;
  for (const auto& [resource, outcome] : *done) by_name[resource.name] = outcome;
  return std::max(code, show_outcomes(in, by_name, told.validate_only ? "would configure" : "configured"));
}

int topic_delete_records(const context& in, const std::string& topic, const std::vector<std::string>& before) {
  std::map<topic_partition, offset> ends;
  for (const std::string& text : before) {
    std::int32_t partition = 0;
    std::int64_t end = -1;
    const std::size_t colon = text.find(':');
    const char* stop = text.data() + std::min(colon, text.size());
    const auto first = std::from_chars(text.data(), stop, partition);
    const bool has_end = colon != std::string::npos && text.substr(colon + 1) != "end";
    const char* last = text.data() + text.size();
    const auto second = has_end ? std::from_chars(stop + 1, last, end) : std::from_chars_result{last, std::errc()};
    if (colon == std::string::npos || first.ec != std::errc() || first.ptr != stop || second.ec != std::errc() ||
        second.ptr != last) {
      return report_usage(fmt::format("'{}' should be partition:offset, or partition:end for everything", text));
    }
    ends[{topic, partition_id(partition)}] = offset(end);
  }
  auto admin = connect(in);
  if (!admin) return report(admin.error());
  const auto done = admin->delete_records(std::move(ends)).get();
  if (!done) return report(done.error(), "deleting records");
  int code = exit_ok;
  json shown = json::array();
  for (const auto& [partition, outcome] : *done) {
    if (!outcome) {
      code = report(outcome.error());
    } else if (in.output == output_form::json) {
      shown.push_back(
          {{"topic", partition.topic}, {"partition", partition.partition.value()}, {"first_offset", outcome->value()}});
    } else {
      fmt::print("{} {} begins at offset {} now\n", partition.topic, partition.partition.value(), outcome->value());
    }
  }
  if (in.output == output_form::json) print_json(shown);
  return code;
}

}  // namespace moldau::cli
