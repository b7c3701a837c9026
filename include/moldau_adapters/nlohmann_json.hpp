#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "moldau/core/serde.hpp"

namespace moldau::adapters {

/// JSON text of any type that nlohmann-json (3.11 or later) converts: with `to_json` and `from_json` of its own, or
/// NLOHMANN_DEFINE_TYPE_INTRUSIVE.
///
///     struct order { std::string customer; int amount; NLOHMANN_DEFINE_TYPE_INTRUSIVE(order, customer, amount) };
///     typed_producer<std::string, order, serde<std::string>, json_serde<order>> orders(producer, "orders");
///
/// `nlohmann::json` itself has it as its `serde`. What the library throws becomes an error: `errc::invalid_argument`
/// for a value that can't be written (text that isn't UTF-8), `errc::malformed` for bytes that can't be read.
template <typename T>
struct json_serde {
  using value_type = T;

  result<void> write(const T& value, std::vector<std::byte>& out) const {
    try {
      const std::string text = nlohmann::json(value).dump();
      const bytes_view bytes = as_bytes(text);
      out.insert(out.end(), bytes.begin(), bytes.end());
      return {};
    } catch (const nlohmann::json::exception& failed) {
      return fail(errc::invalid_argument, std::string("it can't be written as JSON: ") + failed.what());
    }
  }
  result<T> read(bytes_view from) const {
    try {
      return nlohmann::json::parse(as_text(from)).template get<T>();
    } catch (const nlohmann::json::exception& failed) {
      return fail(errc::malformed, std::string("it isn't the JSON that is expected: ") + failed.what());
    }
  }
};

}  // namespace moldau::adapters

namespace moldau {

template <>
struct serde<nlohmann::json> : adapters::json_serde<nlohmann::json> {};

}  // namespace moldau
