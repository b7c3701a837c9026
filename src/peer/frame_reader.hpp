#pragma once

#include <array>
#include <cstddef>
#include <optional>

#include "bytes/buffer_pool.hpp"
#include "moldau/core/bytes.hpp"
#include "moldau/core/result.hpp"

namespace moldau::peer {

/// Cuts a stream of bytes into frames: a length of four bytes, then that many. Sans-I/O, not thread safe.
///
///     while (true) {
///       MOLDAU_CO_TRY_ASSIGN(const std::size_t got, co_await connection.read_some(frames.space()));
///       frames.filled(got);
///       while (true) { MOLDAU_CO_TRY_ASSIGN(auto frame, frames.next()); if (!frame) break; … }
///     }
///
/// A frame's memory grows with the bytes that really come, so a length alone costs nothing: what is taken at once is no
/// more than a frame before it really had. Large blocks are used again when nobody holds them any more.
class frame_reader {
 public:
  /// Longer frames, and such that can't hold a correlation id, fail.
  explicit frame_reader(std::size_t frame_bytes_max) : frame_bytes_max_(frame_bytes_max) {}

  /// Where the next bytes belong; valid until `filled`.
  [[nodiscard]] mutable_bytes space();
  /// That many bytes were put to the front of `space()`.
  void filled(std::size_t size);
  /// The next whole frame without its length, or nothing until more bytes have come.
  /// Errors: `errc::malformed`; the stream can't be read any further.
  [[nodiscard]] result<std::optional<shared_bytes>> next();

 private:
  static constexpr std::size_t staging_size = 32 * 1024;
  static constexpr std::size_t first_block = 1024 * 1024;
  /// Frames up to this size use the same block, while nobody else holds it.
  static constexpr std::size_t kept_size = 2 * 1024;
  /// Smaller frames than these have blocks of their own size.
  static constexpr std::size_t pooled_size = 128 * 1024;

  void grow();
  [[nodiscard]] shared_bytes take(std::size_t size);

  std::size_t frame_bytes_max_;
  std::array<std::byte, staging_size> staging_;
  std::size_t staged_from_ = 0;
  std::size_t staged_to_ = 0;
  std::array<std::byte, 4> length_{};
  std::size_t length_bytes_ = 0;
  /// The frame under way: `size_` bytes of which `have_` are in `block_`.
  bool in_frame_ = false;
  shared_bytes block_;
  std::size_t size_ = 0;
  std::size_t have_ = 0;
  bool reading_into_block_ = false;
  std::size_t largest_seen_ = 0;
  shared_bytes kept_;
  bytes::buffer_pool blocks_{std::size_t{16} << 20U};
};

}  // namespace moldau::peer
