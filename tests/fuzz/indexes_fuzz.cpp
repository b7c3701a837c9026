// A segment's index files: what is taken of them is the part that makes sense, and a look-up in memory, one in the file
// and a plain walk all find the same entry.

#include <cstring>
#include <limits>

#include "bytes/endian.hpp"
#include "fuzz.hpp"
#include "storage/offset_index.hpp"
#include "storage/time_index.hpp"
#include "storage/txn_index.hpp"

namespace {

using namespace moldau;           // NOLINT: this is all about it
using namespace moldau::storage;  // NOLINT

class memory_file final : public rt::file {
 public:
  explicit memory_file(bytes_view content) : content_(content) {}

  [[nodiscard]] result<std::size_t> read_at(std::uint64_t position, mutable_bytes into) override {
    if (position >= content_.size()) return 0;
    const std::size_t size = std::min<std::size_t>(into.size(), content_.size() - position);
    std::memcpy(into.data(), content_.data() + position, size);
    return size;
  }
  [[nodiscard]] result<std::size_t> read_resident(std::uint64_t position, mutable_bytes into) override {
    return read_at(position, into);
  }
  [[nodiscard]] result<std::uint64_t> size() override { return content_.size(); }
  [[nodiscard]] bool is_resident(std::uint64_t, std::uint64_t) override { return true; }
  void make_resident(std::uint64_t, std::uint64_t) override {}
  [[nodiscard]] result<void> write_at(std::uint64_t, std::span<const bytes_view>) override { return refuse(); }
  [[nodiscard]] result<void> sync_data() override { return refuse(); }
  [[nodiscard]] result<void> sync() override { return refuse(); }
  [[nodiscard]] result<void> truncate(std::uint64_t) override { return refuse(); }
  [[nodiscard]] result<void> reserve(std::uint64_t, std::uint64_t) override { return refuse(); }

