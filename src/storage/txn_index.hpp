#pragma once

#include <cstdint>
#include <vector>

#include "moldau/core/bytes.hpp"
#include "moldau/core/ids.hpp"

namespace moldau::storage {

/// One aborted transaction as `.txnindex` holds it: version 0, 34 bytes.
struct aborted_entry {
  static constexpr std::size_t size = 34;

  moldau::producer_id producer_id;
  offset first_offset;
  /// The abort marker's.
  offset last_offset;
  /// Readers that stop at this stable offset or below need not look at later entries.
  offset last_stable_offset;

  friend bool operator==(const aborted_entry&, const aborted_entry&) = default;
};

[[nodiscard]] std::vector<std::byte> encode_txn_index(const std::vector<aborted_entry>& entries, std::size_t first = 0);
/// Whole entries of a known version whose markers ascend; what follows them is left out.
[[nodiscard]] std::vector<aborted_entry> parse_txn_index(bytes_view content);

}  // namespace moldau::storage
