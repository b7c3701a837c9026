#include "client/fetch_answer.hpp"

#include <utility>

namespace moldau::client {

using wire::protocol::fetch_response;

result<fetch_answer> fetch_answer::parse(shared_bytes body, std::int16_t version) {
  if (version < fetch_response::min_version || version > fetch_version_max) {
    return fail(errc::unsupported_version, "this version of an answer to Fetch can't be read");
  }
  fetch_answer out;
  wire::reader in(body);
  out.version_ = version;
  out.throttle_time_ms_ = in.i32();
  if (version >= 7) {
    out.code_ = static_cast<errc>(in.i16());
    out.session_id_ = in.i32();
  }
  out.head_bytes_ = in.position();
  const auto nothing = [](std::string_view, const partition_data&) {};
  if (in.ok()) walk(in, version, nothing);
  MOLDAU_TRY(in.status());
  out.body_ = std::move(body);
  return out;
}

void fetch_answer::skip_tags(wire::reader& in) {
  if (!in.ok()) return;
  for (wire::tag_reader tags(in); tags.next();) static_cast<void>(tags.value().raw(tags.value().remaining()));
}

}  // namespace moldau::client
