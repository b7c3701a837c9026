#pragma once

#include <functional>
#include <memory>
#include <string>

#include "rt/file.hpp"
#include "testing/sim/disk.hpp"

namespace moldau::testing::sim {

/// An open file of one process.
class simulated_file final : public rt::file {
 public:
  simulated_file(disk& storage, actor& who, std::function<std::int64_t()> wall_ms, disk_image::node node,
                 std::string path, bool writable)
      : storage_(storage),
        who_(who),
        wall_ms_(std::move(wall_ms)),
        node_(std::move(node)),
        path_(std::move(path)),
        writable_(writable) {}

  using rt::file::write_at;
  [[nodiscard]] result<std::size_t> read_at(std::uint64_t position, mutable_bytes into) override;
  [[nodiscard]] result<void> write_at(std::uint64_t position, std::span<const bytes_view> parts) override;
  [[nodiscard]] result<void> sync_data() override;
  [[nodiscard]] result<void> sync() override;
  [[nodiscard]] result<void> truncate(std::uint64_t size) override;
  [[nodiscard]] result<void> reserve(std::uint64_t position, std::uint64_t size) override;
  [[nodiscard]] result<std::uint64_t> size() override;
  [[nodiscard]] result<std::size_t> read_resident(std::uint64_t position, mutable_bytes into) override;
  [[nodiscard]] bool is_resident(std::uint64_t position, std::uint64_t size) override;
  void make_resident(std::uint64_t position, std::uint64_t size) override;

 private:
  [[nodiscard]] result<void> must_be_writable() const;
  [[nodiscard]] result<void> write_whole(std::uint64_t position, bytes_view bytes);

  disk& storage_;
  actor& who_;
  std::function<std::int64_t()> wall_ms_;
  disk_image::node node_;
  std::string path_;
  bool writable_;
};

}  // namespace moldau::testing::sim
