#include "talk.hpp"

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <thread>

namespace moldau::interop {

std::string bootstrap;

void check(const std::string& name, const std::function<void()>& step) {
  const char* only = std::getenv("MOLDAU_INTEROP_ONLY");
  if (only != nullptr && !name.contains(only)) return;
  try {
    step();
    fmt::print("ok {}\n", name);
  } catch (const std::exception& why) {
    std::string text = why.what();
    std::ranges::replace(text, '\n', ' ');
    fmt::print("fail {}: {}\n", name, text);
  }
  std::fflush(stdout);
}

void broker(std::string_view how) {
  fmt::print("broker {}\n", how);
  std::fflush(stdout);
  std::string answer;
  std::getline(std::cin, answer);
  if (answer != "done") throw failed("no broker: " + answer);
}

void end() {
  fmt::print("end\n");
  std::fflush(stdout);
}

void that(bool is_so, std::string_view what) {
  if (!is_so) throw failed(std::string(what));
}

void wait_for(std::string_view what, const std::function<bool()>& is_so, std::chrono::seconds within) {
  const auto deadline = std::chrono::steady_clock::now() + within;
  while (!is_so()) {
    if (std::chrono::steady_clock::now() > deadline) {
      throw failed(fmt::format("not within {} s: {}", within.count(), what));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

}  // namespace moldau::interop
