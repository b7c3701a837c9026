#pragma once

#include <expected>
#include <string>
#include <utility>

#include "moldau/core/errc.hpp"

namespace moldau {

/// Why a call failed: a code to branch on and a sentence for the person who reads the log.
///
/// The sentence says what was being done and what to do about it; it never repeats the code's name.
struct error {
  errc code = errc::unknown_server_error;
  std::string message;

  /// Whether the same call may succeed later as it is.
  [[nodiscard]] bool retriable() const { return is_retriable(code); }

  friend bool operator==(const error&, const error&) = default;
};

/// A value or the reason why there is none. Every fallible function of moldau returns one; none throws.
template <typename T>
using result = std::expected<T, error>;

/// `return fail(errc::malformed, "…");` from any function that returns a `result`.
[[nodiscard]] inline std::unexpected<error> fail(errc code, std::string message = {}) {
  return std::unexpected<error>(error{code, std::move(message)});
}

}  // namespace moldau

#define MOLDAU_CONCAT_IMPL(a, b) a##b
#define MOLDAU_CONCAT(a, b) MOLDAU_CONCAT_IMPL(a, b)

/// Returns the error of `expr` from this function, or goes on.
#define MOLDAU_TRY(expr)                                                      \
  do {                                                                        \
    if (auto moldau_try = (expr); !moldau_try) [[unlikely]]                   \
      return std::unexpected<::moldau::error>(std::move(moldau_try).error()); \
  } while (false)

/// Declares `decl` from the value of `expr`, or returns its error from this function.
#define MOLDAU_TRY_ASSIGN(decl, expr) MOLDAU_TRY_ASSIGN_IMPL(MOLDAU_CONCAT(moldau_try_, __LINE__), decl, expr)
#define MOLDAU_TRY_ASSIGN_IMPL(tmp, decl, expr)                      \
  auto tmp = (expr);                                                 \
  if (!tmp) [[unlikely]]                                             \
    return std::unexpected<::moldau::error>(std::move(tmp).error()); \
  decl = *std::move(tmp)

/// The same two inside a coroutine.
#define MOLDAU_CO_TRY(expr)                                                      \
  do {                                                                           \
    if (auto moldau_try = (expr); !moldau_try) [[unlikely]]                      \
      co_return std::unexpected<::moldau::error>(std::move(moldau_try).error()); \
  } while (false)
#define MOLDAU_CO_TRY_ASSIGN(decl, expr) MOLDAU_CO_TRY_ASSIGN_IMPL(MOLDAU_CONCAT(moldau_try_, __LINE__), decl, expr)
#define MOLDAU_CO_TRY_ASSIGN_IMPL(tmp, decl, expr)                      \
  auto tmp = (expr);                                                    \
  if (!tmp) [[unlikely]]                                                \
    co_return std::unexpected<::moldau::error>(std::move(tmp).error()); \
  decl = *std::move(tmp)
