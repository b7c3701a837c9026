#include "testing/fake_broker/apis.hpp"
#include "wire/protocol/api_versions_request.hpp"
#include "wire/protocol/api_versions_response.hpp"

namespace moldau::testing::fake {

using wire::protocol::api_versions_request;
using wire::protocol::api_versions_response;

outcome handle_api_versions(call& what) {
  const auto fill = [&](api_versions_response& out) {
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
