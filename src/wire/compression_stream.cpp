#include <fmt/format.h>
#include <snappy.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <climits>
#include <cstring>
#include <utility>
#include <vector>

#include "bytes/block_pool.hpp"
#include "bytes/endian.hpp"
#include "wire/compression.hpp"
#include "wire/compression_snappy.hpp"
#include "wire/compression_state.hpp"

namespace moldau::wire {

/// One codec's way of reading.
class decompressor::source : public bytes::pooled {
 public:
  source() = default;
  source(const source&) = delete;
  source& operator=(const source&) = delete;
  virtual ~source() = default;
  virtual result<std::size_t> read(mutable_bytes out) = 0;
};

namespace {

std::unexpected<error> corrupt(codec type, std::string_view why) {
  return fail(errc::corrupt_message, fmt::format("the {} data can't be decompressed: {}", name(type), why));
}
std::unexpected<error> out_of_memory(codec type) {
  return fail(errc::out_of_memory, fmt::format("no memory for decompressing {}", name(type)));
}

class plain_source final : public decompressor::source {
 public:
  explicit plain_source(bytes_view input) : rest_(input) {}

  result<std::size_t> read(mutable_bytes out) override {
    const std::size_t size = std::min(out.size(), rest_.size());
    if (size > 0) std::memcpy(out.data(), rest_.data(), size);
    rest_ = rest_.subspan(size);
    return size;
  }

 private:
  bytes_view rest_;
};

class gzip_source final : public decompressor::source {
 public:
  gzip_source(bytes_view input, codec_context::state& state)
      : state_(state), with_(codec_context::state::take(state.inflaters)) {
    constexpr int gzip_window_bits = 15 + 16;
    if (with_ == nullptr) with_ = std::make_unique<inflater>();
    z_stream& s = with_->stream;
    with_->open = (with_->open ? inflateReset(&s) : inflateInit2(&s, gzip_window_bits)) == Z_OK;
    s.next_in = reinterpret_cast<const Bytef*>(input.data());
    s.avail_in = static_cast<uInt>(input.size());
  }
  ~gzip_source() override {
    if (with_->open) codec_context::state::give(state_.inflaters, std::move(with_));
  }

  result<std::size_t> read(mutable_bytes out) override {
    if (!with_->open) return out_of_memory(codec::gzip);
    z_stream& s = with_->stream;
    const std::size_t wanted = std::min<std::size_t>(out.size(), UINT_MAX);
    s.next_out = reinterpret_cast<Bytef*>(out.data());
    s.avail_out = static_cast<uInt>(wanted);
    while (!ended_ && s.avail_out > 0) {
      const int code = inflate(&s, Z_NO_FLUSH);
      if (code == Z_STREAM_END) {
        // Members may follow one another; anything else that follows is refused by the next call.
        if (s.avail_in == 0) {
          ended_ = true;
        } else {
          inflateReset(&s);
        }
      } else if (code == Z_MEM_ERROR) {
        return out_of_memory(codec::gzip);
      } else if (code != Z_OK) {
        return corrupt(codec::gzip, s.avail_in == 0 ? "it is cut short" : s.msg == nullptr ? "bad data" : s.msg);
      }
    }
    return wanted - s.avail_out;
  }

 private:
  codec_context::state& state_;
  std::unique_ptr<inflater> with_;
  bool ended_ = false;
};

class snappy_source final : public decompressor::source {
 public:
  explicit snappy_source(bytes_view input) : rest_(input), is_framed_(starts_with_magic(input)) {}

  result<std::size_t> read(mutable_bytes out) override {
    std::size_t done = 0;
    while (done < out.size()) {
      if (at_ < block_.size()) {
        const std::size_t part = std::min(out.size() - done, block_.size() - at_);
        std::memcpy(out.data() + done, block_.data() + at_, part);
        at_ += part;
        done += part;
        continue;
      }
      if (ended_) break;
      MOLDAU_TRY_ASSIGN(const bytes_view compressed, next_block());
      if (compressed.empty()) break;
      MOLDAU_TRY_ASSIGN(const std::size_t size, uncompressed_size(compressed));
      if (size <= out.size() - done) {
        MOLDAU_TRY(uncompress(compressed, out.data() + done));
        done += size;
      } else {
        block_.resize(size);
        at_ = 0;
        MOLDAU_TRY(uncompress(compressed, block_.data()));
      }
    }
    return done;
  }

 private:
  static bool starts_with_magic(bytes_view input) {
    return input.size() >= xerial::header.size() &&
           std::memcmp(input.data(), xerial::header.data(), xerial::magic_bytes) == 0;
  }

