#include <fmt/format.h>

#include <cstdlib>
#include <string_view>

#include "base/assert.hpp"
#include "start.hpp"

namespace {

/// A broken invariant ends the broker at once: going on could lose what is stored.
[[noreturn]] void abort_on_broken_invariant(std::string_view condition, std::source_location where) {
  fmt::print(stderr, "moldau: broken invariant: {} ({}:{})\n", condition, where.file_name(), where.line());
  std::abort();
}

}  // namespace

int main(int argc, char** argv) {
  moldau::base::set_assertion_handler(&abort_on_broken_invariant);
  if (argc < 2 || std::string_view(argv[1]) != "start") {
    fmt::print(stderr, "usage: moldau start [FILE]\n");
    return 2;
  }
  moldau::app::start_options options;
  if (argc > 2) options.file = argv[2];
  return moldau::app::start(options);
}
