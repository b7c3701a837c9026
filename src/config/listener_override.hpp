#pragma once

#include <string_view>

namespace moldau::config {

/// "ssl.keystore.location" of "listener.name.internal.ssl.keystore.location" (and of the form that names a SASL
/// mechanism in between); empty if `name` is no override for one listener.
[[nodiscard]] std::string_view listener_override_base(std::string_view name);

}  // namespace moldau::config
