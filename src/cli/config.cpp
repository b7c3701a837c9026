#include <fmt/format.h>

#include <algorithm>

#include "cli/commands.hpp"
#include "cli/io.hpp"
#include "cli/json_text.hpp"
#include "cli/table.hpp"
#include "config/broker_config.hpp"
#include "config/definition.hpp"
#include "moldau/client/admin.hpp"

namespace moldau::cli {

namespace {

result<client::config_resource> resource_of(const config_arguments& told) {
  using client::resource_type;
  if (told.kind == "topic") return client::config_resource{resource_type::topic, told.name};
  if (told.kind == "broker") return client::config_resource{resource_type::broker, told.name};
  if (told.kind == "cluster") return client::config_resource{resource_type::broker, ""};
  if (told.kind == "group") return client::config_resource{resource_type::group, told.name};
  return fail(errc::invalid_argument,
              fmt::format("'{}' has no configuration: write topic, broker, cluster or group", told.kind));
}

std::string_view name(client::config_source source) {
  switch (source) {
    case client::config_source::topic:
      return "topic";
    case client::config_source::broker:
      return "broker";
    case client::config_source::cluster:
      return "cluster";
    case client::config_source::file:
      return "file";
    case client::config_source::default_value:
      return "default";
    case client::config_source::broker_logger:
      return "logger";
    case client::config_source::client_metrics:
      return "client metrics";
    case client::config_source::group:
      return "group";
    case client::config_source::unknown:
      break;
  }
  return "unknown";
}

std::string shown_value(const client::config_entry& entry) {
  if (entry.is_sensitive) return "(sensitive)";
  return entry.value.value_or("(null)");
}

/// A name that nobody knows gets the nearest one that is known.
void suggest_property(bool of_topic, const std::string& name) {
  const auto* known = of_topic ? config::find_topic_definition(name) : config::find_broker_definition(name);
  if (known != nullptr) return;
  const auto near = of_topic ? config::nearest_topic_name(name) : config::nearest_broker_name(name);
  if (!near.empty()) fmt::print(stderr, "  did you mean '{}'?\n", near);
}

int change(const context& in, const config_arguments& told, std::vector<client::config_change> changes) {
  const auto resource = resource_of(told);
  if (!resource) return report(resource.error());
  auto options = in.client_options();
  if (!options) return report(options.error());
  auto admin = client::admin::make(*std::move(options));
  if (!admin) return report(admin.error());
  const auto done = admin->alter_configs({{*resource, changes}}).get();
  if (!done) return report(done.error());
  for (const auto& [of, outcome] : *done) {
    if (outcome) continue;
    const int code = report(outcome.error(), fmt::format("{} {}", told.kind, told.name));
    for (const client::config_change& one : changes) suggest_property(told.kind == "topic", one.name);
    return code;
  }
  if (in.output == output_form::json) {
    print_json({{"ok", true}, {"changed", changes.size()}});
  } else {
    fmt::print("changed {} of {} {}\n", changes.size(), told.kind, told.name);
  }
  return exit_ok;
}

}  // namespace

int config_describe(const context& in, const config_arguments& told) {
  const auto resource = resource_of(told);
  if (!resource) return report(resource.error());
  auto options = in.client_options();
  if (!options) return report(options.error());
  auto admin = client::admin::make(*std::move(options));
  if (!admin) return report(admin.error());
  const auto found = admin->describe_configs({*resource}, told.docs).get();
  if (!found) return report(found.error());
  const auto entry_list = found->find(*resource);
  if (entry_list == found->end()) return report({errc::resource_not_found, "the broker's answer names something else"});
  if (!entry_list->second) return report(entry_list->second.error());
  auto entries = *entry_list->second;
  if (!told.all) {
    std::erase_if(entries, [](const auto& entry) { return entry.source == client::config_source::default_value; });
  }
  std::ranges::sort(entries, {}, &client::config_entry::name);
  if (in.output == output_form::json) {
    json out = json::array();
    for (const auto& entry : entries) {
      json shown = {{"name", entry.name},
                    {"value", entry.value ? json(*entry.value) : json(nullptr)},
                    {"source", name(entry.source)},
                    {"read_only", entry.is_read_only},
                    {"sensitive", entry.is_sensitive},
                    {"synonyms", json::array()}};
      for (const auto& synonym : entry.synonyms) {
        shown["synonyms"].push_back({{"name", synonym.name},
                                     {"value", synonym.value ? json(*synonym.value) : json(nullptr)},
                                     {"source", name(synonym.source)}});
      }
      if (entry.documentation) shown["documentation"] = *entry.documentation;
      out.push_back(std::move(shown));
    }
    print_json(out);
    return exit_ok;
  }
  table out(told.docs ? std::vector<std::string>{"NAME", "VALUE", "SOURCE", "MEANING"}
                      : std::vector<std::string>{"NAME", "VALUE", "SOURCE"});
  for (const auto& entry : entries) {
    std::vector<std::string> row{entry.name, shown_value(entry), std::string(name(entry.source))};
    if (told.docs) row.push_back(entry.documentation.value_or(""));
    out.add(std::move(row));
  }
  fmt::print("{}", out.to_text());
  if (!told.all && entries.empty()) fmt::print(stderr, "everything is as by default: --all shows it\n");
  return exit_ok;
}

int config_set(const context& in, const config_arguments& told) {
  std::vector<client::config_change> changes;
  for (const auto& [list, what] : {std::pair{&told.values, client::config_change::operation::set},
                                   std::pair{&told.append, client::config_change::operation::append},
                                   std::pair{&told.subtract, client::config_change::operation::subtract}}) {
    const auto pairs = parse_pairs(*list);
    if (!pairs) return report(pairs.error());
    for (const auto& [key, value] : *pairs) changes.push_back({.name = key, .what = what, .value = value});
  }
  if (changes.empty()) return report_usage("nothing to set: give name=value");
  return change(in, told, std::move(changes));
}

int config_delete(const context& in, const config_arguments& told) {
  std::vector<client::config_change> changes;
  for (const std::string& key : told.values) {
    changes.push_back({.name = key, .what = client::config_change::operation::remove, .value = {}});
  }
  return change(in, told, std::move(changes));
}

/// What a node would run with, without starting it.
int config_show(const context& in, const config_arguments& told) {
  const auto pairs = parse_pairs(told.overrides);
  if (!pairs) return report(pairs.error());
  const config::settings overrides(pairs->begin(), pairs->end());
  config::loaded_broker_config loaded;
  const std::string shown_name = told.file.value_or("moldau");
  if (told.file) {
    const auto text = io::read_file(*told.file);
    if (!text) return report(text.error());
    loaded = config::broker_config::load(*text, overrides);
  } else {
    loaded = config::broker_config::default_standalone(overrides);
  }
  if (!loaded.warnings.empty()) fmt::print(stderr, "{}", config::to_text(loaded.warnings, shown_name));
  if (!loaded.errors.empty()) fmt::print(stderr, "{}", config::to_text(loaded.errors, shown_name));
  if (!loaded.config) return exit_usage;
  auto entries = loaded.config->describe();
  std::ranges::sort(entries, {}, &config::described_config::name);
  json shown = json::array();
  table out({"NAME", "VALUE", "ORIGIN"});
  for (const auto& entry : entries) {
    const bool is_default = entry.source == config::config_source::default_value;
    if (is_default && !told.all) continue;
    const std::string from = loaded.config->origin_of(entry.name).to_text();
    const std::string value = entry.sensitive ? "(sensitive)" : entry.value.value_or("(null)");
    out.add({entry.name, value, from});
    shown.push_back(
        {{"name", entry.name}, {"value", entry.value ? json(*entry.value) : json(nullptr)}, {"origin", from}});
  }
  if (in.output == output_form::json) {
    print_json(shown);
  } else {
    fmt::print("{}", out.to_text());
  }
  return exit_ok;
}

}  // namespace moldau::cli
