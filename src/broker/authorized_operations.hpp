#pragma once

#include <cstdint>
#include <initializer_list>

namespace moldau::broker {

/// Kafka's codes of what access control lists allow.
enum class acl_operation : std::uint8_t {
  read = 3,
  write = 4,
  create = 5,
  remove = 6,
  alter = 7,
  describe = 8,
  cluster_action = 9,
  describe_configs = 10,
  alter_configs = 11,
  idempotent_write = 12,
};

/// One bit an operation, as KIP-430 puts them on the wire.
constexpr std::int32_t operation_bits(std::initializer_list<acl_operation> operations) {
  std::int32_t bits = 0;
  for (const acl_operation one : operations) bits |= 1 << static_cast<int>(one);
  return bits;
}

/// Everything that can be done to a resource of each kind: what a client is told where nothing is forbidden.
constexpr std::int32_t topic_operations = operation_bits(
    {acl_operation::read, acl_operation::write, acl_operation::create, acl_operation::remove, acl_operation::alter,
     acl_operation::describe, acl_operation::describe_configs, acl_operation::alter_configs});
constexpr std::int32_t group_operations =
    operation_bits({acl_operation::read, acl_operation::remove, acl_operation::describe,
                    acl_operation::describe_configs, acl_operation::alter_configs});
constexpr std::int32_t cluster_operations =
    operation_bits({acl_operation::create, acl_operation::alter, acl_operation::describe, acl_operation::cluster_action,
                    acl_operation::describe_configs, acl_operation::alter_configs, acl_operation::idempotent_write});

}  // namespace moldau::broker
