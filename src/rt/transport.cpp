#include "rt/transport.hpp"

#include <fmt/format.h>

namespace moldau::rt {

std::string endpoint::to_string() const {
  // An IPv6 address is bracketed, as Kafka prints it.
  return host.find(':') != std::string::npos ? fmt::format("[{}]:{}", host, port) : fmt::format("{}:{}", host, port);
}

}  // namespace moldau::rt
