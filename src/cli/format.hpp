#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "moldau/core/ids.hpp"
#include "moldau/core/record.hpp"
#include "moldau/core/result.hpp"

namespace moldau::cli {

/// How `consume` prints a record: kcat's letters, parsed once.
///
/// %t topic, %p partition, %o offset, %k key, %s value, %T timestamp, %h headers, %S size of the value, %K size of the
/// key (-1 for null), %R the same sizes as four bytes in network order (%R before a value), %% a percent sign.
class record_format {
 public:
  /// Errors: `errc::invalid_argument` for an unknown letter.
  [[nodiscard]] static result<record_format> parse(std::string_view text);

  void append(std::string& to, std::string_view topic, partition_id partition, const record_view& record) const;

 private:
  struct part {
    char letter = 0;
    std::string text;
  };
  std::vector<part> parts_;
};

}  // namespace moldau::cli
