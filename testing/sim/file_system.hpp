#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>

#include "rt/file.hpp"
#include "testing/sim/disk.hpp"

namespace moldau::testing::sim {

/// One process's view of its host's disk.
class simulated_file_system final : public rt::file_system {
 public:
  simulated_file_system(disk& storage, actor& who, std::function<std::int64_t()> wall_ms)
      : storage_(storage), who_(who), wall_ms_(std::move(wall_ms)) {}

  [[nodiscard]] result<std::unique_ptr<rt::file>> open(const std::string& path, rt::open_mode mode) override;
  [[nodiscard]] bool exists(const std::string& path) override;
  [[nodiscard]] result<std::vector<rt::directory_entry>> list(const std::string& directory) override;
  [[nodiscard]] result<void> make_directories(const std::string& path) override;
  [[nodiscard]] result<void> rename(const std::string& from, const std::string& to) override;
  [[nodiscard]] result<void> remove(const std::string& path) override;
  [[nodiscard]] result<void> remove_all(const std::string& path) override;
  [[nodiscard]] result<void> sync_directory(const std::string& path) override;
  [[nodiscard]] result<std::unique_ptr<rt::file_lock>> lock(const std::string& path) override;
  [[nodiscard]] result<space> space_of(const std::string& path) override;

 private:
  /// Runs `change`, of which `begin` said yes, and crashes after it if that is due.
  template <typename F>
  [[nodiscard]] result<void> changing(disk_op op, const std::string& path, F change);
  [[nodiscard]] result<void> remove_tree(const std::string& path);

  disk& storage_;
  actor& who_;
  std::function<std::int64_t()> wall_ms_;
  std::shared_ptr<std::set<std::string>> locks_ = std::make_shared<std::set<std::string>>();
};

}  // namespace moldau::testing::sim
