#include <fmt/format.h>

#include <map>
#include <string>

#include "testing/fake_broker/apis.hpp"
#include "wire/protocol/update_features_request.hpp"
#include "wire/protocol/update_features_response.hpp"

namespace moldau::testing::fake {
namespace {

using wire::protocol::update_features_request;
using wire::protocol::update_features_response;

constexpr std::int8_t upgrade = 1;
/// From here on the request says which way it goes.
constexpr std::int16_t directions_since = 1;
/// All changes or none, and one error for them.
constexpr std::int16_t one_error_since = 2;

result<void> check(const update_features_request::feature_update_key& wanted, std::int16_t version, const cluster& in) {
  const auto refuse = [&](std::string_view why) {
    return fail(errc::invalid_update_version,
                fmt::format("'{}' can't go to level {}: {}", wanted.feature, wanted.max_version_level, why));
  };
  const auto known = in.features.find(wanted.feature);
  if (known == in.features.end()) return refuse("the brokers don't know it");
  const feature& of = known->second;
  const std::int16_t level = wanted.max_version_level;
  if (level < of.least || level > of.most) {
    return refuse(fmt::format("the brokers have {} to {}", of.least, of.most));
  }
  const bool may_go_down = version >= directions_since ? wanted.upgrade_type != upgrade : wanted.allow_downgrade;
  if (level < of.level && !may_go_down) return refuse("it is higher, and a downgrade wasn't asked for");
  if (level > of.level && may_go_down) return refuse("it is lower, and a downgrade was asked for");
  return {};
}

}  // namespace

outcome handle_update_features(call& what) {
  return serve<update_features_request, update_features_response>(
      what, [&](const update_features_request& asked, update_features_response& out) {
        std::map<std::string_view, std::int16_t> taken;
        out.error_code = what.judge([&] {
          if (what.on.id != what.in.controller()) return errc::not_controller;
          for (const auto& wanted : asked.feature_updates) {
            const auto checked = check(wanted, what.version, what.in);
            if (what.version < one_error_since) {
              auto& to = out.results.emplace_back();
              to.feature = wanted.feature;
              if (!checked) to.error_code = checked.error().code;
              if (!checked) to.error_message = what.keep(checked.error().message);
            } else if (!checked) {
              out.error_message = what.keep(checked.error().message);
              return checked.error().code;
            }
            if (checked) taken[wanted.feature] = wanted.max_version_level;
          }
          if (asked.validate_only || taken.empty()) return errc::none;
          for (const auto& [name, level] : taken) what.in.features.find(name)->second.level = level;
          ++what.in.features_epoch;
          return errc::none;
        });
        return done;
      });
}

}  // namespace moldau::testing::fake
