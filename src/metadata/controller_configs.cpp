#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <set>
#include <type_traits>

#include "base/topic_name.hpp"
#include "config/definition.hpp"
#include "config/topic_config.hpp"
#include "metadata/controller.hpp"
#include "metadata/records.hpp"
#include "wire/arena.hpp"
#include "wire/metadata/clear_elr_record.hpp"
#include "wire/metadata/config_record.hpp"
#include "wire/protocol/alter_configs_request.hpp"
#include "wire/protocol/alter_configs_response.hpp"
#include "wire/protocol/incremental_alter_configs_request.hpp"
#include "wire/protocol/incremental_alter_configs_response.hpp"

namespace moldau::metadata {

namespace {

/// `AlterConfigOp.OpType`
enum class operation : std::int8_t { set = 0, remove = 1, append = 2, subtract = 3 };

constexpr std::string_view min_isr = "min.insync.replicas";
/// `Short.MAX_VALUE`, what a string of the older protocol versions holds.
constexpr std::size_t max_value_bytes = 32'767;

const config::definition* definition_of(config_resource_type type, std::string_view name) {
  return type == config_resource_type::topic    ? config::find_topic_definition(name)
         : type == config_resource_type::broker ? config::find_broker_definition(name)
                                                : nullptr;
}

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const auto comma = text.find(',');
    if (comma != 0) out.emplace_back(text.substr(0, comma));
    text = comma == std::string_view::npos ? std::string_view{} : text.substr(comma + 1);
  }
  return out;
}

shared_bytes to_record(const config_resource& resource, std::string_view name,
                       const std::optional<std::string>& value) {
  wire::metadata::config_record r;
  r.resource_type = static_cast<std::int8_t>(resource.type);
  r.resource_name = resource.name;
  r.name = name;
  r.value.reset();
  if (value) r.value = *value;
  return encode_record(r, 0);
}

}  // namespace

/// One key's new value; none deletes it.
struct controller::config_change {
  std::string name;
  std::optional<std::string> value;
};

result<void> controller::check_resource(const config_resource& resource) const {
  switch (resource.type) {
    case config_resource_type::topic:
      if (resource.name.empty()) return fail(errc::invalid_request, "Default topic resources are not allowed.");
      if (const auto mistake = base::topic_name_mistake(resource.name)) {
        return fail(errc::invalid_topic_exception, *mistake);
      }
      return {};
    case config_resource_type::broker: {
      if (resource.name.empty()) return {};
      std::int32_t id = 0;
      const char* end = resource.name.data() + resource.name.size();
      const auto [at, code] = std::from_chars(resource.name.data(), end, id);
      if (code != std::errc{} || at != end) {
        return fail(errc::invalid_request, "Unable to parse broker name as a base 10 number.");
      }
      if (id < 0) return fail(errc::invalid_request, "Invalid negative broker ID.");
      return {};
    }
    case config_resource_type::client_metrics:
      if (resource.name.empty()) return fail(errc::invalid_request, "Subscription name can't be empty");
      return {};
    case config_resource_type::group:
      if (resource.name.empty()) return fail(errc::invalid_request, "Default group resources are not allowed.");
      return {};
    case config_resource_type::broker_logger:
    case config_resource_type::unknown:
      break;
  }
  return fail(errc::invalid_request, fmt::format("Unknown resource type {}", static_cast<int>(resource.type)));
}

result<void> controller::check_configs(const config_resource& resource, const config_map& all,
                                       const std::vector<config_change>& changes) const {
  for (const config_change& change : changes) {
    if (change.value && change.value->size() > max_value_bytes) {
      return fail(errc::invalid_config,
                  "The configuration value cannot be added because it exceeds the maximum value size of 32767 bytes.");
    }
    // KIP-966: with eligible leaders on, the minimum of the ISR must be the same on every broker.
    if (resource.type == config_resource_type::broker && change.name == min_isr && elr_enabled()) {
      if (!resource.name.empty()) {
        return fail(errc::invalid_config, "Broker-level min.insync.replicas cannot be altered while ELR is enabled.");
      }
      if (!change.value) {
        return fail(errc::invalid_config, "Cluster-level min.insync.replicas cannot be removed while ELR is enabled.");
      }
    }
  }
  if (resource.type == config_resource_type::topic) {
    MOLDAU_TRY(config::validate_topic_config(*options_.config, all));
    if (latest_.find_topic(resource.name) == nullptr) {
      return fail(errc::unknown_topic_or_partition, fmt::format("The topic '{}' does not exist.", resource.name));
    }
  }
  if (resource.type == config_resource_type::broker) {
    // Only what is asked for now: what an older Kafka let in mustn't stand in the way of mending it.
    config::settings proposed;
    for (const config_change& change : changes) {
      if (change.value) proposed.insert_or_assign(change.name, *change.value);
    }
    if (auto valid = config::validate_dynamic_broker_config(proposed, !resource.name.empty()); !valid) {
      // As Kafka answers for brokers, unlike for topics.
      return fail(errc::invalid_request, std::move(valid).error().message);
    }
    if (!resource.name.empty()) {
      std::int32_t id = 0;
      std::from_chars(resource.name.data(), resource.name.data() + resource.name.size(), id);
      if (latest_.find_broker(broker_id(id)) == nullptr && !latest_.controllers->contains(broker_id(id))) {
        return fail(errc::broker_id_not_registered, fmt::format("No node with id {} found.", id));
      }
    }
  }
  return {};
}

