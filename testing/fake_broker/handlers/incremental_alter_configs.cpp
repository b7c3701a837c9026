#include "testing/fake_broker/apis.hpp"
#include "wire/protocol/incremental_alter_configs_request.hpp"
#include "wire/protocol/incremental_alter_configs_response.hpp"

namespace moldau::testing::fake {
namespace {

using wire::protocol::incremental_alter_configs_request;
using wire::protocol::incremental_alter_configs_response;

constexpr std::int8_t of_topic = 2;
constexpr std::int8_t set_it = 0;
constexpr std::int8_t remove_it = 1;

}  // namespace

outcome handle_incremental_alter_configs(call& what) {
  return serve<incremental_alter_configs_request, incremental_alter_configs_response>(
      what, [&](const incremental_alter_configs_request& asked, incremental_alter_configs_response& out) {
        for (const auto& wanted : asked.resources) {
          auto& to = out.responses.emplace_back();
          to.resource_type = wanted.resource_type;
          to.resource_name = wanted.resource_name;
          to.error_code = what.judge([&] {
            if (wanted.resource_type != of_topic) return errc::invalid_request;
            topic* const known = what.in.find(wanted.resource_name);
            if (known == nullptr) return errc::unknown_topic_or_partition;
            for (const auto& one : wanted.configs) {
              if (one.config_operation != set_it && one.config_operation != remove_it) return errc::invalid_config;
            }
            if (asked.validate_only) return errc::none;
            for (const auto& one : wanted.configs) {
              if (one.config_operation == set_it && one.value) {
                known->configs[std::string(one.name)] = *one.value;
              } else {
                known->configs.erase(std::string(one.name));
              }
            }
            return errc::none;
          });
        }
        return done;
      });
}

}  // namespace moldau::testing::fake
