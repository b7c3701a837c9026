#include "peer/versions.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace moldau::peer {
namespace {

/// As the field writes it: of the message `elect_leaders_request` it is ElectLeaders.
std::string name_of_api(std::string_view message) {
  if (message.ends_with("_request")) message.remove_suffix(8);
  std::string out;
  bool starts = true;
  for (const char c : message) {
    if (c != '_') out += starts && c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    starts = c == '_';
  }
  return out;
}

}  // namespace

versions versions::from(const wire::protocol::api_versions_response& response) {
  versions out;
  for (const auto& api : response.api_keys) out.apis_[api.api_key] = {api.min_version, api.max_version};
  return out;
}

result<std::int16_t> versions::choose(std::int16_t api_key, std::string_view api_name, version_range ours) const {
  const auto found = apis_.find(api_key);
  if (found == apis_.end()) {
    return fail(errc::unsupported_version, fmt::format("the broker doesn't offer {}", name_of_api(api_name)));
  }
  const auto& theirs = found->second;
  const std::int16_t most = std::min(theirs.most, ours.most);
  if (most < std::max(theirs.least, ours.least)) {
    return fail(errc::unsupported_version,
                fmt::format("the broker offers {} in versions {} to {}, this call needs {} to {}",
                            name_of_api(api_name), theirs.least, theirs.most, ours.least, ours.most));
  }
  return most;
}

}  // namespace moldau::peer