 private:
  static result<void> refuse() { return fail(errc::io_error); }
  bytes_view content_;
};

/// What a file looks like that was made larger than what it holds, as Kafka's are while they grow.
std::vector<std::byte> with_zeros(std::vector<std::byte> bytes, std::size_t zeros) {
  bytes.resize(bytes.size() + zeros);
  return bytes;
}

/// Whether `part` is the beginning of `whole`.
bool begins(bytes_view part, bytes_view whole) {
  return part.size() <= whole.size() && std::ranges::equal(part, whole.first(part.size()));
}

void check_offsets(bytes_view content, offset base, std::uint64_t log_size) {
  offset_index index = offset_index::parse(content, base, log_size);
  const auto kept = index.encode();
  MOLDAU_ASSERT(kept.size() == index.size() * offset_index::entry_size && begins(kept, content));
  MOLDAU_ASSERT(index.encode(index.size() / 2).size() == (index.size() - index.size() / 2) * offset_index::entry_size);

  // Whatever is in a file, a look-up ends, at an entry that isn't above.
  memory_file as_it_is(content);
  const auto grown = with_zeros(kept, 3 * offset_index::entry_size + 5);
  memory_file full(kept);
  memory_file growing(grown);
  const auto look_up = [&](offset at) {
    const auto any = floor_in_file(as_it_is, access::blocking, content.size(), base, at);
    MOLDAU_ASSERT(any && (any->offset <= at || (any->offset == base && any->position == 0)));
    offset_position expected{.offset = base, .position = 0};
    std::uint32_t last_position = 0;
    for (std::size_t i = 0; i < index.size(); ++i) {
      const std::byte* entry = kept.data() + i * offset_index::entry_size;
      const offset_position one{.offset = base + bytes::load_be<std::uint32_t>(entry),
                                .position = bytes::load_be<std::uint32_t>(entry + 4)};
      MOLDAU_ASSERT(one.position > last_position && one.position < log_size);
      MOLDAU_ASSERT(i == 0 || one.offset > expected.offset || one.offset > at);
      last_position = one.position;
      if (one.offset <= at) expected = one;
    }
    MOLDAU_ASSERT(index.floor(at) == expected);
    MOLDAU_ASSERT(floor_in_file(full, access::blocking, kept.size(), base, at) == expected);
    MOLDAU_ASSERT(floor_in_file(growing, access::resident, grown.size(), base, at) == expected);
  };
  look_up(base);
  const offset last = index.back().offset;
  for (const offset at : {last, last - 1, last + 1, base + (last - base) / 2}) look_up(at);

  const std::size_t before = index.size();
  index.truncate(last - 1, log_size / 2);
  MOLDAU_ASSERT(before == 0 || index.size() < before);
  MOLDAU_ASSERT(index.size() == 0 || (index.back().offset < last && index.back().position < log_size / 2));
  MOLDAU_ASSERT(begins(index.encode(), kept));
}

void check_times(bytes_view content, offset base, offset log_end) {
  time_index index = time_index::parse(content, base, log_end);
  const auto kept = index.encode();
  MOLDAU_ASSERT(kept.size() == index.size() * time_index::entry_size && begins(kept, content));

  memory_file as_it_is(content);
  const auto grown = with_zeros(kept, 2 * time_index::entry_size + 7);
  memory_file full(kept);
  memory_file growing(grown);
  const auto look_up = [&](std::int64_t timestamp_ms) {
    const auto any = time_floor_in_file(as_it_is, access::blocking, content.size(), base, timestamp_ms);
    MOLDAU_ASSERT(any && (any->timestamp_ms <= timestamp_ms || (any->offset == base && any->timestamp_ms == -1)));
    time_position expected{.timestamp_ms = -1, .offset = base};
    for (std::size_t i = 0; i < index.size(); ++i) {
      const std::byte* entry = kept.data() + i * time_index::entry_size;
      const time_position one{.timestamp_ms = bytes::load_be<std::int64_t>(entry),
                              .offset = base + bytes::load_be<std::uint32_t>(entry + 8)};
      MOLDAU_ASSERT(one.timestamp_ms >= 0 && one.offset < log_end);
      if (one.timestamp_ms <= timestamp_ms) expected = one;
    }
    MOLDAU_ASSERT(index.floor(timestamp_ms) == expected);
    MOLDAU_ASSERT(time_floor_in_file(full, access::blocking, kept.size(), base, timestamp_ms) == expected);
    // An empty index that was made larger begins with a zero, which may be an entry as well as none.
    if (index.size() == 0) return;
    MOLDAU_ASSERT(time_floor_in_file(growing, access::resident, grown.size(), base, timestamp_ms) == expected);
  };
  const std::int64_t last = index.back().timestamp_ms;
  for (const std::int64_t at : {last, last - 1, last / 2, std::int64_t{0}, std::numeric_limits<std::int64_t>::max(),
                                std::numeric_limits<std::int64_t>::min()}) {
    look_up(at);
  }

  const offset end = index.back().offset;
  index.truncate(end - 1);
  MOLDAU_ASSERT(index.size() == 0 || index.back().offset < end);
  MOLDAU_ASSERT(begins(index.encode(), kept));
}

void check_transactions(bytes_view content) {
  const auto entries = parse_txn_index(content);
  for (std::size_t i = 1; i < entries.size(); ++i) MOLDAU_ASSERT(entries[i].last_offset > entries[i - 1].last_offset);
  const auto written = encode_txn_index(entries);
  MOLDAU_ASSERT(begins(written, content));
  MOLDAU_ASSERT(parse_txn_index(written) == entries);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::input in(data, size);
  const std::uint8_t what = in.u8();
  // A file name can hold any offset, but a log's end must fit behind it.
  const auto base = offset(static_cast<std::int64_t>(in.u64() >> 2U));
  const std::uint32_t extent = in.u32();
  const auto content = in.rest();
  switch (what % 3) {
    case 0:
      check_offsets(content, base, extent);
      break;
    case 1:
      check_times(content, base, base + extent);
      break;
    default:
      check_transactions(content);
  }
  return 0;
}