  /// The next compressed block, empty at the end.
  result<bytes_view> next_block() {
    if (!is_framed_) {
      ended_ = true;
      if (rest_.empty()) return corrupt(codec::snappy, "it is empty");
      return std::exchange(rest_, {});
    }
    // Streams may follow one another, so a header may stand wherever a block may.
    while (starts_with_magic(rest_)) {
      if (bytes::load_be<std::int32_t>(rest_.data() + xerial::magic_bytes) < 1)
        return corrupt(codec::snappy, "its framing's version is unknown");
      rest_ = rest_.subspan(xerial::header.size());
    }
    if (rest_.empty()) {
      ended_ = true;
      return bytes_view{};
    }
    if (rest_.size() < 4) return corrupt(codec::snappy, "it is cut short");
    const auto size = bytes::load_be<std::uint32_t>(rest_.data());
    if (size == 0 || size > rest_.size() - 4) return corrupt(codec::snappy, "it is cut short");
    const bytes_view block = rest_.subspan(4, size);
    rest_ = rest_.subspan(4 + std::size_t{size});
    return block;
  }

  static result<std::size_t> uncompressed_size(bytes_view compressed) {
    // The densest there is: a copy of 64 bytes in 3.
    constexpr std::size_t most_dense = 22;
    std::size_t size = 0;
    if (!snappy::GetUncompressedLength(reinterpret_cast<const char*>(compressed.data()), compressed.size(), &size) ||
        size > compressed.size() * most_dense) {
      return corrupt(codec::snappy, "its length is wrong");
    }
    return size;
  }

  static result<void> uncompress(bytes_view compressed, std::byte* to) {
    if (!snappy::RawUncompress(reinterpret_cast<const char*>(compressed.data()), compressed.size(),
                               reinterpret_cast<char*>(to))) {
      return corrupt(codec::snappy, "bad data");
    }
    return {};
  }

  bytes_view rest_;
  bool is_framed_;
  bool ended_ = false;
  std::vector<std::byte> block_;
  std::size_t at_ = 0;
};

class lz4_source final : public decompressor::source {
 public:
  lz4_source(bytes_view input, codec_context::state& state, lz4_header header)
      : state_(state), with_(codec_context::state::take(state.lz4_decompressions)), rest_(input) {
    if (with_ == nullptr) {
      LZ4F_dctx* made = nullptr;
      if (LZ4F_isError(LZ4F_createDecompressionContext(&made, LZ4F_VERSION)) == 0U) with_.reset(made);
    } else {
      LZ4F_resetDecompressionContext(with_.get());
    }
    if (header == lz4_header::unchecked) mend_header();
  }
  ~lz4_source() override { codec_context::state::give(state_.lz4_decompressions, std::move(with_)); }

  result<std::size_t> read(mutable_bytes out) override {
    if (with_ == nullptr) return out_of_memory(codec::lz4);
    std::size_t done = 0;
    while (!ended_ && done < out.size()) {
      bytes_view& from = mended_.empty() ? rest_ : mended_;
      std::size_t written = out.size() - done;
      std::size_t read = from.size();
      const std::size_t code = LZ4F_decompress(with_.get(), out.data() + done, &written, from.data(), &read, nullptr);
      if (LZ4F_isError(code) != 0U) return corrupt(codec::lz4, LZ4F_getErrorName(code));
      done += written;
      from = from.subspan(read);
      if (code == 0) {
        if (!rest_.empty()) return corrupt(codec::lz4, "something follows the frame");
        ended_ = true;
      } else if (written == 0 && read == 0) {
        return corrupt(codec::lz4, "it is cut short");
      }
    }
    return done;
  }

 private:
  /// KAFKA-3160: gives the frame the header checksum that it should have.
  void mend_header() {
    constexpr std::size_t flags_at = 4;
    constexpr unsigned content_size_flag = 0x08;
    constexpr unsigned dictionary_flag = 0x01;
    if (rest_.size() < 7) return;
    const auto flags = std::to_integer<unsigned>(rest_[flags_at]);
    const std::size_t descriptor =
        2 + ((flags & content_size_flag) != 0 ? 8U : 0U) + ((flags & dictionary_flag) != 0 ? 4U : 0U);
    const std::size_t size = flags_at + descriptor + 1;
    if (rest_.size() < size) return;
    std::memcpy(header_.data(), rest_.data(), size);
    const XXH32_hash_t hash = XXH32(header_.data() + flags_at, descriptor, 0);
    header_[size - 1] = static_cast<std::byte>((hash >> 8U) & 0xffU);
    mended_ = {header_.data(), size};
    rest_ = rest_.subspan(size);
  }

