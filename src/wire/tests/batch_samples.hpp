#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "moldau/core/bytes.hpp"
#include "moldau/core/record.hpp"
#include "wire/compression.hpp"
#include "wire/record_batch.hpp"
#include "wire/record_reader.hpp"
#include "wire/tests/data/java_batches.hpp"

namespace moldau::wire::testing {

/// The bytes of the sample of that name.
inline shared_bytes java_bytes(std::string_view name) {
  for (const java_batch& batch : java_batches) {
    if (batch.name != name) continue;
    shared_bytes out = shared_bytes::allocate(batch.hex.size() / 2);
    for (std::size_t i = 0; i < out.size(); ++i)
      out.writable()[i] = static_cast<std::byte>(std::stoi(std::string(batch.hex.substr(2 * i, 2)), nullptr, 16));
    return out;
  }
  ADD_FAILURE() << "no sample " << name;
  return {};
}

/// A record with its own memory, to compare.
struct owned_record {
  std::int64_t offset = 0;
  std::int64_t timestamp_ms = 0;
  std::optional<std::string> key;
  std::optional<std::string> value;
  std::vector<std::pair<std::string, std::optional<std::string>>> headers;

  static owned_record of(const record_view& view) {
    const auto own = [](std::optional<bytes_view> bytes) -> std::optional<std::string> {
      if (!bytes) return std::nullopt;
      return std::string(as_text(*bytes));
    };
    owned_record out{view.offset.value(), view.timestamp_ms, own(view.key), own(view.value), {}};
    for (const header_view& header : view.headers) out.headers.emplace_back(header.key, own(header.value));
    return out;
  }

  friend bool operator==(const owned_record&, const owned_record&) = default;
  friend std::ostream& operator<<(std::ostream& to, const owned_record& r) {
    return to << r.offset << "@" << r.timestamp_ms << " " << r.key.value_or("null") << "="
              << r.value.value_or("null").substr(0, 20) << " (" << r.headers.size() << " headers)";
  }
};

inline constexpr std::int64_t sample_time_ms = 1'700'000'000'000;
inline constexpr std::int64_t sample_append_time_ms = sample_time_ms + 100;

/// What every sample of several records holds, from offset 70 on.
inline std::vector<owned_record> sample_records() {
  std::string poem;
  for (int i = 0; i < 40; ++i) poem += "moldau ";
  return {{70, sample_time_ms, "k0", "v0", {}},
          {71, sample_time_ms + 5, std::nullopt, "", {{"h1", std::nullopt}, {"h2", "x"}}},
          {72, sample_time_ms - 3, "", std::nullopt, {}},
          {73, sample_time_ms + 2, "abc", poem, {}}};
}

/// All records of one batch, or the error's code.
inline result<std::vector<owned_record>> read_all(batch_view batch, codec_context& context, record_limits limits = {}) {
  MOLDAU_TRY_ASSIGN(record_reader reader, record_reader::open(batch, context, limits));
  std::vector<owned_record> out;
  record_view record;
  while (true) {
    MOLDAU_TRY_ASSIGN(const bool more, reader.next(record));
    if (!more) return out;
    out.push_back(owned_record::of(record));
  }
}

}  // namespace moldau::wire::testing
