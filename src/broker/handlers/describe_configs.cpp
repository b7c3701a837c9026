#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/topic_name.hpp"
#include "broker/handlers.hpp"
#include "broker/node.hpp"
#include "broker/serve.hpp"
#include "broker/shard.hpp"
#include "config/broker_config.hpp"
#include "config/topic_config.hpp"
#include "wire/protocol/describe_configs_request.hpp"
#include "wire/protocol/describe_configs_response.hpp"

namespace moldau::broker {
namespace {

using metadata::config_resource_type;
using wire::protocol::describe_configs_request;
using wire::protocol::describe_configs_response;

/// From here on a property's origin is told by number, before by a flag.
constexpr std::int16_t first_version_with_documentation = 3;

class describe_call {
 public:
  describe_call(shard& at, request& what, const describe_configs_request& message)
      : at_(at), what_(what), message_(message) {}

  rt::task<describe_configs_response> run() {
    describe_configs_response out;
    out.results.reserve(message_.resources.size());
    response_room room(at_, what_);
    bool full = false;
    for (const auto& resource : message_.resources) {
      auto& result = out.results.emplace_back();
      result.resource_type = resource.resource_type;
      result.resource_name = resource.resource_name;
      result.error_message = std::nullopt;
      if (!full) {
        describe(resource, result);
        full = !co_await room.take(size_of(result));
      }
      if (full) {
        result.configs = {};
        result.error_code = errc::invalid_request;
        result.error_message = response_room::refusal;
      }
    }
    co_return out;
  }

 private:
  using resource_result = describe_configs_response::describe_configs_result;

  void describe(const describe_configs_request::describe_configs_resource& resource, resource_result& to) {
    switch (static_cast<config_resource_type>(resource.resource_type)) {
      case config_resource_type::topic: {
        if (const auto mistake = base::topic_name_mistake(resource.resource_name)) {
          return refuse(to, errc::invalid_topic_exception, *mistake);
        }
        if (at_.image().find_topic(resource.resource_name) == nullptr) {
          return refuse(to, errc::unknown_topic_or_partition, {});
        }
        return fill(to, resource,
                    config::describe_topic(at_.config(),
                                           at_.image().config_of(config_resource_type::topic, resource.resource_name)));
      }
      case config_resource_type::broker:
        if (resource.resource_name.empty()) return fill(to, resource, at_.config().describe_cluster_wide());
        if (!names_this_broker(resource.resource_name)) {
          return refuse(to, errc::invalid_request,
                        fmt::format("Unexpected broker id, expected {} or empty string, but received {}",
                                    at_.owner().id().value(), resource.resource_name));
        }
        return fill(to, resource, at_.config().describe());
      case config_resource_type::client_metrics:
      case config_resource_type::group: {
        // Whatever was set is shown; their defaults come with the features that use them.
        std::vector<config::described_config> set;
        const auto type = static_cast<config_resource_type>(resource.resource_type);
        for (const auto& [name, value] : at_.image().config_of(type, resource.resource_name)) {
          set.push_back({.name = name, .value = value, .source = config::config_source::dynamic_topic});
        }
        return fill(to, resource, std::move(set));
      }
      default:
        return refuse(to, errc::invalid_request, fmt::format("Unsupported resource type: {}", resource.resource_type));
    }
  }

  /// What it takes, encoded or not.
  static std::size_t size_of(const resource_result& result) {
    std::size_t out = sizeof result;
    for (const auto& one : result.configs) {
      out += sizeof one + one.name.size() + one.value.value_or("").size() + one.documentation.value_or("").size();
      for (const auto& synonym : one.synonyms) {
        out += sizeof synonym + synonym.name.size() + synonym.value.value_or("").size();
      }
    }
    return out;
  }

  [[nodiscard]] bool names_this_broker(std::string_view name) const {
    std::int32_t id = 0;
    const auto [end, failure] = std::from_chars(name.data(), name.data() + name.size(), id);
    return failure == std::errc{} && end == name.data() + name.size() && broker_id(id) == at_.owner().id();
  }

  void refuse(resource_result& to, errc code, std::string_view message) {
    to.error_code = code;
    if (!message.empty()) to.error_message = what_.arena.store(message);
  }

  void fill(resource_result& to, const describe_configs_request::describe_configs_resource& resource,
            std::vector<config::described_config> all) {
    const auto& keys = resource.configuration_keys;
    // Version 0 and old clients send an empty list for "all"; null says so since.
    const auto wanted = [&](const std::string& name) {
      return !keys || keys->empty() || std::ranges::find(*keys, std::string_view(name)) != keys->end();
    };
    for (const config::described_config& one : all) {
      if (!wanted(one.name)) continue;
      auto& out = to.configs.emplace_back();
      out.name = keep(one.name);
      out.value = keep(one.value);
      out.read_only = one.read_only;
      out.config_source = static_cast<std::int8_t>(one.source);
      out.is_sensitive = one.sensitive;
      out.config_type = one.type;
      out.documentation = std::nullopt;
      if (message_.include_documentation && what_.api_version >= first_version_with_documentation) {
        out.documentation = one.doc;
      }
      if (!message_.include_synonyms) continue;
      for (const config::synonym& synonym : one.synonyms) {
        out.synonyms.push_back({.name = keep(synonym.name),
                                .value = keep(synonym.value),
                                .source = static_cast<std::int8_t>(synonym.source)});
      }
    }
  }

  std::string_view keep(const std::string& text) { return what_.arena.store(std::string_view(text)); }
  std::optional<std::string_view> keep(const std::optional<std::string>& text) {
    if (!text) return std::nullopt;
    return keep(*text);
  }

  shard& at_;
  request& what_;
  const describe_configs_request& message_;
};

rt::task<describe_configs_response> act(shard& at, request& what, const describe_configs_request& message) {
  describe_call call(at, what, message);
  co_return co_await call.run();
}

}  // namespace

rt::task<answer> describe_configs(shard& at, request& what) {
  return serve<describe_configs_request>(at, what, act);
}

}  // namespace moldau::broker
