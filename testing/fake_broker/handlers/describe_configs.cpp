#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "testing/fake_broker/apis.hpp"
#include "wire/protocol/describe_configs_request.hpp"
#include "wire/protocol/describe_configs_response.hpp"

namespace moldau::testing::fake {
namespace {

using wire::protocol::describe_configs_request;
using wire::protocol::describe_configs_response;

constexpr std::int8_t of_topic = 2;
constexpr std::int8_t of_broker = 4;
constexpr std::int8_t source_topic = 1;
constexpr std::int8_t source_default = 5;

using property = std::pair<std::string_view, std::string_view>;

/// Those that clients tend to ask for.
constexpr std::array topic_defaults{
    property{"cleanup.policy", "delete"},     property{"compression.type", "producer"},
    property{"max.message.bytes", "1048588"}, property{"min.insync.replicas", "1"},
    property{"retention.bytes", "-1"},        property{"retention.ms", "604800000"},
    property{"segment.bytes", "1073741824"},
};
constexpr std::array broker_defaults{
    property{"auto.create.topics.enable", "true"},
    property{"log.retention.hours", "168"},
    property{"num.partitions", "1"},
};

template <typename Wanted, typename Result>
void tell(const Wanted& asked, std::string_view name, std::string_view value, std::int8_t source, Result& out) {
  const auto& keys = asked.configuration_keys;
  if (keys && std::ranges::find(*keys, name) == keys->end()) return;
  auto& to = out.configs.emplace_back();
  to.name = name;
  to.value = value;
  to.config_source = source;
}

}  // namespace

outcome handle_describe_configs(call& what) {
  return serve<describe_configs_request, describe_configs_response>(
      what, [&](const describe_configs_request& asked, describe_configs_response& out) {
        for (const auto& wanted : asked.resources) {
          auto& to = out.results.emplace_back();
          to.resource_type = wanted.resource_type;
          to.resource_name = wanted.resource_name;
          to.error_code = what.judge([&] {
            if (wanted.resource_type == of_broker) {
              for (const auto& [name, value] : broker_defaults) tell(wanted, name, value, source_default, to);
              return errc::none;
            }
            if (wanted.resource_type != of_topic) return errc::invalid_request;
            const topic* const known = what.in.find(wanted.resource_name);
            if (known == nullptr) return errc::unknown_topic_or_partition;
            for (const auto& [name, value] : known->configs) tell(wanted, name, value, source_topic, to);
            for (const auto& [name, value] : topic_defaults) {
              if (!known->configs.contains(std::string(name))) tell(wanted, name, value, source_default, to);
            }
            return errc::none;
          });
        }
        return done;
      });
}

}  // namespace moldau::testing::fake
