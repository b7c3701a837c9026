#pragma once

#include <any>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "bytes/endian.hpp"
#include "moldau/core/bytes.hpp"
#include "rt/world.hpp"
#include "testing/fake_broker/cluster.hpp"
#include "wire/protocol/api_keys.hpp"
#include "wire/reader.hpp"
#include "wire/writer.hpp"

namespace moldau::testing::fake {

/// One request on its way through a handler. A handler is asked again, with the same call, until it has an answer.
struct call {
  cluster& in;
  broker& on;
  std::int16_t version = 0;
  std::int32_t correlation_id = 0;
  std::string client_id;
  bytes_view body;
  /// An injected error that answers it.
  std::optional<errc> refused;
  bool carried_out = false;
  /// What the handler keeps from one asking to the next.
  std::any kept;
  bool answers = true;

  [[nodiscard]] bool is_first() const { return !kept.has_value(); }
  [[nodiscard]] rt::time_point now() const { return in.world.now(); }
  /// What `act` finds, unless an injected error stands in its place.
  template <typename Act>
  [[nodiscard]] errc judge(Act act) const {
    errc code = errc::none;
    if (!refused || carried_out) code = act();
    return refused.value_or(code);
  }
  /// A text that an answer's views point into.
  std::string_view keep(std::string text) { return texts.emplace_back(std::move(text)); }

  std::deque<std::string> texts{};
};

/// What a handler says.
struct outcome {
  enum class kind : std::uint8_t { answer, nothing, wait, close };
  kind what = kind::close;
  std::vector<std::byte> bytes{};
  /// Of `wait`: when to ask again at the latest.
  rt::time_point until{};
};

template <typename Response>
[[nodiscard]] std::vector<std::byte> encode_answer(const call& to, const Response& message, std::int16_t version) {
  const bool tags =
      wire::protocol::response_header_version(static_cast<wire::protocol::api_key>(Response::api_key), version) >= 1;
  const std::size_t size = 4 + (tags ? 1 : 0) + message.encoded_size(version);
  std::vector<std::byte> out(4 + size);
  wire::writer into(out);
  into.i32(static_cast<std::int32_t>(size));
  into.i32(to.correlation_id);
  if (tags) into.varint(0);
  message.encode(into, version);
  return out;
}

/// Decodes, has `act(request, response)` answer, and encodes. `act` returns nothing, or until when it would wait.
template <typename Request, typename Response, typename Act>
[[nodiscard]] outcome serve(call& what, Act act) {
  wire::reader in(what.body);
  const auto asked = Request::decode(in, what.version);
  if (!asked) return {.what = outcome::kind::close};
  Response out;
  const std::optional<rt::time_point> until = act(*asked, out);
  if (until) return {.what = outcome::kind::wait, .until = *until};
  if (!what.answers) return {.what = outcome::kind::nothing};
  return {.what = outcome::kind::answer, .bytes = encode_answer(what, out, what.version)};
}

/// For handlers that never wait.
inline constexpr std::optional<rt::time_point> done = std::nullopt;

}  // namespace moldau::testing::fake
