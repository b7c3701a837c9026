#include "peer/frame_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "bytes/endian.hpp"

namespace moldau::peer {

mutable_bytes frame_reader::space() {
  reading_into_block_ = in_frame_ && staged_from_ == staged_to_ && size_ - have_ >= staging_size;
  if (!reading_into_block_) return {staging_.data(), staging_size};
  grow();
  return block_.writable().subspan(have_, std::min(block_.size(), size_) - have_);
}

shared_bytes frame_reader::take(std::size_t size) {
  if (size >= pooled_size) return blocks_.take(size);
  if (size > kept_size) return shared_bytes::allocate(size);
  if (kept_.use_count() != 1) kept_ = shared_bytes::allocate(kept_size);
  return kept_.slice(0, size);
}

void frame_reader::filled(std::size_t size) {
  if (reading_into_block_) {
    have_ += size;
    return;
  }
  staged_from_ = 0;
  staged_to_ = size;
}

/// Doubles the block when it is full, up to the frame's size.
void frame_reader::grow() {
  if (have_ < block_.size() || block_.size() >= size_) return;
  shared_bytes larger = take(std::min(size_, block_.size() * 2));
  std::memcpy(larger.writable().data(), block_.data(), have_);
  // The frames to come are as large, as a rule: nobody would use what was too small for this one.
  blocks_.forget(block_);
  block_ = std::move(larger);
}

result<std::optional<shared_bytes>> frame_reader::next() {
  while (true) {
    if (!in_frame_) {
      const std::size_t more = std::min(length_.size() - length_bytes_, staged_to_ - staged_from_);
      std::memcpy(length_.data() + length_bytes_, staging_.data() + staged_from_, more);
      length_bytes_ += more;
      staged_from_ += more;
      if (length_bytes_ < length_.size()) return std::nullopt;
      const auto size = bytes::load_be<std::int32_t>(length_.data());
      if (size < 4 || static_cast<std::size_t>(size) > frame_bytes_max_) {
        return fail(errc::malformed,
                    fmt::format("the peer announced a response of {} bytes, where 4 to {} are possible: it may not "
                                "speak Kafka's protocol, or speak it over TLS",
                                size, frame_bytes_max_));
      }
      in_frame_ = true;
      size_ = static_cast<std::size_t>(size);
      have_ = 0;
      block_ = take(std::min(size_, std::max(first_block, largest_seen_)));
    }
    while (have_ < size_ && staged_from_ < staged_to_) {
      grow();
      const std::size_t more = std::min(std::min(block_.size(), size_) - have_, staged_to_ - staged_from_);
      std::memcpy(block_.writable().data() + have_, staging_.data() + staged_from_, more);
      have_ += more;
      staged_from_ += more;
    }
    if (have_ < size_) return std::nullopt;
    in_frame_ = false;
    length_bytes_ = 0;
    largest_seen_ = std::max(largest_seen_, size_);
    return std::exchange(block_, {}).slice(0, size_);
  }
}

}  // namespace moldau::peer
