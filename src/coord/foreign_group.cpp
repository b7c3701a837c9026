#include "coord/foreign_group.hpp"

#include <algorithm>

#include "wire/coordinator/consumer_group_current_member_assignment_key.hpp"
#include "wire/coordinator/consumer_group_member_metadata_key.hpp"
#include "wire/coordinator/consumer_group_metadata_key.hpp"
#include "wire/coordinator/consumer_group_partition_metadata_key.hpp"
#include "wire/coordinator/consumer_group_regular_expression_key.hpp"
#include "wire/coordinator/consumer_group_target_assignment_member_key.hpp"
#include "wire/coordinator/consumer_group_target_assignment_metadata_key.hpp"
#include "wire/coordinator/share_group_current_member_assignment_key.hpp"
#include "wire/coordinator/share_group_member_metadata_key.hpp"
#include "wire/coordinator/share_group_metadata_key.hpp"
#include "wire/coordinator/share_group_state_partition_metadata_key.hpp"
#include "wire/coordinator/share_group_target_assignment_member_key.hpp"
#include "wire/coordinator/share_group_target_assignment_metadata_key.hpp"
#include "wire/coordinator/streams_group_current_member_assignment_key.hpp"
#include "wire/coordinator/streams_group_member_metadata_key.hpp"
#include "wire/coordinator/streams_group_metadata_key.hpp"
#include "wire/coordinator/streams_group_target_assignment_member_key.hpp"
#include "wire/coordinator/streams_group_target_assignment_metadata_key.hpp"
#include "wire/coordinator/streams_group_topology_key.hpp"
#include "wire/reader.hpp"

namespace moldau::coord {
namespace {

namespace records = wire::coordinator;

/// What a record says of the group, whichever of the three protocols it is of.
enum class part : std::uint8_t { group, member, target, current, other };

struct known_record {
  group_type type;
  part says;
};

std::optional<known_record> look_up(std::int16_t record_type) {
  switch (record_type) {
    case records::consumer_group_metadata_key::type_id:
      return known_record{group_type::consumer, part::group};
    case records::consumer_group_member_metadata_key::type_id:
      return known_record{group_type::consumer, part::member};
    case records::consumer_group_target_assignment_metadata_key::type_id:
      return known_record{group_type::consumer, part::target};
    case records::consumer_group_current_member_assignment_key::type_id:
      return known_record{group_type::consumer, part::current};
    case records::consumer_group_partition_metadata_key::type_id:
    case records::consumer_group_target_assignment_member_key::type_id:
    case records::consumer_group_regular_expression_key::type_id:
      return known_record{group_type::consumer, part::other};
    case records::share_group_metadata_key::type_id:
      return known_record{group_type::share, part::group};
    case records::share_group_member_metadata_key::type_id:
      return known_record{group_type::share, part::member};
    case records::share_group_target_assignment_metadata_key::type_id:
      return known_record{group_type::share, part::target};
    case records::share_group_current_member_assignment_key::type_id:
      return known_record{group_type::share, part::current};
    case records::share_group_target_assignment_member_key::type_id:
    case records::share_group_state_partition_metadata_key::type_id:
      return known_record{group_type::share, part::other};
    case records::streams_group_metadata_key::type_id:
      return known_record{group_type::streams, part::group};
    case records::streams_group_member_metadata_key::type_id:
      return known_record{group_type::streams, part::member};
    case records::streams_group_target_assignment_metadata_key::type_id:
      return known_record{group_type::streams, part::target};
    case records::streams_group_current_member_assignment_key::type_id:
      return known_record{group_type::streams, part::current};
    case records::streams_group_target_assignment_member_key::type_id:
    case records::streams_group_topology_key::type_id:
      return known_record{group_type::streams, part::other};
    default:
      return std::nullopt;
  }
}

}  // namespace

std::string_view name(group_type type) {
  switch (type) {
    case group_type::classic:
      return "classic";
    case group_type::consumer:
      return "consumer";
    case group_type::share:
      return "share";
    case group_type::streams:
      break;
  }
  return "streams";
}

std::optional<group_type> foreign_group::type_of(std::int16_t record_type) {
  const auto known = look_up(record_type);
  return known ? std::optional(known->type) : std::nullopt;
}

void foreign_group::apply(std::int16_t record_type, bytes_view key, std::optional<bytes_view> value) {
  const auto known = look_up(record_type);
  if (!known || known->type != type_) return;
  if (value) {
    keys_.insert_or_assign(std::string(as_text(key)), record_type);
  } else if (const auto found = keys_.find(as_text(key)); found != keys_.end()) {
    keys_.erase(found);
  }
  // All these keys are: type, group, and then a member's id where there is one. All these values begin with an epoch.
  wire::reader name_in(key);
  static_cast<void>(name_in.i16());
  static_cast<void>(name_in.string(false));
  const std::string_view member =
      known->says == part::member || known->says == part::current ? name_in.string(false) : std::string_view();
  if (!name_in.ok()) return;
  wire::reader in(value.value_or(bytes_view()));
  static_cast<void>(in.i16());
  const std::int32_t epoch = value && known->says != part::member ? in.i32() : 0;
  switch (known->says) {
    case part::group:
      epoch_ = epoch;
      break;
    case part::target:
      target_epoch_ = epoch;
      break;
    case part::member:
      if (value) {
        const auto held = assignments_.find(member);
        members_.insert_or_assign(std::string(member), held == assignments_.end() ? 0 : held->second.epoch);
      } else if (const auto found = members_.find(member); found != members_.end()) {
        members_.erase(found);
      }
      break;
    case part::current:
      if (value) {
        static_cast<void>(in.i32());  // the epoch before
        assignments_.insert_or_assign(std::string(member), assignment{.epoch = epoch, .stable = in.i8() == 0});
        if (const auto found = members_.find(member); found != members_.end()) found->second = epoch;
      } else if (const auto found = assignments_.find(member); found != assignments_.end()) {
        assignments_.erase(found);
      }
      break;
    case part::other:
      break;
  }
}

const std::int32_t* foreign_group::member_epoch(std::string_view member) const {
  const auto found = members_.find(member);
  return found == members_.end() ? nullptr : &found->second;
}

std::string_view foreign_group::state() const {
  if (members_.empty()) return "Empty";
  if (type_ == group_type::share) return "Stable";
  if (epoch_ > target_epoch_) return "Assigning";
  const bool settled = std::ranges::all_of(
      assignments_, [&](const auto& one) { return one.second.stable && one.second.epoch == target_epoch_; });
  return settled ? "Stable" : "Reconciling";
}

std::vector<record> foreign_group::tombstones() const {
  std::vector<record> out;
  out.reserve(keys_.size());
  for (const auto& [key, type] : keys_) out.push_back({shared_bytes::copy_of(as_bytes(key)), std::nullopt});
  return out;
}

}  // namespace moldau::coord
