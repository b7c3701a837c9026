#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <tuple>

#include "config/broker_config.hpp"
#include "config/broker_config_builder.hpp"
#include "config/listener_override.hpp"
#include "config/property_parser.hpp"
#include "config/text.hpp"

namespace moldau::config {
namespace {

// One node that needs nothing but a directory to write to. The quorum is found by its own listener and not by
// controller.quorum.voters, so that it can grow later (kraft.version 1).
constexpr std::pair<std::string_view, std::string_view> standalone_settings[] = {
    {"node.id", "1"},
    {"process.roles", "broker,controller"},
    {"listeners", "PLAINTEXT://:9092,CONTROLLER://127.0.0.1:9093"},
    {"advertised.listeners", "PLAINTEXT://localhost:9092"},
    {"controller.listener.names", "CONTROLLER"},
    {"controller.quorum.bootstrap.servers", "127.0.0.1:9093"},
    {"log.dirs", "./moldau-data"},
    {"offsets.topic.replication.factor", "1"},
    {"transaction.state.log.replication.factor", "1"},
    {"transaction.state.log.min.isr", "1"},
    {"share.coordinator.state.topic.replication.factor", "1"},
    {"share.coordinator.state.topic.min.isr", "1"},
    {"group.initial.rebalance.delay.ms", "0"},
};

bool is_default(const definition& def, const value& v) {
  const auto* text = std::get_if<std::string>(&v);
  return v == default_of(def) || (text != nullptr && text->empty() && !def.default_value);
}

}  // namespace

void broker_config_builder::set(std::string name, std::string text, static_origin written, std::size_t line) {
  out.static_.insert_or_assign(std::move(name), broker_config::static_setting{std::move(text), written, line});
}

std::size_t broker_config_builder::line_of(std::string_view name) const {
  const auto at = out.static_.find(name);
  return at == out.static_.end() ? 0 : at->second.line;
}

void broker_config_builder::wrong(std::string_view name, std::string message) {
  errors.push_back({line_of(name), std::string(name), std::move(message)});
}

void broker_config_builder::require(bool condition, std::initializer_list<std::string_view> names,
                                    std::string message) {
  if (condition) return;
  // What was built on a value that didn't parse is noise.
  for (const std::string_view name : names) {
    if (broken.contains(name)) return;
  }
  const auto set = std::ranges::find_if(names, [&](std::string_view n) { return out.static_.contains(n); });
  wrong(set == names.end() ? *names.begin() : *set, std::move(message));
}

void broker_config_builder::check_each_setting() {
  for (const auto& [name, setting] : out.static_) {
    const std::string_view base = listener_override_base(name);
    const definition* def = find_broker_definition(base.empty() ? std::string_view(name) : base);
    if (def == nullptr) {
      const std::string_view near = nearest_broker_name(name);
      warnings.push_back(
          {setting.line, name,
           near.empty() ? fmt::format("{} is not a known property and has no effect.", name)
                        : fmt::format("{} is not a known property and has no effect. Did you mean {}?", name, near)});
      continue;
    }
    auto parsed = parse_value(*def, setting.text);
    if (!parsed) {
      broken.emplace(def->name);
      // Secrets stay out of logs.
      errors.push_back(
          {setting.line, name,
           def->sensitive() ? fmt::format("The value of {} can't be used.", name) : std::move(parsed.error().message)});
      continue;
    }
    if (!base.empty() && def->state == support::built && def->name != "max.connections") {
      warnings.push_back({setting.line, name,
                          fmt::format("{} has no effect: {} counts for all listeners together.", name, def->name)});
      continue;
    }
    if (is_default(*def, *parsed)) continue;
    if (def->state == support::refused) {
      errors.push_back({setting.line, name,
                        fmt::format("{} says who may do what, and moldau doesn't act on it yet: starting would be less "
                                    "safe than asked. Remove it to start without.",
                                    name)});
    } else if (def->state == support::not_built && setting.written != static_origin::standalone) {
      warnings.push_back({setting.line, name, fmt::format("{} has no effect yet.", name)});
    }
  }
}

void broker_config_builder::check_required() {
  // Kafka's rule: either of the two names gives the other its value.
  const auto node = out.static_.find("node.id");
  const auto broker = out.static_.find("broker.id");
  if (node == out.static_.end() && broker != out.static_.end()) {
    out.static_.emplace("node.id", broker->second);
  } else if (broker == out.static_.end() && node != out.static_.end()) {
    out.static_.emplace("broker.id", node->second);
  }
  for (const definition* def : broker_definitions()) {
    if (!def->required || out.static_.contains(def->name)) continue;
    broken.emplace(def->name);
    wrong(def->name, def->name == "process.roles"
                         ? std::string("process.roles is missing: add process.roles=broker,controller for a single "
                                       "node (moldau has no ZooKeeper mode, as Kafka since 4.0).")
                         : fmt::format("{} is missing: it has no default. {}", def->name, def->doc));
  }
}

loaded_broker_config broker_config_builder::finish() {
  check_required();
  check_each_setting();
  out.compute_effective();
  derive();
  check_together();
  const auto by_line = [](const mistake& a, const mistake& b) {
    return std::tie(a.line, a.message) < std::tie(b.line, b.message);
  };
  std::ranges::sort(errors, by_line);
  std::ranges::sort(warnings, by_line);
  loaded_broker_config loaded;
  loaded.errors = std::move(errors);
  loaded.warnings = std::move(warnings);
  if (loaded.errors.empty()) loaded.config = std::move(out);
  return loaded;
}

loaded_broker_config broker_config::load(std::string_view text, const settings& overrides) {
  broker_config_builder builder;
  parsed_properties parsed = parse_properties(text);
  builder.errors = std::move(parsed.mistakes);
  for (property_line& p : parsed.properties) {
    builder.set(std::move(p.key), std::move(p.value), static_origin::file, p.line);
  }
  for (const auto& [name, value_text] : overrides) builder.set(name, value_text, static_origin::command_line, 0);
  return builder.finish();
}

loaded_broker_config broker_config::default_standalone(const settings& overrides) {
  broker_config_builder builder;
  for (const auto& [name, text] : standalone_settings) {
    builder.set(std::string(name), std::string(text), static_origin::standalone, 0);
  }
  for (const auto& [name, text] : overrides) builder.set(name, text, static_origin::command_line, 0);
  return builder.finish();
}

}  // namespace moldau::config
