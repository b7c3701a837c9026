#include "storage/batch_walk.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "bytes/endian.hpp"

namespace moldau::storage {

batch_info info_of(const wire::batch_view& batch, std::uint64_t position) {
  return {.base = batch.base_offset(),
          .last = batch.last_offset(),
          .position = position,
          .size = batch.size_bytes(),
          .max_timestamp_ms = batch.max_timestamp_ms()};
}

result<std::optional<batch_info>> read_batch_info(rt::file& segment, access how, std::uint64_t position,
                                                  std::uint64_t end) {
  std::array<std::byte, wire::batch_layout::header_size> raw{};
  if (position >= end) return std::nullopt;
  const auto there = static_cast<std::size_t>(std::min<std::uint64_t>(raw.size(), end - position));
  if (there < wire::batch_layout::prefix_size) return std::nullopt;
  MOLDAU_TRY(read_exactly(segment, how, position, mutable_bytes(raw).first(there)));
  MOLDAU_TRY_ASSIGN(const std::size_t size, wire::batch_size(bytes_view(raw).first(there)));
  if (size > end - position) return std::nullopt;
  // The fields that are asked for all lie in the header, so a view of it alone will do.
  batch_info info = info_of(wire::batch_view(bytes_view(raw)), position);
  if (info.base < offset(0) || info.last < info.base) {
    return fail(errc::corrupt_message, "a batch with impossible offsets");
  }
  info.size = size;
  return info;
}

result<std::optional<batch_info>> seek_batch(rt::file& segment, access how, std::uint64_t position, std::uint64_t end,
                                             offset at) {
  while (true) {
    MOLDAU_TRY_ASSIGN(const auto batch, read_batch_info(segment, how, position, end));
    if (!batch || batch->last >= at) return batch;
    position = batch->end();
  }
}

result<bool> batch_walk::fill(std::size_t wanted) {
  if (filled_ - from_ >= wanted) return true;
  const std::uint64_t rest = end_ - position_;
  if (rest < wanted) return false;
  const auto take = static_cast<std::size_t>(std::min<std::uint64_t>(rest, std::max(wanted, usual_buffer)));
  if (buffer_.size() < take) {
    shared_bytes larger = shared_bytes::allocate(take);
    if (filled_ > from_) std::memcpy(larger.writable().data(), buffer_.data() + from_, filled_ - from_);
    buffer_ = std::move(larger);
  } else if (filled_ > from_) {
    std::memmove(buffer_.writable().data(), buffer_.data() + from_, filled_ - from_);
  }
  filled_ -= from_;
  from_ = 0;
  MOLDAU_TRY_ASSIGN(const std::size_t got,
                    segment_.read_at(position_ + filled_, buffer_.writable().subspan(filled_, take - filled_)));
  filled_ += got;
  return filled_ >= wanted;
}

result<std::optional<wire::batch_view>> batch_walk::next() {
  if (position_ >= end_) return std::nullopt;
  MOLDAU_TRY_ASSIGN(const bool prefix, fill(wire::batch_layout::prefix_size));
  if (!prefix) return std::nullopt;
  MOLDAU_TRY_ASSIGN(const std::size_t size, wire::batch_size(buffer_.view().subspan(from_, filled_ - from_)));
  MOLDAU_TRY_ASSIGN(const bool whole, fill(size));
  if (!whole) return std::nullopt;
  const wire::batch_view batch(buffer_.view().subspan(from_, size));
  if (batch.base_offset() < offset(0) || batch.last_offset_delta() < 0) {
    return fail(errc::corrupt_message, "a batch with a negative offset");
  }
  last_position_ = position_;
  position_ += size;
  from_ += size;
  return batch;
}

}  // namespace moldau::storage
