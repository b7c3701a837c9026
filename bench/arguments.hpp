#pragma once

#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>

namespace moldau::bench {

/// `--name value` pairs of a command line.
class arguments {
 public:
  arguments(int argc, char** argv, int from) {
    for (int i = from; i + 1 < argc; i += 2) values_[argv[i]] = argv[i + 1];
  }
  [[nodiscard]] long number(const std::string& name, long otherwise) const {
    const auto found = values_.find("--" + name);
    return found == values_.end() ? otherwise : std::atol(found->second.c_str());
  }
  [[nodiscard]] std::string text(const std::string& name, const std::string& otherwise = {}) const {
    const auto found = values_.find("--" + name);
    return found == values_.end() ? otherwise : found->second;
  }

 private:
  std::map<std::string, std::string> values_;
};

/// A measurement that can't be made is none: says why and ends.
[[noreturn]] inline void give_up(const std::string& why) {
  std::fprintf(stderr, "bench: %s\n", why.c_str());
  std::exit(1);
}

}  // namespace moldau::bench
