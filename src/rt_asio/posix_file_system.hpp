#pragma once

#include "rt/file.hpp"

namespace moldau::rt_asio {

/// `rt::file_system` over the machine's. Stateless, so any thread may use it.
class posix_file_system final : public rt::file_system {
 public:
  result<std::unique_ptr<rt::file>> open(const std::string& path, rt::open_mode mode) override;
  bool exists(const std::string& path) override;
  result<std::vector<rt::directory_entry>> list(const std::string& directory) override;
  result<void> make_directories(const std::string& path) override;
  result<void> rename(const std::string& from, const std::string& to) override;
  result<void> remove(const std::string& path) override;
  result<void> remove_all(const std::string& path) override;
  result<void> sync_directory(const std::string& path) override;
  /// A lock that excludes Kafka's (Java's `FileChannel.tryLock`) as well as another one of ours.
  result<std::unique_ptr<rt::file_lock>> lock(const std::string& path) override;
  result<space> space_of(const std::string& path) override;
};

}  // namespace moldau::rt_asio
