#pragma once

#include <atomic>
#include <string>

#include "rt/file.hpp"
#include "rt_asio/unique_fd.hpp"

namespace moldau::rt_asio {

/// `rt::file` over a descriptor. Holds no position and no lock, so workers may share it as `rt::file` says.
class posix_file final : public rt::file {
 public:
  posix_file(unique_fd fd, std::string path);

  result<std::size_t> read_at(std::uint64_t position, mutable_bytes into) override;
  using rt::file::write_at;
  result<void> write_at(std::uint64_t position, std::span<const bytes_view> parts) override;
  result<void> sync_data() override;
  result<void> sync() override;
  result<void> truncate(std::uint64_t size) override;
  result<void> reserve(std::uint64_t position, std::uint64_t size) override;
  result<std::uint64_t> size() override;
  result<std::size_t> read_resident(std::uint64_t position, mutable_bytes into) override;
  bool is_resident(std::uint64_t position, std::uint64_t size) override;
  void make_resident(std::uint64_t position, std::uint64_t size) override;

  /// For sendfile, as long as this object lives.
  [[nodiscard]] int descriptor() const { return fd_.get(); }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  /// What this file's file system does with a read that must not wait.
  enum class nowait : unsigned char { supported, in_memory, unsupported };

  [[nodiscard]] nowait learn_nowait();

  unique_fd fd_;
  std::string path_;
  std::atomic<nowait> nowait_{nowait::supported};
};

}  // namespace moldau::rt_asio
