#pragma once

#include <fmt/format.h>

#include <chrono>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "moldau/core/result.hpp"

/// The lines that a client program exchanges with run.py, and what its checks are made of.
namespace moldau::interop {

/// What ends a check: its sentence is the reason.
struct failed : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Runs one check: what it throws is its failure.
void check(const std::string& name, const std::function<void()>& step);
/// Asks for a stop ("stop") or kill -9 ("kill") with a start after it, and waits until the broker is back.
void broker(std::string_view how);
void end();

/// The value, or the end of the check.
template <typename T>
T good(result<T> of, std::string_view doing = "a call") {
  if (!of) throw failed(fmt::format("{}: {} ({})", doing, of.error().message, name(of.error().code)));
  if constexpr (!std::is_void_v<T>) return *std::move(of);
}

void that(bool is_so, std::string_view what);

template <typename A, typename B>
void same(std::string_view what, const A& wanted, const B& got) {
  if (!(wanted == got)) throw failed(fmt::format("{}: wanted {}, got {}", what, wanted, got));
}

template <typename T>
void refused(errc wanted, const result<T>& got) {
  if (got) throw failed(fmt::format("wanted {}, but it succeeded", name(wanted)));
  if (got.error().code != wanted) {
    throw failed(fmt::format("wanted {}, got {} ({})", name(wanted), name(got.error().code), got.error().message));
  }
}

/// Asks again and again; nothing announces what happens at the broker.
void wait_for(std::string_view what, const std::function<bool()>& is_so,
              std::chrono::seconds within = std::chrono::seconds(30));

/// What the command line gave.
extern std::string bootstrap;

}  // namespace moldau::interop
