#include "base/assert.hpp"

#include <atomic>
#include <cstdlib>

namespace moldau::base {
namespace {

[[noreturn]] void throw_broken_invariant(std::string_view condition, std::source_location where) {
  throw broken_invariant{condition, where};
}

std::atomic<assertion_handler> current_handler{&throw_broken_invariant};

}  // namespace

assertion_handler set_assertion_handler(assertion_handler handler) {
  return current_handler.exchange(handler);
}

void assertion_failed(std::string_view condition, std::source_location where) {
  current_handler.load()(condition, where);
  std::abort();
}

}  // namespace moldau::base
