#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "coord/record.hpp"
#include "moldau/core/bytes.hpp"

namespace moldau::coord {

enum class group_type : std::uint8_t { classic, consumer, share, streams };
[[nodiscard]] std::string_view name(group_type type);

/// A group of a protocol that isn't served here (KIP-848, share and streams groups), as its records show it: enough to
/// list it, to refuse what would harm it, and to remove it when a person says so. Its records are never touched
/// otherwise.
class foreign_group {
 public:
  /// Whose group a record type belongs to, by the number in its key; nothing for classic and unknown ones.
  [[nodiscard]] static std::optional<group_type> type_of(std::int16_t record_type);

  explicit foreign_group(group_type type) : type_(type) {}

  [[nodiscard]] group_type type() const { return type_; }
  /// Takes one of its records in; `record_type` is the number that the key begins with.
  void apply(std::int16_t record_type, bytes_view key, std::optional<bytes_view> value);
  /// No record is left.
  [[nodiscard]] bool is_gone() const { return keys_.empty(); }
  [[nodiscard]] bool has_members() const { return !members_.empty(); }
  /// Null for somebody who is no member.
  [[nodiscard]] const std::int32_t* member_epoch(std::string_view member) const;
  /// "Empty", "Assigning", "Reconciling" or "Stable".
  [[nodiscard]] std::string_view state() const;
  /// Tombstones for every record that the group consists of.
  [[nodiscard]] std::vector<record> tombstones() const;

 private:
  struct assignment {
    std::int32_t epoch = 0;
    bool stable = true;
  };

  group_type type_;
  /// Each record's key, with the type that it begins with.
  std::map<std::string, std::int16_t, std::less<>> keys_;
  std::map<std::string, std::int32_t, std::less<>> members_;
  std::map<std::string, assignment, std::less<>> assignments_;
  std::int32_t epoch_ = 0;
  std::int32_t target_epoch_ = 0;
};

}  // namespace moldau::coord
