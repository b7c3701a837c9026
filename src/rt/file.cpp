#include "rt/file.hpp"

#include <fmt/format.h>

namespace moldau::rt {

result<shared_bytes> file_system::read_file(const std::string& path, std::uint64_t limit_bytes) {
  MOLDAU_TRY_ASSIGN(auto f, open(path, open_mode::read));
  MOLDAU_TRY_ASSIGN(const std::uint64_t size, f->size());
  if (size > limit_bytes) {
    return fail(errc::malformed, fmt::format("{} has {} bytes, more than the {} allowed", path, size, limit_bytes));
  }
  shared_bytes content = shared_bytes::allocate(size);
  MOLDAU_TRY_ASSIGN(const std::size_t got, f->read_at(0, content.writable()));
  return content.slice(0, got);
}

result<void> file_system::write_file_atomically(const std::string& path, bytes_view content) {
  const std::string temporary = path + ".tmp";
  {
    MOLDAU_TRY_ASSIGN(auto f, open(temporary, open_mode::create_empty));
    MOLDAU_TRY(f->write_at(0, content));
    MOLDAU_TRY(f->sync());
  }
  MOLDAU_TRY(rename(temporary, path));
  return sync_directory(parent_path(path));
}

std::string join_path(std::string_view directory, std::string_view name) {
  if (directory.empty()) return std::string(name);
  if (directory.ends_with('/')) return fmt::format("{}{}", directory, name);
  return fmt::format("{}/{}", directory, name);
}

std::string parent_path(std::string_view path) {
  const auto slash = path.rfind('/');
  if (slash == std::string_view::npos) return ".";
  return std::string(slash == 0 ? "/" : path.substr(0, slash));
}

}  // namespace moldau::rt
