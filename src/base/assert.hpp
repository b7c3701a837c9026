#pragma once

#include <source_location>
#include <string_view>

namespace moldau::base {

/// Called with the broken invariant's text and place; must not return (abort, or throw to the executor's loop).
using assertion_handler = void (*)(std::string_view condition, std::source_location where);

/// Sets the process-wide handler and returns the one before. The default throws `broken_invariant`.
assertion_handler set_assertion_handler(assertion_handler handler);

/// What the default handler throws: a defect in moldau, never the caller's mistake.
struct broken_invariant {
  std::string_view condition;
  std::source_location where;
};

[[noreturn]] void assertion_failed(std::string_view condition,
                                   std::source_location where = std::source_location::current());

}  // namespace moldau::base

/// An invariant of our own code, checked in release too. Never for input from outside; never in a destructor.
#define MOLDAU_ASSERT(condition)                    \
  do {                                              \
    if (!(condition)) [[unlikely]]                  \
      ::moldau::base::assertion_failed(#condition); \
  } while (false)
