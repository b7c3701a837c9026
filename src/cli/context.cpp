#include "cli/context.hpp"

#include <fmt/format.h>

namespace moldau::cli {

result<std::map<std::string, std::string>> parse_pairs(const std::vector<std::string>& pairs) {
  std::map<std::string, std::string> out;
  for (const std::string& pair : pairs) {
    const std::size_t at = pair.find('=');
    if (at == std::string::npos || at == 0) {
      return fail(errc::invalid_argument, fmt::format("'{}' should be name=value", pair));
    }
    out[pair.substr(0, at)] = pair.substr(at + 1);
  }
  return out;
}

result<client::properties> context::client_properties() const {
  client::properties out;
  out["bootstrap.servers"] = bootstrap;
  out["client.id"] = "moldau-cli";
  out["default.api.timeout.ms"] = std::to_string(timeout_ms);
  out["request.timeout.ms"] = std::to_string(timeout_ms);
  MOLDAU_TRY_ASSIGN(const auto given_by_user, parse_pairs(properties));
  for (const auto& [name, value] : given_by_user) out[name] = value;
  return out;
}

result<client::client_options> context::client_options() const {
  MOLDAU_TRY_ASSIGN(const auto all, client_properties());
  return client::client_options::from_properties(all);
}

namespace {

/// What a person can do about it, where that isn't in the sentence already.
std::string_view advice(errc code) {
  switch (code) {
    case errc::network_exception:
    case errc::timed_out:
    case errc::broker_not_available:
      return "is the broker running, and is --bootstrap-server its address?";
    case errc::unsupported_version:
      return "the broker is too old for this, or not built for it";
    case errc::topic_already_exists:
      return "'moldau topic describe' shows it, 'moldau topic alter' changes it";
    case errc::unknown_topic_or_partition:
      return "'moldau topic list' shows what there is";
    case errc::invalid_replication_factor:
      return "there must be as many brokers as replicas: see 'moldau cluster describe'";
    case errc::group_id_not_found:
      return "'moldau group list' shows what there is";
    case errc::unknown_member_id:
    case errc::non_empty_group:
      return "stop the group's members first";
    case errc::topic_authorization_failed:
    case errc::group_authorization_failed:
    case errc::cluster_authorization_failed:
      return "the cluster's rules don't allow it to this user";
    default:
      return {};
  }
}

}  // namespace

int report(const error& why, std::string_view doing) {
  const std::string_view words = why.message.empty() ? name(why.code) : std::string_view(why.message);
  if (doing.empty()) {
    fmt::print(stderr, "moldau: {}\n", words);
  } else {
    fmt::print(stderr, "moldau: {}: {}\n", doing, words);
  }
  if (const auto hint = advice(why.code); !hint.empty()) fmt::print(stderr, "  {}\n", hint);
  return why.code == errc::invalid_argument ? exit_usage : exit_failed;
}

int report_usage(std::string_view sentence) {
  fmt::print(stderr, "moldau: {}\n", sentence);
  return exit_usage;
}

}  // namespace moldau::cli
