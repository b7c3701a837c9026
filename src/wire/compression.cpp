#include "wire/compression.hpp"

#include <fmt/format.h>
#include <snappy.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "bytes/endian.hpp"
#include "wire/compression_snappy.hpp"
#include "wire/compression_state.hpp"

namespace moldau::wire {
namespace {

constexpr std::array<std::string_view, codec_count> names{"none", "gzip", "snappy", "lz4", "zstd"};

/// Kafka takes the fast compressor at its usual level and the thorough one at every other; LZ4F takes the thorough one
/// from 3 on, and its last level is 12.
int lz4f_level(int level) {
  return level == levels_of(codec::lz4).usual ? 0 : std::clamp(level, 3, 12);
}

LZ4F_preferences_t lz4_preferences(int level) {
  LZ4F_preferences_t preferences{};
  preferences.frameInfo.blockSizeID = LZ4F_max64KB;
  preferences.frameInfo.blockMode = LZ4F_blockIndependent;
  preferences.compressionLevel = lz4f_level(level);
  preferences.autoFlush = 1;
  return preferences;
}

std::unexpected<error> out_of_memory(codec type) {
  return fail(errc::out_of_memory, fmt::format("no memory for compressing with {}", name(type)));
}

result<std::size_t> compress_gzip(int level, bytes_view input, mutable_bytes out, codec_context::state& state) {
  constexpr int gzip_window_bits = 15 + 16;
  constexpr int usual_memory_level = 8;
  deflater& with = state.deflate;
  if (with.open && with.level != level) {
    deflateEnd(&with.stream);
    with.open = false;
  }
  if (!with.open) {
    with.stream = {};
    if (deflateInit2(&with.stream, level, Z_DEFLATED, gzip_window_bits, usual_memory_level, Z_DEFAULT_STRATEGY) != Z_OK)
      return out_of_memory(codec::gzip);
    with.open = true;
    with.level = level;
  } else {
    deflateReset(&with.stream);
  }
  with.stream.next_in = reinterpret_cast<const Bytef*>(input.data());
  with.stream.avail_in = static_cast<uInt>(input.size());
  with.stream.next_out = reinterpret_cast<Bytef*>(out.data());
  with.stream.avail_out = static_cast<uInt>(out.size());
  if (deflate(&with.stream, Z_FINISH) != Z_STREAM_END) return out_of_memory(codec::gzip);
  return out.size() - with.stream.avail_out;
}

result<std::size_t> compress_snappy(bytes_view input, mutable_bytes out) {
  std::byte* at = out.data();
  std::memcpy(at, xerial::header.data(), xerial::header.size());
  at += xerial::header.size();
  while (!input.empty()) {
    const bytes_view block = input.first(std::min(input.size(), xerial::block_bytes));
    std::size_t size = 0;
    snappy::RawCompress(reinterpret_cast<const char*>(block.data()), block.size(), reinterpret_cast<char*>(at + 4),
                        &size);
    bytes::store_be(at, static_cast<std::uint32_t>(size));
    at += 4 + size;
    input = input.subspan(block.size());
  }
  return static_cast<std::size_t>(at - out.data());
}

result<std::size_t> compress_lz4(int level, bytes_view input, mutable_bytes out, codec_context::state& state) {
  if (state.lz4 == nullptr) {
    LZ4F_cctx* made = nullptr;
    if (LZ4F_isError(LZ4F_createCompressionContext(&made, LZ4F_VERSION)) != 0U) return out_of_memory(codec::lz4);
    state.lz4.reset(made);
  }
  const LZ4F_preferences_t preferences = lz4_preferences(level);
  std::size_t written = 0;
  const auto step = [&](std::size_t size) {
    if (LZ4F_isError(size) != 0U) return false;
    written += size;
    return true;
  };
  LZ4F_cctx* with = state.lz4.get();
  const bool ok = step(LZ4F_compressBegin(with, out.data(), out.size(), &preferences)) &&
                  step(LZ4F_compressUpdate(with, out.data() + written, out.size() - written, input.data(), input.size(),
                                           nullptr)) &&
                  step(LZ4F_compressEnd(with, out.data() + written, out.size() - written, nullptr));
  if (!ok) return out_of_memory(codec::lz4);
  return written;
}

result<std::size_t> compress_zstd(int level, bytes_view input, mutable_bytes out, codec_context::state& state) {
  if (state.zstd == nullptr) state.zstd.reset(ZSTD_createCCtx());
  if (state.zstd == nullptr) return out_of_memory(codec::zstd);
  ZSTD_CCtx* with = state.zstd.get();
  ZSTD_CCtx_setParameter(with, ZSTD_c_compressionLevel, level);
  const std::size_t size = ZSTD_compress2(with, out.data(), out.size(), input.data(), input.size());
  if (ZSTD_sizeof_CCtx(with) > codec_context::state::kept_bytes_max) state.zstd.reset();
  if (ZSTD_isError(size) != 0U) return out_of_memory(codec::zstd);
  return size;
}

}  // namespace

std::string_view name(codec type) {
  const auto at = static_cast<std::size_t>(type);
  return at < names.size() ? names[at] : "unknown";
}

std::optional<codec> parse_codec(std::string_view text) {
  const auto* found = std::find(names.begin(), names.end(), text);
  if (found == names.end()) return std::nullopt;
  return static_cast<codec>(found - names.begin());
}

level_range levels_of(codec type) {
  switch (type) {
    case codec::gzip:
      return {.least = 1, .most = 9, .usual = Z_DEFAULT_COMPRESSION};
    case codec::lz4:
      return {.least = 1, .most = 17, .usual = 9};
    case codec::zstd:
      return {.least = -131072, .most = 22, .usual = 3};
    case codec::none:
    case codec::snappy:
      break;
  }
  return {};
}

codec_context::codec_context() : state_(std::make_unique<state>()) {}
codec_context::~codec_context() = default;
codec_context::codec_context(codec_context&&) noexcept = default;
codec_context& codec_context::operator=(codec_context&&) noexcept = default;

std::size_t compress_bound(codec type, std::size_t size) {
  switch (type) {
    case codec::none:
      break;
    case codec::gzip: {
      constexpr std::size_t gzip_wrapping = 32;
      return compressBound(size) + gzip_wrapping;
    }
    case codec::snappy: {
      const std::size_t blocks = size / xerial::block_bytes + 1;
      return xerial::header.size() + blocks * (4 + snappy::MaxCompressedLength(xerial::block_bytes));
    }
    case codec::lz4: {
      const LZ4F_preferences_t preferences = lz4_preferences(levels_of(codec::lz4).usual);
      return LZ4F_HEADER_SIZE_MAX + LZ4F_compressBound(size, &preferences);
    }
    case codec::zstd:
      return ZSTD_compressBound(size);
  }
  return size;
}

result<std::size_t> compress(const compression& how, bytes_view input, mutable_bytes out, codec_context& context) {
  if (!levels_of(how.type).contains(how.level)) {
    const level_range range = levels_of(how.type);
    return fail(errc::invalid_argument, fmt::format("{} has no compression level {}; it takes {} to {}", name(how.type),
                                                    how.level, range.least, range.most));
  }
  switch (how.type) {
    case codec::none:
      if (!input.empty()) std::memcpy(out.data(), input.data(), input.size());
      return input.size();
    case codec::gzip:
      return compress_gzip(how.level, input, out, context.internals());
    case codec::snappy:
      return compress_snappy(input, out);
    case codec::lz4:
      return compress_lz4(how.level, input, out, context.internals());
    case codec::zstd:
      return compress_zstd(how.level, input, out, context.internals());
  }
  return fail(errc::unsupported_compression_type, "no such compression codec");
}

}  // namespace moldau::wire
