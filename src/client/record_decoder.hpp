#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "moldau/core/bytes.hpp"
#include "moldau/core/ids.hpp"
#include "moldau/core/record.hpp"
#include "wire/record_batch.hpp"

namespace moldau::client {

/// Where decoded records go. Headers of all records lie in one vector that may still move: `records[i].headers` holds
/// their number only until `settle_headers`.
struct decoded_records {
  std::vector<record_view> records;
  std::vector<header_view> headers;
  /// By record, as far as headers have been seen.
  std::vector<std::uint32_t> header_counts;

  void clear() {
    records.clear();
    headers.clear();
    header_counts.clear();
  }
  void settle_headers();
};

/// Appends the records of one uncompressed batch of magic 2 from `from` on. Takes no memory but the vectors'.
/// Returns null, or what is wrong with them; those before the wrong one have been appended.
[[nodiscard]] const char* decode_records(const wire::batch_header& header, bytes_view payload, offset from,
                                         decoded_records& into);

}  // namespace moldau::client
