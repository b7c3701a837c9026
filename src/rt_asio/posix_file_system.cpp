#include "rt_asio/posix_file_system.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>

#include "rt_asio/posix_file.hpp"
#include "rt_asio/system_error.hpp"

namespace moldau::rt_asio {
namespace {

int flags_of(rt::open_mode mode) {
  switch (mode) {
    case rt::open_mode::read:
      return O_RDONLY;
    case rt::open_mode::write:
      return O_RDWR;
    case rt::open_mode::create:
      return O_RDWR | O_CREAT;
    case rt::open_mode::create_new:
      return O_RDWR | O_CREAT | O_EXCL;
    case rt::open_mode::create_empty:
      return O_RDWR | O_CREAT | O_TRUNC;
  }
  return O_RDONLY;
}

class open_file_lock final : public rt::file_lock {
 public:
  explicit open_file_lock(unique_fd fd) : fd_(std::move(fd)) {}

 private:
  unique_fd fd_;
};

struct close_directory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

}  // namespace

result<std::unique_ptr<rt::file>> posix_file_system::open(const std::string& path, rt::open_mode mode) {
  unique_fd fd(::open(path.c_str(), flags_of(mode) | O_CLOEXEC, 0666));
  if (!fd) return file_error(mode == rt::open_mode::create_new ? "create" : "open", path, errno);
  return std::make_unique<posix_file>(std::move(fd), path);
}

bool posix_file_system::exists(const std::string& path) {
  return ::access(path.c_str(), F_OK) == 0;
}

result<std::vector<rt::directory_entry>> posix_file_system::list(const std::string& directory) {
  const std::unique_ptr<DIR, close_directory> opened(::opendir(directory.c_str()));
  if (!opened) return file_error("list", directory, errno);
  std::vector<rt::directory_entry> entries;
  while (true) {
    errno = 0;
    const dirent* each = ::readdir(opened.get());
    if (each == nullptr) break;
    const std::string_view name = each->d_name;
    if (name == "." || name == "..") continue;
    struct stat about{};
    if (::fstatat(::dirfd(opened.get()), each->d_name, &about, 0) != 0) {
      if (errno == ENOENT) continue;  // Removed meanwhile, or a link to nowhere.
      return file_error("look at", rt::join_path(directory, name), errno);
    }
    entries.push_back({.name = std::string(name),
                       .is_directory = S_ISDIR(about.st_mode),
                       .size_bytes = static_cast<std::uint64_t>(about.st_size),
                       .modified_ms = about.st_mtim.tv_sec * 1000 + about.st_mtim.tv_nsec / 1'000'000});
  }
  if (errno != 0) return file_error("list", directory, errno);
  std::ranges::sort(entries, {}, &rt::directory_entry::name);
  return entries;
}

result<void> posix_file_system::make_directories(const std::string& path) {
  std::error_code failed;
  std::filesystem::create_directories(path, failed);
  if (failed) return file_error("create directory", path, failed.value());
  return {};
}

result<void> posix_file_system::rename(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) {
    const int number = errno;
    return file_error("rename", fmt::format("{} to {}", from, to), number);
  }
  return {};
}

result<void> posix_file_system::remove(const std::string& path) {
  if (::remove(path.c_str()) != 0) return file_error("remove", path, errno);
  return {};
}

result<void> posix_file_system::remove_all(const std::string& path) {
  std::error_code failed;
  std::filesystem::remove_all(path, failed);
  if (failed) return file_error("remove", path, failed.value());
  return {};
}

result<void> posix_file_system::sync_directory(const std::string& path) {
  const unique_fd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return file_error("open directory", path, errno);
  if (::fsync(fd.get()) != 0) return file_error("sync directory", path, errno);
  return {};
}

result<std::unique_ptr<rt::file_lock>> posix_file_system::lock(const std::string& path) {
  unique_fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666));
  if (!fd) return file_error("open", path, errno);
  // An open file description lock stands in the same table as the POSIX record locks that Java takes, so each excludes
  // the other; and it belongs to this very open, so it excludes a second one of this process too and isn't lost when
  // somebody else here opens and closes the file.
  struct flock whole{};
  whole.l_type = F_WRLCK;
  whole.l_whence = SEEK_SET;
  if (::fcntl(fd.get(), F_OFD_SETLK, &whole) != 0) {
    if (errno == EAGAIN || errno == EACCES) {
      return fail(errc::locked, fmt::format("{} is locked: another process is using this directory", path));
    }
    return file_error("lock", path, errno);
  }
  return std::make_unique<open_file_lock>(std::move(fd));
}

result<rt::file_system::space> posix_file_system::space_of(const std::string& path) {
  struct statvfs about{};
  if (::statvfs(path.c_str(), &about) != 0) return file_error("look at the space of", path, errno);
  return space{.total_bytes = static_cast<std::uint64_t>(about.f_blocks) * about.f_frsize,
               .usable_bytes = static_cast<std::uint64_t>(about.f_bavail) * about.f_frsize};
}

}  // namespace moldau::rt_asio
