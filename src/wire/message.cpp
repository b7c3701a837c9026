#include "wire/message.hpp"

#include <string>

namespace moldau::wire {

result<void> check_version(std::string_view message, std::int16_t version, std::int16_t min, std::int16_t max) {
  if (version >= min && version <= max) return {};
  return fail(errc::unsupported_version, std::string(message) + " has versions " + std::to_string(min) + " to " +
                                             std::to_string(max) + ", not " + std::to_string(version));
}

}  // namespace moldau::wire
