#pragma once

#define ZLIB_CONST
#include <lz4frame.h>
#include <zlib.h>
#include <zstd.h>

#include <cstddef>
#include <memory>
#include <vector>

#include "wire/compression.hpp"

namespace moldau::wire {

/// Frees what the C libraries allocate.
struct codec_deleter {
  void operator()(LZ4F_cctx* p) const { LZ4F_freeCompressionContext(p); }
  void operator()(LZ4F_dctx* p) const { LZ4F_freeDecompressionContext(p); }
  void operator()(ZSTD_CCtx* p) const { ZSTD_freeCCtx(p); }
  void operator()(ZSTD_DCtx* p) const { ZSTD_freeDCtx(p); }
};

/// zlib's two stream kinds, with their ends.
struct deflater {
  z_stream stream{};
  int level = 0;
  bool open = false;
  ~deflater() {
    if (open) deflateEnd(&stream);
  }
};
struct inflater {
  z_stream stream{};
  bool open = false;
  ~inflater() {
    if (open) inflateEnd(&stream);
  }
};

using lz4_decompression = std::unique_ptr<LZ4F_dctx, codec_deleter>;
using zstd_decompression = std::unique_ptr<ZSTD_DCtx, codec_deleter>;

/// The working memory itself: one compressor a codec (a call holds it), a few decompressors (they stay open while
/// somebody reads). What grew large for one batch isn't kept.
class codec_context::state {
 public:
  static constexpr std::size_t kept_each = 4;
  static constexpr std::size_t kept_bytes_max = std::size_t{16} << 20U;

  deflater deflate;
  std::unique_ptr<LZ4F_cctx, codec_deleter> lz4;
  std::unique_ptr<ZSTD_CCtx, codec_deleter> zstd;

  std::vector<std::unique_ptr<inflater>> inflaters;
  std::vector<lz4_decompression> lz4_decompressions;
  std::vector<zstd_decompression> zstd_decompressions;
  /// What `record_reader` decompresses into.
  std::vector<std::unique_ptr<std::vector<std::byte>>> windows;

  template <typename T>
  static T take(std::vector<T>& from) {
    if (from.empty()) return nullptr;
    T out = std::move(from.back());
    from.pop_back();
    return out;
  }
  template <typename T>
  static void give(std::vector<T>& to, T what) {
    if (what != nullptr && to.size() < kept_each) to.push_back(std::move(what));
  }
};

}  // namespace moldau::wire
