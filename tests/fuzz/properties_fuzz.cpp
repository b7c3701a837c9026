// What an administrator writes: any text gives a configuration or mistakes, never a crash, and every mistake has a line
// that the text has.

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "base/assert.hpp"
#include "config/broker_config.hpp"
#include "config/topic_config.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto loaded = moldau::config::broker_config::load(text);
  MOLDAU_ASSERT(loaded.config.has_value() == loaded.errors.empty());
  const auto lines =
      static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return c == '\n' || c == '\r'; })) + 1;
  for (const auto& mistake : loaded.errors) MOLDAU_ASSERT(mistake.line <= lines);
  for (const auto& mistake : loaded.warnings) MOLDAU_ASSERT(mistake.line <= lines);
  if (loaded.config) {
    MOLDAU_ASSERT(!loaded.config->describe().empty());
    MOLDAU_ASSERT(!moldau::config::describe_topic(*loaded.config, {}).empty());
  }
  return 0;
}
