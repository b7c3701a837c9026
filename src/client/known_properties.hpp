#pragma once

#include <string>
#include <string_view>

namespace moldau::client {

enum class client_kind : unsigned char { producer, consumer, admin };

enum class property_standing : unsigned char { unknown, own, of_another_client };

/// Whether Kafka's client of that kind has a property of this name.
[[nodiscard]] property_standing standing_of(std::string_view name, client_kind kind);

/// The name that was most likely meant; empty if none is near.
[[nodiscard]] std::string nearest_property(std::string_view name);

}  // namespace moldau::client
