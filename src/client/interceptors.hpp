#pragma once

#include <fmt/format.h>

#include <exception>
#include <string_view>
#include <utility>

namespace moldau::client {

/// Calls an interceptor's `what`. It is a guest: what it throws goes to `log(text)`, and no further. False if it threw.
template <typename Call, typename Log>
bool call_guest(std::string_view what, Call&& call, Log&& log) {
  try {
    std::forward<Call>(call)();
    return true;
  } catch (const std::exception& why) {
    log(fmt::format("an interceptor's {} threw: {}", what, why.what()));
  } catch (...) {
    log(fmt::format("an interceptor's {} threw what is no std::exception", what));
  }
  return false;
}

}  // namespace moldau::client
