#include "rt_asio/posix_file.hpp"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <vector>

#include "rt_asio/system_error.hpp"

namespace moldau::rt_asio {
namespace {

constexpr std::uint64_t page = 4096;
/// Below IOV_MAX (1024), which as an array would take too much of a worker's stack for no gain.
constexpr std::size_t max_parts = 256;

template <typename Call>
auto retry_interrupted(Call call) {
  while (true) {
    const auto outcome = call();
    if (outcome >= 0 || errno != EINTR) return outcome;
  }
}

/// Pages of the range that are cached, by cachestat (Linux 6.5); nothing where the system doesn't have or allow it.
std::optional<std::uint64_t> cached_pages(int fd, std::uint64_t position, std::uint64_t size) {
  constexpr long cachestat_number = 451;
  struct range {
    std::uint64_t offset;
    std::uint64_t length;
  } asked{.offset = position, .length = size};
  struct answer {
    std::uint64_t cached;
    std::uint64_t dirty;
    std::uint64_t in_writeback;
    std::uint64_t evicted;
    std::uint64_t recently_evicted;
  } found{};
  if (::syscall(cachestat_number, fd, &asked, &found, 0U) != 0) return std::nullopt;
  return found.cached;
}

/// The same question by mincore, which needs the range mapped but touches none of it.
bool all_in_core(int fd, std::uint64_t position, std::uint64_t size) {
  void* mapped = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, fd, static_cast<off_t>(position));
  if (mapped == MAP_FAILED) return false;
  std::vector<unsigned char> pages(size / page);
  const bool known = ::mincore(mapped, size, pages.data()) == 0;
  ::munmap(mapped, size);
  return known && std::ranges::all_of(pages, [](unsigned char flags) { return (flags & 1U) != 0; });
}

}  // namespace

posix_file::posix_file(unique_fd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}

result<std::size_t> posix_file::read_at(std::uint64_t position, mutable_bytes into) {
  std::size_t done = 0;
  while (done < into.size()) {
    const auto got = retry_interrupted([&] {
      return ::pread(fd_.get(), into.data() + done, into.size() - done, static_cast<off_t>(position + done));
    });
    if (got < 0) return file_error("read", path_, errno);
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return done;
}

result<void> posix_file::write_at(std::uint64_t position, std::span<const bytes_view> parts) {
  std::array<iovec, max_parts> vectors;
  std::size_t skip = 0;  // Bytes of parts.front() that are written.
  while (true) {
    while (!parts.empty() && skip == parts.front().size()) {
      parts = parts.subspan(1);
      skip = 0;
    }
    if (parts.empty()) return {};
    std::size_t count = 0;
    for (; count < std::min(parts.size(), max_parts); ++count) {
      const bytes_view part = count == 0 ? parts[0].subspan(skip) : parts[count];
      vectors[count] = {.iov_base = const_cast<std::byte*>(part.data()), .iov_len = part.size()};
    }
    const auto written = retry_interrupted(
        [&] { return ::pwritev(fd_.get(), vectors.data(), static_cast<int>(count), static_cast<off_t>(position)); });
    if (written < 0) return file_error("write", path_, errno);
    if (written == 0) return file_error("write", path_, EIO);
    position += static_cast<std::uint64_t>(written);
    for (auto left = static_cast<std::size_t>(written); left > 0;) {
      const std::size_t step = std::min(left, parts.front().size() - skip);
      left -= step;
      skip += step;
      if (skip == parts.front().size()) {
        parts = parts.subspan(1);
        skip = 0;
        if (parts.empty()) return {};
      }
    }
  }
}

result<void> posix_file::sync_data() {
  if (retry_interrupted([&] { return ::fdatasync(fd_.get()); }) != 0) return file_error("sync", path_, errno);
  return {};
}

result<void> posix_file::sync() {
  if (retry_interrupted([&] { return ::fsync(fd_.get()); }) != 0) return file_error("sync", path_, errno);
  return {};
}

result<void> posix_file::truncate(std::uint64_t size) {
  if (retry_interrupted([&] { return ::ftruncate(fd_.get(), static_cast<off_t>(size)); }) != 0) {
    return file_error("truncate", path_, errno);
  }
  return {};
}

result<void> posix_file::reserve(std::uint64_t position, std::uint64_t size) {
  if (size == 0) return {};
  const int failed = retry_interrupted([&] {
    return ::fallocate(fd_.get(), FALLOC_FL_KEEP_SIZE, static_cast<off_t>(position), static_cast<off_t>(size));
  });
  if (failed != 0 && errno != EOPNOTSUPP && errno != ENOSYS) return file_error("reserve space for", path_, errno);
  return {};
}

result<std::uint64_t> posix_file::size() {
  struct stat about{};
  if (::fstat(fd_.get(), &about) != 0) return file_error("look at", path_, errno);
  return static_cast<std::uint64_t>(about.st_size);
}

posix_file::nowait posix_file::learn_nowait() {
  struct statfs about{};
  const bool in_memory =
      ::fstatfs(fd_.get(), &about) == 0 && (about.f_type == TMPFS_MAGIC || about.f_type == RAMFS_MAGIC);
  const nowait learnt = in_memory ? nowait::in_memory : nowait::unsupported;
  nowait_.store(learnt, std::memory_order_relaxed);
  return learnt;
}

result<std::size_t> posix_file::read_resident(std::uint64_t position, mutable_bytes into) {
  nowait how = nowait_.load(std::memory_order_relaxed);
  if (how == nowait::supported) {
    const iovec vector{.iov_base = into.data(), .iov_len = into.size()};
    const auto got =
        retry_interrupted([&] { return ::preadv2(fd_.get(), &vector, 1, static_cast<off_t>(position), RWF_NOWAIT); });
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno == EAGAIN) return fail(errc::would_block);
    if (errno != EOPNOTSUPP && errno != ENOSYS) return file_error("read", path_, errno);
    how = learn_nowait();
  }
  if (how == nowait::in_memory) return read_at(position, into);
  return fail(errc::would_block);
}

bool posix_file::is_resident(std::uint64_t position, std::uint64_t size) {
  if (size == 0 || nowait_.load(std::memory_order_relaxed) == nowait::in_memory) return true;
  const std::uint64_t from = position / page * page;
  const std::uint64_t end = (position + size + page - 1) / page * page;
  if (const auto cached = cached_pages(fd_.get(), from, end - from)) return *cached >= (end - from) / page;
  return all_in_core(fd_.get(), from, end - from);
}

void posix_file::make_resident(std::uint64_t position, std::uint64_t size) {
  ::posix_fadvise(fd_.get(), static_cast<off_t>(position), static_cast<off_t>(size), POSIX_FADV_WILLNEED);
  // The advice only starts the reading; waiting for it means reading.
  std::vector<std::byte> scratch(std::min<std::uint64_t>(size, 256 * 1024));
  for (std::uint64_t done = 0; done < size;) {
    const auto want = std::min<std::uint64_t>(scratch.size(), size - done);
    const auto got = read_at(position + done, std::span(scratch).first(want));
    if (!got || *got == 0) return;
    done += *got;
  }
}

}  // namespace moldau::rt_asio
