#include "storage/txn_index.hpp"

#include "bytes/endian.hpp"

namespace moldau::storage {

std::vector<std::byte> encode_txn_index(const std::vector<aborted_entry>& entries, std::size_t first) {
  std::vector<std::byte> out((entries.size() - first) * aborted_entry::size);
  std::byte* to = out.data();
  for (std::size_t i = first; i < entries.size(); ++i, to += aborted_entry::size) {
    const aborted_entry& e = entries[i];
    bytes::store_be(to, std::int16_t{0});
    bytes::store_be(to + 2, e.producer_id.value());
    bytes::store_be(to + 10, e.first_offset.value());
    bytes::store_be(to + 18, e.last_offset.value());
    bytes::store_be(to + 26, e.last_stable_offset.value());
  }
  return out;
}

std::vector<aborted_entry> parse_txn_index(bytes_view content) {
  std::vector<aborted_entry> out;
  for (; content.size() >= aborted_entry::size; content = content.subspan(aborted_entry::size)) {
    const std::byte* at = content.data();
    if (bytes::load_be<std::int16_t>(at) != 0) break;
    const aborted_entry e{.producer_id = producer_id(bytes::load_be<std::int64_t>(at + 2)),
                          .first_offset = offset(bytes::load_be<std::int64_t>(at + 10)),
                          .last_offset = offset(bytes::load_be<std::int64_t>(at + 18)),
                          .last_stable_offset = offset(bytes::load_be<std::int64_t>(at + 26))};
    if (!out.empty() && e.last_offset <= out.back().last_offset) break;
    out.push_back(e);
  }
  return out;
}

}  // namespace moldau::storage
