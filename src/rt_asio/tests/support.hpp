#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <functional>
#include <string>

#include "rt_asio/host.hpp"

namespace moldau::rt_asio {

/// Runs the task on core 0 of a host of its own and returns when it has ended.
inline void run_on_host(unsigned cores, const std::function<rt::task<void>(host&)>& body) {
  host machine({.cores = cores, .workers = 4});
  auto main = [](host& self, const std::function<rt::task<void>(host&)>& inner) -> rt::task<void> {
    co_await inner(self);
    self.stop();
  };
  machine.core(0).post([&] { rt::spawn(main(machine, body)); });
  machine.run();
}

/// A directory that goes with it.
class temporary_directory {
 public:
  temporary_directory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "moldau-test-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  temporary_directory(const temporary_directory&) = delete;
  temporary_directory& operator=(const temporary_directory&) = delete;
  ~temporary_directory() { std::filesystem::remove_all(path_); }
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string operator/(std::string_view name) const { return rt::join_path(path_, name); }

 private:
  std::string path_;
};

/// Reads exactly `size` bytes; fewer if the peer ends.
inline rt::task<std::string> read_text(rt::connection& from, std::size_t size) {
  std::string got(size, '\0');
  std::size_t done = 0;
  while (done < size) {
    const auto n = co_await from.read_some(std::as_writable_bytes(std::span(got)).subspan(done));
    if (!n || *n == 0) break;
    done += *n;
  }
  got.resize(done);
  co_return got;
}

inline rt::chunk text(std::string_view what) {
  return shared_bytes::copy_of(as_bytes(what));
}
inline std::vector<rt::chunk> one(std::string_view what) {
  std::vector<rt::chunk> out;
  out.push_back(text(what));
  return out;
}

}  // namespace moldau::rt_asio
