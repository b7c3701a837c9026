#include <charconv>

#include "client/admin_impl.hpp"
#include "wire/protocol/describe_configs_request.hpp"
#include "wire/protocol/describe_configs_response.hpp"
#include "wire/protocol/incremental_alter_configs_request.hpp"
#include "wire/protocol/incremental_alter_configs_response.hpp"

namespace moldau::client {

using namespace wire::protocol;

namespace {

/// A broker's own configuration is asked of that broker; everything else of any.
broker_id broker_of(const config_resource& resource) {
  if (resource.type != resource_type::broker && resource.type != resource_type::broker_logger) return no_broker;
  std::int32_t id = -1;
  const std::string& text = resource.name;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), id);
  return code == std::errc() && end == text.data() + text.size() ? broker_id(id) : no_broker;
}

std::optional<std::string> owned(const std::optional<std::string_view>& text) {
  return text ? std::optional<std::string>(*text) : std::nullopt;
}

config_entry entry_of(const describe_configs_response::describe_configs_resource_result& from) {
  config_entry out{.name = std::string(from.name),
                   .value = owned(from.value),
                   .source = static_cast<config_source>(from.config_source),
                   .is_read_only = from.read_only,
                   .is_sensitive = from.is_sensitive,
                   .type = static_cast<config_type>(from.config_type),
                   .synonyms = {},
                   .documentation = owned(from.documentation)};
  for (const auto& synonym : from.synonyms) {
    out.synonyms.push_back(
        {std::string(synonym.name), owned(synonym.value), static_cast<config_source>(synonym.source)});
  }
  return out;
}

}  // namespace

rt::task<result<outcomes<config_resource, std::vector<config_entry>>>> admin::impl::describe_configs(
    call_token call, std::vector<config_resource> of, bool documentation) {
  const auto self = shared_from_this();
  outcomes<config_resource, std::vector<config_entry>> out;
  std::map<broker_id, std::vector<config_resource>> by_broker;
  for (config_resource& resource : of) by_broker[broker_of(resource)].push_back(std::move(resource));
  if (by_broker.size() > 1 || !by_broker.contains(no_broker)) MOLDAU_CO_TRY(co_await cluster_->refresh({}));
  for (const auto& [broker, resources] : by_broker) {
    describe_configs_request request{.include_synonyms = true, .include_documentation = documentation};
    for (const config_resource& resource : resources) {
      request.resources.push_back(
          {.resource_type = static_cast<std::int8_t>(resource.type), .resource_name = resource.name});
      request.resources.back().configuration_keys.reset();
    }
    MOLDAU_CO_TRY_ASSIGN(const auto answer,
                         co_await cluster_->with_retries(
                             [&] { return broker == no_broker ? cluster_->any() : cluster_->broker(broker); },
                             [&](peer::connection& to) { return to.call<describe_configs_response>(request); },
                             [](const auto&) { return errc::none; }, call));
    for (const auto& found : answer->results) {
      const config_resource resource{static_cast<resource_type>(found.resource_type), std::string(found.resource_name)};
      if (auto outcome = outcome_of(found.error_code, found.error_message, found.resource_name); !outcome) {
        out[resource] = std::unexpected(outcome.error());
        continue;
      }
      std::vector<config_entry> entries;
      for (const auto& entry : found.configs) entries.push_back(entry_of(entry));
      out[resource] = std::move(entries);
    }
  }
  co_return out;
}

rt::task<result<outcomes<config_resource>>> admin::impl::alter_configs(
    call_token call, std::map<config_resource, std::vector<config_change>> changes, bool validate_only) {
  const auto self = shared_from_this();
  outcomes<config_resource> out;
  incremental_alter_configs_request request{.validate_only = validate_only};
  for (const auto& [resource, list] : changes) {
    request.resources.push_back(
        {.resource_type = static_cast<std::int8_t>(resource.type), .resource_name = resource.name});
    for (const config_change& change : list) {
      incremental_alter_configs_request::alterable_config asked{
          .name = change.name, .config_operation = static_cast<std::int8_t>(change.what), .value = change.value};
      if (change.what == config_change::operation::remove) asked.value.reset();
      request.resources.back().configs.push_back(asked);
    }
  }
  // A broker's loggers are changed on that broker; the rest goes to the controller by way of any.
  std::map<broker_id, incremental_alter_configs_request> by_broker;
  for (auto& resource : request.resources) {
    const auto type = static_cast<resource_type>(resource.resource_type);
    const broker_id to = type == resource_type::broker_logger
                             ? broker_of({.type = type, .name = std::string(resource.resource_name)})
                             : no_broker;
    by_broker[to].validate_only = validate_only;
    by_broker[to].resources.push_back(std::move(resource));
  }
  if (by_broker.size() > 1 || !by_broker.contains(no_broker)) MOLDAU_CO_TRY(co_await cluster_->refresh({}));
  for (const auto& [broker, part] : by_broker) {
    MOLDAU_CO_TRY_ASSIGN(const auto answer,
                         co_await cluster_->with_retries(
                             [&] { return broker == no_broker ? cluster_->any() : cluster_->broker(broker); },
                             [&](peer::connection& to) { return to.call<incremental_alter_configs_response>(part); },
                             [](const auto& a) {
                               return !a->responses.empty() && a->responses.front().error_code == errc::not_controller
                                          ? errc::not_controller
                                          : errc::none;
                             },
                             call));
    for (const auto& done : answer->responses) {
      out[{static_cast<resource_type>(done.resource_type), std::string(done.resource_name)}] =
          outcome_of(done.error_code, done.error_message, done.resource_name);
    }
  }
  co_return out;
}

}  // namespace moldau::client
