#pragma once

#include <cstdint>
#include <string_view>

#include "moldau/core/bytes.hpp"
#include "moldau/core/errc.hpp"
#include "moldau/core/result.hpp"
#include "wire/protocol/fetch_response.hpp"
#include "wire/reader.hpp"

namespace moldau::client {

/// From version 13 on topics are named by id; by name a topic that was made anew is still the one meant.
inline constexpr std::int16_t fetch_version_max = 12;

/// An answer to Fetch, read where it lies: partition after partition, by the generated code, so that it takes no memory
/// for each. A value.
class fetch_answer {
 public:
  using partition_data = wire::protocol::fetch_response::partition_data;

  /// Checks all of it: what is visited later is whole.
  /// Errors: `errc::malformed`, `errc::unsupported_version` above `fetch_version_max`.
  [[nodiscard]] static result<fetch_answer> parse(shared_bytes body, std::int16_t version);

  [[nodiscard]] std::int32_t throttle_time_ms() const { return throttle_time_ms_; }
  [[nodiscard]] errc code() const { return code_; }
  [[nodiscard]] std::int32_t session_id() const { return session_id_; }
  /// What the partitions' views point into.
  [[nodiscard]] const shared_bytes& bytes() const { return body_; }

  /// Calls `take(std::string_view topic, const partition_data&)` for each partition, in the answer's order.
  template <typename Take>
  void for_each(Take take) const {
    wire::reader in(body_.view().subspan(head_bytes_));
    walk(in, version_, take);
  }

 private:
  template <typename Take>
  static void walk(wire::reader& in, std::int16_t version, Take& take) {
    const bool flexible = version >= wire::protocol::fetch_response::first_flexible_version;
    const std::size_t topics = in.array_count(flexible, 3);
    for (std::size_t t = 0; t < topics && in.ok(); ++t) {
      const std::string_view topic = in.string(flexible);
      const std::size_t partitions = in.array_count(flexible, 30);
      for (std::size_t p = 0; p < partitions && in.ok(); ++p) {
        partition_data data;
        data.read(in, version);
        if (in.ok()) take(topic, data);
      }
      if (flexible) skip_tags(in);
    }
    if (flexible) skip_tags(in);
  }
  static void skip_tags(wire::reader& in);

  shared_bytes body_;
  std::int16_t version_ = 0;
  std::size_t head_bytes_ = 0;
  std::int32_t throttle_time_ms_ = 0;
  errc code_ = errc::none;
  std::int32_t session_id_ = 0;
};

}  // namespace moldau::client
