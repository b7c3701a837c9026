#include "offline/segment_walk.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <vector>

namespace moldau::offline {

namespace {
constexpr std::size_t window_size = 1024 * 1024;
/// A length from a broken file mustn't take all memory: Kafka's own limit of a batch is below.
constexpr std::size_t batch_bytes_max = std::size_t{1} << 30U;
}  // namespace

result<segment_end> walk_segment(
    rt::file_system& files, const std::string& path,
    const std::function<result<void>(std::uint64_t position, const wire::batch_view& batch)>& each) {
  MOLDAU_TRY_ASSIGN(const auto file, files.open(path, rt::open_mode::read));
  segment_end out;
  MOLDAU_TRY_ASSIGN(out.size_bytes, file->size());
  std::vector<std::byte> window;
  std::uint64_t window_at = 0;
  const auto have = [&](std::uint64_t position, std::size_t size) -> result<bytes_view> {
    if (position < window_at || position + size > window_at + window.size()) {
      window.resize(
          static_cast<std::size_t>(std::min<std::uint64_t>(std::max(size, window_size), out.size_bytes - position)));
      window_at = position;
      MOLDAU_TRY_ASSIGN(const std::size_t got, file->read_at(position, window));
      if (got < window.size()) return fail(errc::io_error, fmt::format("{}: became shorter while it was read", path));
    }
    return bytes_view(window).subspan(static_cast<std::size_t>(position - window_at), size);
  };
  while (out.size_bytes - out.whole_bytes >= wire::batch_layout::prefix_size) {
    const std::uint64_t position = out.whole_bytes;
    MOLDAU_TRY_ASSIGN(const bytes_view prefix, have(position, wire::batch_layout::prefix_size));
    const auto size = wire::batch_size(prefix);
    if (!size || *size > batch_bytes_max) {
      return fail(errc::corrupt_message,
                  fmt::format("{}: no batch begins at position {}: {}", path, position,
                              size ? "its length is past what a batch may have" : size.error().message));
    }
    if (*size > out.size_bytes - position) break;
    MOLDAU_TRY_ASSIGN(const bytes_view whole, have(position, *size));
    const auto batch = wire::first_batch(whole);
    if (!batch) {
      return fail(errc::corrupt_message, fmt::format("{}: at position {}: {}", path, position, batch.error().message));
    }
    MOLDAU_TRY(each(position, *batch));
    out.whole_bytes += *size;
    ++out.batches;
  }
  return out;
}

}  // namespace moldau::offline