result<void> controller::alter_resource(const config_resource& resource, const std::vector<config_change>& changes,
                                        record_list& out, record_list& clears) const {
  const config_map& present = latest_.config_of(resource.type, resource.name);
  config_map all = present;
  std::vector<config_change> effective;
  for (const config_change& change : changes) {
    const auto it = present.find(change.name);
    const bool same = it == present.end() ? !change.value : change.value == it->second;
    // KAFKA-14136: a broker's is written even if it is the same, so that files that it names are read again.
    if (same && resource.type != config_resource_type::broker) continue;
    if (change.value) {
      all.insert_or_assign(change.name, *change.value);
    } else {
      all.erase(change.name);
    }
    effective.push_back(change);
  }
  MOLDAU_TRY(check_configs(resource, all, effective));
  for (const config_change& change : effective) {
    out.push_back(to_record(resource, change.name, change.value));
    if (change.name == min_isr && elr_enabled()) {
      // Who is eligible was chosen by the old minimum.
      wire::metadata::clear_elr_record clear;
      if (resource.type == config_resource_type::topic) clear.topic_name = resource.name;
      clears.push_back(encode_record(clear, 0));
    }
  }
  return {};
}

template <typename Response, typename Request, typename ChangeOf>
outcome<Response> controller::alter_each(const Request& request, std::int64_t now_ms, wire::arena& arena,
                                         ChangeOf change_of) {
  Response response;
  record_list records;
  record_list clears;
  std::map<std::pair<std::int8_t, std::string_view>, int> times;
  for (const auto& asked : request.resources) ++times[{asked.resource_type, asked.resource_name}];

  const auto alter = [&](const auto& asked) -> result<void> {
    if (times[{asked.resource_type, asked.resource_name}] > 1) {
      return fail(errc::invalid_request, "Each resource must appear at most once.");
    }
    const config_resource resource{.type = static_cast<config_resource_type>(asked.resource_type),
                                   .name = std::string(asked.resource_name)};
    MOLDAU_TRY(check_resource(resource));
    std::set<std::string_view> keys;
    std::vector<config_change> changes;
    for (const auto& c : asked.configs) {
      if (!keys.insert(c.name).second) {
        return fail(errc::invalid_request, fmt::format("Error due to duplicate config keys : {}", c.name));
      }
      MOLDAU_TRY_ASSIGN(config_change change, change_of(resource, c));
      changes.push_back(std::move(change));
    }
    if constexpr (std::is_same_v<Request, wire::protocol::alter_configs_request>) {
      // The older request replaces the whole set.
      for (const auto& [name, value] : latest_.config_of(resource.type, resource.name)) {
        if (!keys.contains(name)) changes.push_back({.name = name, .value = std::nullopt});
      }
    }
    return alter_resource(resource, changes, records, clears);
  };
  for (const auto& asked : request.resources) {
    const auto done = alter(asked);
    auto& out = response.responses.emplace_back();
    out.resource_type = asked.resource_type;
    out.resource_name = arena.store(asked.resource_name);
    out.error_message.reset();
    if (!done) {
      out.error_code = done.error().code;
      out.error_message = arena.store(std::string_view(done.error().message));
    }
  }
  records.insert(records.end(), clears.begin(), clears.end());
  if (request.validate_only) records.clear();
  return finish(std::move(response), std::move(records), now_ms);
}

outcome<wire::protocol::incremental_alter_configs_response> controller::incremental_alter_configs(
    const wire::protocol::incremental_alter_configs_request& request, std::int64_t now_ms, wire::arena& arena) {
  const auto change_of = [this](const config_resource& resource, const auto& c) -> result<config_change> {
    const auto op = static_cast<operation>(c.config_operation);
    if (op != operation::remove && !c.value) {
      return fail(errc::invalid_request,
                  fmt::format("Null value not supported for : {}:{}", op == operation::set ? "SET" : "APPEND", c.name));
    }
    config_change change{.name = std::string(c.name)};
    switch (op) {
      case operation::set:
        change.value = std::string(*c.value);
        break;
      case operation::remove:
        break;
      case operation::append:
      case operation::subtract: {
        const config::definition* def = definition_of(resource.type, c.name);
        if (def == nullptr || def->type != config::value_type::list) {
          return fail(errc::invalid_config, fmt::format("Can't {} to key {} because its type is not LIST.",
                                                        op == operation::append ? "APPEND" : "SUBTRACT", c.name));
        }
        const config_map& present = latest_.config_of(resource.type, resource.name);
        const auto it = present.find(c.name);
        std::vector<std::string> parts =
            split(it != present.end() ? std::string_view(it->second) : def->default_value.value_or(""));
        for (const std::string& part : split(*c.value)) {
          const auto found = std::ranges::find(parts, part);
          if (op == operation::append && found == parts.end()) parts.push_back(part);
          if (op == operation::subtract && found != parts.end()) parts.erase(found);
        }
        change.value = fmt::format("{}", fmt::join(parts, ","));
        break;
      }
      default:
        return fail(errc::invalid_request, fmt::format("Unknown operation type {} for {}", c.config_operation, c.name));
    }
    return change;
  };
  return alter_each<wire::protocol::incremental_alter_configs_response>(request, now_ms, arena, change_of);
}

outcome<wire::protocol::alter_configs_response> controller::alter_configs(
    const wire::protocol::alter_configs_request& request, std::int64_t now_ms, wire::arena& arena) {
  const auto change_of = [](const config_resource&, const auto& c) -> result<config_change> {
    if (!c.value) return fail(errc::invalid_request, fmt::format("Null value not supported for : {}", c.name));
    return config_change{.name = std::string(c.name), .value = std::string(*c.value)};
  };
  return alter_each<wire::protocol::alter_configs_response>(request, now_ms, arena, change_of);
}

}  // namespace moldau::metadata
