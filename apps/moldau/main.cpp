#include <fmt/format.h>

#include <cstdlib>
#include <string_view>

#include "base/assert.hpp"
#include "cli/run.hpp"
#include "rt_asio/posix_file_system.hpp"
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
  moldau::rt_asio::posix_file_system files;
  const moldau::cli::hooks given{
      .start =
          [](std::optional<std::string> file, std::map<std::string, std::string, std::less<>> overrides) {
            return moldau::app::start({.file = std::move(file), .overrides = std::move(overrides)});
          },
      .files = &files};
  return moldau::cli::run(argc, argv, given);
}