  codec_context::state& state_;
  lz4_decompression with_;
  bytes_view rest_;
  std::array<std::byte, LZ4F_HEADER_SIZE_MAX> header_{};
  bytes_view mended_;
  bool ended_ = false;
};

class zstd_source final : public decompressor::source {
 public:
  zstd_source(bytes_view input, codec_context::state& state)
      : state_(state), with_(codec_context::state::take(state.zstd_decompressions)) {
    if (with_ == nullptr) {
      with_.reset(ZSTD_createDCtx());
    } else {
      ZSTD_DCtx_reset(with_.get(), ZSTD_reset_session_only);
    }
    input_ = {input.data(), input.size(), 0};
  }
  ~zstd_source() override {
    // A frame of the highest levels asks for a window of 128 MiB.
    if (with_ != nullptr && ZSTD_sizeof_DCtx(with_.get()) <= codec_context::state::kept_bytes_max)
      codec_context::state::give(state_.zstd_decompressions, std::move(with_));
  }

  result<std::size_t> read(mutable_bytes out) override {
    if (with_ == nullptr) return out_of_memory(codec::zstd);
    ZSTD_outBuffer output{out.data(), out.size(), 0};
    while (output.pos < output.size) {
      if (frame_ended_ && input_.pos == input_.size) break;
      const std::size_t input_before = input_.pos;
      const std::size_t output_before = output.pos;
      const std::size_t code = ZSTD_decompressStream(with_.get(), &output, &input_);
      if (ZSTD_isError(code) != 0U) return corrupt(codec::zstd, ZSTD_getErrorName(code));
      frame_ended_ = code == 0;
      if (!frame_ended_ && input_.pos == input_before && output.pos == output_before)
        return corrupt(codec::zstd, "it is cut short");
    }
    return output.pos;
  }

 private:
  codec_context::state& state_;
  zstd_decompression with_;
  ZSTD_inBuffer input_{};
  bool frame_ended_ = false;
};

}  // namespace

decompressor::decompressor(std::unique_ptr<source> from) : source_(std::move(from)) {}
decompressor::decompressor(decompressor&&) noexcept = default;
decompressor& decompressor::operator=(decompressor&&) noexcept = default;
decompressor::~decompressor() = default;

result<decompressor> decompressor::open(codec type, bytes_view input, codec_context& context, lz4_header header) {
  switch (type) {
    case codec::none:
      return decompressor(std::make_unique<plain_source>(input));
    case codec::gzip:
      return decompressor(std::make_unique<gzip_source>(input, context.internals()));
    case codec::snappy:
      return decompressor(std::make_unique<snappy_source>(input));
    case codec::lz4:
      return decompressor(std::make_unique<lz4_source>(input, context.internals(), header));
    case codec::zstd:
      return decompressor(std::make_unique<zstd_source>(input, context.internals()));
  }
  return fail(errc::unsupported_compression_type,
              fmt::format("no compression codec has the number {}", static_cast<int>(type)));
}

result<std::size_t> decompressor::read(mutable_bytes out) {
  return source_->read(out);
}

result<shared_bytes> decompress(codec type, bytes_view input, std::size_t limit_bytes, codec_context& context,
                                lz4_header header) {
  constexpr std::size_t first_most = std::size_t{1} << 20U;
  constexpr std::size_t usual_ratio = 4;
  MOLDAU_TRY_ASSIGN(decompressor from, decompressor::open(type, input, context, header));
  shared_bytes out = shared_bytes::allocate(
      std::min(limit_bytes, std::clamp<std::size_t>(input.size() * usual_ratio, 4096, first_most)));
  std::size_t size = 0;
  while (true) {
    MOLDAU_TRY_ASSIGN(const std::size_t got, from.read(out.writable().subspan(size)));
    size += got;
    if (size < out.size()) return out.slice(0, size);
    if (size == limit_bytes) break;
    shared_bytes larger = shared_bytes::allocate(std::min(limit_bytes, out.size() * 2));
    std::memcpy(larger.writable().data(), out.data(), size);
    out = std::move(larger);
  }
  std::byte one_more{};
  MOLDAU_TRY_ASSIGN(const std::size_t past, from.read({&one_more, 1}));
  if (past == 0) return out;
  return fail(errc::message_too_large,
              fmt::format("the {} data holds more than {} bytes, which is the limit here", name(type), limit_bytes));
}

}  // namespace moldau::wire
