#include "testing/fake_broker/apis.hpp"
#include "wire/protocol/api_versions_request.hpp"
#include "wire/protocol/api_versions_response.hpp"

namespace moldau::testing::fake {

using wire::protocol::api_versions_request;
using wire::protocol::api_versions_response;

outcome handle_api_versions(call& what) {
  const auto fill = [&](api_versions_response& out) {
    for (const auto& [name, known] : what.in.features) {
      out.supported_features.push_back({.name = name, .min_version = known.least, .max_version = known.most});
      if (known.level == 0) continue;
      out.finalized_features.push_back(
          {.name = name, .max_version_level = known.level, .min_version_level = known.level});
    }
    if (!what.in.features.empty()) out.finalized_features_epoch = what.in.features_epoch;
    for (const served_api& one : all_apis()) {
      if (const auto most = version_max(one, what.in.options)) {
        out.api_keys.push_back(
            {.api_key = static_cast<std::int16_t>(one.key), .min_version = one.version_min, .max_version = *most});
      }
    }
  };
  if (what.version > version_max(*find_api(api_versions_request::api_key), what.in.options).value_or(-1)) {
    // KIP-511: answered in version 0, with the versions that would have done.
    api_versions_response out;
    out.error_code = errc::unsupported_version;
    fill(out);
    return {.what = outcome::kind::answer, .bytes = encode_answer(what, out, 0)};
  }
  return serve<api_versions_request, api_versions_response>(what, [&](const auto&, api_versions_response& out) {
    out.error_code = what.judge([] { return errc::none; });
    fill(out);
    return done;
  });
}

}  // namespace moldau::testing::fake
