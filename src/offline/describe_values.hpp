#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "moldau/core/errc.hpp"
#include "moldau/core/ids.hpp"
#include "offline/describe.hpp"
#include "wire/primitives.hpp"

/// What generated descriptions stand on: values as JSON.
namespace moldau::offline {

/// Appends text as a JSON string. Bytes that aren't UTF-8 become U+FFFD.
void put_text(std::string& out, std::string_view text);
/// Appends bytes as a JSON string of base64.
void put_base64(std::string& out, bytes_view bytes);

template <typename T>
struct describer {
  static void put(std::string& out, const T& value) { out += std::to_string(value); }
};
template <>
struct describer<bool> {
  static void put(std::string& out, bool value) { out += value ? "true" : "false"; }
};
template <>
struct describer<std::string_view> {
  static void put(std::string& out, std::string_view value) { put_text(out, value); }
};
template <>
struct describer<bytes_view> {
  static void put(std::string& out, bytes_view value) { put_base64(out, value); }
};
template <>
struct describer<uuid> {
  static void put(std::string& out, const uuid& value) { put_text(out, value.to_string()); }
};
template <>
struct describer<errc> {
  static void put(std::string& out, errc value) { put_text(out, name(value)); }
};
template <typename Tag, typename Rep>
struct describer<strong_id<Tag, Rep>> {
  static void put(std::string& out, strong_id<Tag, Rep> value) { out += std::to_string(value.value()); }
};
template <typename T>
struct describer<std::optional<T>> {
  static void put(std::string& out, const std::optional<T>& value) {
    if (value) {
      describer<T>::put(out, *value);
    } else {
      out += "null";
    }
  }
};
template <typename T>
struct describer<std::vector<T>> {
  static void put(std::string& out, const std::vector<T>& values) {
    out += '[';
    bool first = true;
    for (const auto& value : values) {
      if (!first) out += ',';
      first = false;
      describer<T>::put(out, value);
    }
    out += ']';
  }
};

/// A JSON object under way.
class object {
 public:
  explicit object(std::string& out) : out_(out) { out_ += '{'; }
  object(const object&) = delete;
  object& operator=(const object&) = delete;
  ~object() { out_ += '}'; }

  template <typename T>
  void put(std::string_view name, const T& value) {
    if (!first_) out_ += ',';
    first_ = false;
    put_text(out_, name);
    out_ += ':';
    describer<T>::put(out_, value);
  }

 private:
  std::string& out_;
  bool first_ = true;
};

template <typename Message>
result<described> describe_as(wire::reader& in, std::int16_t version) {
  MOLDAU_TRY_ASSIGN(const Message message, Message::decode(in, version));
  described out{.type = std::string(Message::message_name), .version = version, .fields = {}};
  describer<Message>::put(out.fields, message);
  return out;
}

inline result<described> unknown_type(std::uint32_t type) {
  return fail(errc::unsupported_version, "record type " + std::to_string(type) + " isn't one of Kafka 4.3's");
}

}  // namespace moldau::offline
