#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "moldau/core/bytes.hpp"
#include "moldau/core/result.hpp"

namespace moldau::wire {

/// How a batch's records are compressed, with the numbers of the batch's attributes.
enum class codec : std::uint8_t { none = 0, gzip = 1, snappy = 2, lz4 = 3, zstd = 4 };

inline constexpr std::size_t codec_count = 5;

/// Kafka's name of a codec (`compression.type`): "none", "gzip", "snappy", "lz4", "zstd".
[[nodiscard]] std::string_view name(codec type);
/// The codec of that name, or nothing.
[[nodiscard]] std::optional<codec> parse_codec(std::string_view text);

/// The levels that Kafka accepts for a codec; `least == most` where it has none.
struct level_range {
  int least = 0;
  int most = 0;
  int usual = 0;
  /// gzip alone takes -1 ("the library's own") besides its range.
  [[nodiscard]] bool contains(int level) const { return (level >= least && level <= most) || level == usual; }
};
[[nodiscard]] level_range levels_of(codec type);

/// A codec and its level (`compression.gzip.level`, `.lz4.level`, `.zstd.level`).
struct compression {
  codec type = codec::none;
  int level = 0;

  /// The codec at its usual level.
  [[nodiscard]] static compression of(codec type) { return {type, levels_of(type).usual}; }
  friend bool operator==(const compression&, const compression&) = default;
};

/// Which header checksum an LZ4 frame may carry: in magic 0 message sets it covers the wrong bytes (KAFKA-3160), so it
/// isn't looked at there.
enum class lz4_header : std::uint8_t { checked, unchecked };

/// Keeps the codecs' working memory from one call to the next. Not thread safe: one for each core or worker.
/// Must outlive every `decompressor` opened on it.
class codec_context {
 public:
  codec_context();
  ~codec_context();
  codec_context(codec_context&&) noexcept;
  codec_context& operator=(codec_context&&) noexcept;
  codec_context(const codec_context&) = delete;
  codec_context& operator=(const codec_context&) = delete;

  class state;
  [[nodiscard]] state& internals() { return *state_; }

 private:
  std::unique_ptr<state> state_;
};

/// Reads one compressed payload piece by piece, so that the caller decides how much memory its contents may take.
class decompressor {
 public:
  /// Opens `input`, which must outlive this. Nothing is read yet.
  /// Errors: `errc::unsupported_compression_type` for a number that is no codec.
  [[nodiscard]] static result<decompressor> open(codec type, bytes_view input, codec_context& context,
                                                 lz4_header header = lz4_header::checked);

  decompressor(decompressor&&) noexcept;
  decompressor& operator=(decompressor&&) noexcept;
  ~decompressor();

  /// Fills `out` and returns how much of it, less than asked for only at the end; 0 is the end.
  /// Errors: `errc::corrupt_message`: cut short, a wrong checksum, or bytes that the codec doesn't know.
  [[nodiscard]] result<std::size_t> read(mutable_bytes out);

  class source;

 private:
  explicit decompressor(std::unique_ptr<source> from);
  std::unique_ptr<source> source_;
};

/// The whole contents of a compressed payload, at most `limit_bytes` of them: memory grows with what really comes out.
/// Errors: `errc::message_too_large` past the limit, otherwise as `decompressor`.
[[nodiscard]] result<shared_bytes> decompress(codec type, bytes_view input, std::size_t limit_bytes,
                                              codec_context& context, lz4_header header = lz4_header::checked);

/// How many bytes `compress` may write for `size` bytes of input.
[[nodiscard]] std::size_t compress_bound(codec type, std::size_t size);

/// Writes `input` compressed to `out`, which has at least `compress_bound` bytes, and returns the size; framed as
/// Kafka's own clients do it (snappy in Java's framing, LZ4 frames of independent 64 KiB blocks).
/// Errors: `errc::invalid_argument` for a level out of range, `errc::out_of_memory`.
[[nodiscard]] result<std::size_t> compress(const compression& how, bytes_view input, mutable_bytes out,
                                           codec_context& context);

}  // namespace moldau::wire
