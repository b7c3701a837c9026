#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "metadata/controller.hpp"
#include "metadata/format.hpp"
#include "metadata/records.hpp"
#include "wire/arena.hpp"
#include "wire/metadata/config_record.hpp"
#include "wire/metadata/feature_level_record.hpp"
#include "wire/protocol/update_features_request.hpp"
#include "wire/protocol/update_features_response.hpp"

namespace moldau::metadata {

namespace {

constexpr std::string_view metadata_version_feature = "metadata.version";
constexpr std::string_view kraft_version_feature = "kraft.version";
constexpr std::string_view elr_feature = "eligible.leader.replicas.version";

/// `FeatureUpdate.UpgradeType`
enum class upgrade_type : std::int8_t { upgrade = 1, safe_downgrade = 2, unsafe_downgrade = 3 };

/// Levels of metadata.version that brought something into the log which older ones can't read: below none of them may
/// a cluster go. The others only changed messages.
bool changes_metadata(std::int16_t level) {
  constexpr std::array<std::int16_t, 9> levels = {7, 8, 11, 13, 14, 15, 17, 23, 30};
  return std::ranges::find(levels, level) != levels.end();
}

std::unexpected<error> invalid_update(std::string_view name, std::int16_t level, std::string_view why) {
  return fail(errc::invalid_update_version,
              fmt::format("Invalid update version {} for feature {}. {}", level, name, why));
}

std::optional<std::string> reason_not_supported(std::string_view who, version_range range, std::int16_t level) {
  if (level >= range.min && level <= range.max) return std::nullopt;
  if (range.max == 0) return fmt::format("{} does not support this feature.", who);
  return fmt::format("{} only supports versions {}-{}", who, range.min, range.max);
}

version_range range_of(const feature_ranges& ranges, std::string_view name) {
  const auto it = ranges.find(name);
  return it == ranges.end() ? version_range{} : it->second;
}

}  // namespace

result<void> controller::check_supported(std::string_view name, std::int16_t level) const {
  const auto check = [&](const std::string& who, const feature_ranges& ranges) -> result<void> {
    const auto why = reason_not_supported(who, range_of(ranges, name), level);
    return why ? result<void>(invalid_update(name, level, *why)) : result<void>{};
  };
  MOLDAU_TRY(check(fmt::format("Local controller {}", options_.node.value()), supported_features()));
  for (const auto& [id, broker] : *latest_.brokers) {
    MOLDAU_TRY(check(fmt::format("Broker {}", id.value()), broker->features));
  }
  for (const auto& [id, other] : *latest_.controllers) {
    if (id != options_.node) MOLDAU_TRY(check(fmt::format("Controller {}", id.value()), other->features));
  }
  return {};
}

result<void> controller::check_feature_update(std::string_view name, std::int16_t level, std::int8_t type) const {
  const auto how = static_cast<upgrade_type>(type);
  if (type < 1 || type > 3) {
    return invalid_update(name, level, "The controller does not support the given upgrade type.");
  }
  const bool kraft = name == kraft_version_feature;
  const std::int16_t present = kraft ? options_.kraft_version : latest_.feature_level(name);
  if (level < 0) return invalid_update(name, level, "A feature version cannot be less than 0.");
  MOLDAU_TRY(check_supported(name, level));
  if (level < present && how == upgrade_type::upgrade) {
    return invalid_update(name, level,
                          "Can't downgrade the version of this feature without setting the upgrade type to either "
                          "safe or unsafe downgrade.");
  }
  if (level > present && how != upgrade_type::upgrade) {
    return invalid_update(name, level, "Can't downgrade to a newer version.");
  }
  if (kraft && level < present) {
    return invalid_update(name, level, "Can't downgrade the version of this feature.");
  }
  if (kraft && level > present) {
    return invalid_update(name, level, "moldau can't move a static quorum to dynamic voters yet.");
  }
  if (name == elr_feature && level > 0 && !has_eligible_leader_replicas(metadata_version())) {
    return invalid_update(
        name, level,
        fmt::format("{} could not be set to {} because it depends on metadata.version level 23", name, level));
  }
  if (name == metadata_version_feature && level < present) {
    bool changed = false;
    for (std::int16_t passed = present; passed > level; --passed) changed = changed || changes_metadata(passed);
    if (changed) {
      return fail(errc::invalid_update_version,
                  fmt::format("Unsupported metadata.version downgrade from {} to {}. {}", present, level,
                              how == upgrade_type::unsafe_downgrade
                                  ? "Unsafe metadata downgrade is not supported in this version."
                                  : "Refusing to perform the requested downgrade because it might delete metadata "
                                    "information."));
    }
  }
  return {};
}

void controller::make_elr_safe(record_list& out) const {
  constexpr std::string_view name = "min.insync.replicas";
  const auto add = [&](std::string_view broker, std::optional<std::string_view> value) {
    wire::metadata::config_record r;
    r.resource_type = static_cast<std::int8_t>(config_resource_type::broker);
    r.resource_name = broker;
    r.name = name;
    r.value = value;
    out.push_back(encode_record(r, 0));
  };
  if (!latest_.config_of(config_resource_type::broker, "").contains(name)) {
    add("", std::to_string(options_.config->int32(name)));
  }
  latest_.configs.for_each([&](const config_resource& resource, const auto& values) {
    if (resource.type == config_resource_type::broker && !resource.name.empty() && values->contains(name)) {
      add(resource.name, std::nullopt);
    }
  });
}

outcome<wire::protocol::update_features_response> controller::update_features(
    const wire::protocol::update_features_request& request, std::int16_t version, std::int64_t now_ms,
    wire::arena& arena) {
  wire::protocol::update_features_response response;
  response.error_message.reset();
  record_list records;
  result<void> done;
  for (const auto& update : request.feature_updates) {
    const bool repeated =
        std::ranges::count(request.feature_updates, update.feature, [](const auto& u) { return u.feature; }) > 1;
    // Version 0 has a flag instead of the kind of update.
    const std::int8_t type = version == 0 && update.allow_downgrade
                                 ? static_cast<std::int8_t>(upgrade_type::safe_downgrade)
                                 : update.upgrade_type;
    done = repeated ? result<void>(fail(errc::invalid_request,
                                        fmt::format("Provided feature {} more than once.", update.feature)))
                    : check_feature_update(update.feature, update.max_version_level, type);
    if (!done) break;
    const bool in_log = update.feature != kraft_version_feature;
    if (in_log && latest_.feature_level(update.feature) != update.max_version_level) {
      wire::metadata::feature_level_record r;
      r.name = update.feature;
      r.feature_level = update.max_version_level;
      records.push_back(encode_record(r, 0));
      if (update.feature == elr_feature && update.max_version_level > 0) make_elr_safe(records);
    }
  }
  if (version <= 1) {
    // One feature's error is everybody's: all change or none does.
    for (const auto& update : request.feature_updates) {
      auto& out = response.results.emplace_back();
      out.feature = arena.store(update.feature);
      out.error_message.reset();
      if (!done) {
        out.error_code = done.error().code;
        out.error_message = arena.store(std::string_view(done.error().message));
      }
    }
  } else if (!done) {
    response.error_code = done.error().code;
    response.error_message = arena.store(
        "The update failed for all features since the following feature had an error: " + done.error().message);
  }
  if (!done || request.validate_only) records.clear();
  return finish(std::move(response), std::move(records), now_ms);
}

}  // namespace moldau::metadata
