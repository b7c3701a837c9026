#pragma once

#include <cstdint>
#include <string_view>

namespace moldau {

/// What went wrong, in one enum: Kafka's error codes with Kafka's numbers (so a value can go on the wire as it is), and
/// from 1000 the local ones, which never do.
enum class errc : std::int16_t {
  unknown_server_error = -1,
  none = 0,
  offset_out_of_range = 1,
  corrupt_message = 2,
  unknown_topic_or_partition = 3,
  invalid_fetch_size = 4,
  leader_not_available = 5,
  not_leader_or_follower = 6,
  request_timed_out = 7,
  broker_not_available = 8,
  replica_not_available = 9,
  message_too_large = 10,
  stale_controller_epoch = 11,
  offset_metadata_too_large = 12,
  network_exception = 13,
  coordinator_load_in_progress = 14,
  coordinator_not_available = 15,
  not_coordinator = 16,
  invalid_topic_exception = 17,
  record_list_too_large = 18,
  not_enough_replicas = 19,
  not_enough_replicas_after_append = 20,
  invalid_required_acks = 21,
  illegal_generation = 22,
  inconsistent_group_protocol = 23,
  invalid_group_id = 24,
  unknown_member_id = 25,
  invalid_session_timeout = 26,
  rebalance_in_progress = 27,
  invalid_commit_offset_size = 28,
  topic_authorization_failed = 29,
  group_authorization_failed = 30,
  cluster_authorization_failed = 31,
  invalid_timestamp = 32,
  unsupported_sasl_mechanism = 33,
  illegal_sasl_state = 34,
  unsupported_version = 35,
  topic_already_exists = 36,
  invalid_partitions = 37,
  invalid_replication_factor = 38,
  invalid_replica_assignment = 39,
  invalid_config = 40,
  not_controller = 41,
  invalid_request = 42,
  unsupported_for_message_format = 43,
  policy_violation = 44,
  out_of_order_sequence_number = 45,
  duplicate_sequence_number = 46,
  invalid_producer_epoch = 47,
  invalid_txn_state = 48,
  invalid_producer_id_mapping = 49,
  invalid_transaction_timeout = 50,
  concurrent_transactions = 51,
  transaction_coordinator_fenced = 52,
  transactional_id_authorization_failed = 53,
  security_disabled = 54,
  operation_not_attempted = 55,
  kafka_storage_error = 56,
  log_dir_not_found = 57,
  sasl_authentication_failed = 58,
  unknown_producer_id = 59,
  reassignment_in_progress = 60,
  delegation_token_auth_disabled = 61,
  delegation_token_not_found = 62,
  delegation_token_owner_mismatch = 63,
  delegation_token_request_not_allowed = 64,
  delegation_token_authorization_failed = 65,
  delegation_token_expired = 66,
  invalid_principal_type = 67,
  non_empty_group = 68,
  group_id_not_found = 69,
  fetch_session_id_not_found = 70,
  invalid_fetch_session_epoch = 71,
  listener_not_found = 72,
  topic_deletion_disabled = 73,
  fenced_leader_epoch = 74,
  unknown_leader_epoch = 75,
  unsupported_compression_type = 76,
  stale_broker_epoch = 77,
  offset_not_available = 78,
  member_id_required = 79,
  preferred_leader_not_available = 80,
  group_max_size_reached = 81,
  fenced_instance_id = 82,
  eligible_leaders_not_available = 83,
  election_not_needed = 84,
  no_reassignment_in_progress = 85,
  group_subscribed_to_topic = 86,
  invalid_record = 87,
  unstable_offset_commit = 88,
  throttling_quota_exceeded = 89,
  producer_fenced = 90,
  resource_not_found = 91,
  duplicate_resource = 92,
  unacceptable_credential = 93,
  inconsistent_voter_set = 94,
  invalid_update_version = 95,
  feature_update_failed = 96,
  principal_deserialization_failure = 97,
  snapshot_not_found = 98,
  position_out_of_range = 99,
  unknown_topic_id = 100,
  duplicate_broker_registration = 101,
  broker_id_not_registered = 102,
  inconsistent_topic_id = 103,
  inconsistent_cluster_id = 104,
  transactional_id_not_found = 105,
  fetch_session_topic_id_error = 106,
  ineligible_replica = 107,
  new_leader_elected = 108,
  offset_moved_to_tiered_storage = 109,
  fenced_member_epoch = 110,
  unreleased_instance_id = 111,
  unsupported_assignor = 112,
  stale_member_epoch = 113,
  mismatched_endpoint_type = 114,
  unsupported_endpoint_type = 115,
  unknown_controller_id = 116,
  unknown_subscription_id = 117,
  telemetry_too_large = 118,
  invalid_registration = 119,
  transaction_abortable = 120,
  invalid_record_state = 121,
  share_session_not_found = 122,
  invalid_share_session_epoch = 123,
  fenced_state_epoch = 124,
  invalid_voter_key = 125,
  duplicate_voter = 126,
  voter_not_found = 127,
  invalid_regular_expression = 128,
  rebootstrap_required = 129,
  streams_invalid_topology = 130,
  streams_invalid_topology_epoch = 131,
  streams_topology_fenced = 132,
  share_session_limit_reached = 133,

  // Local codes: never on the wire.
  malformed = 1000,  ///< Bytes from outside that don't parse: a length past the end, a bad tag, a wrong checksum.
  io_error,          ///< The operating system refused; the message holds its words.
  not_found,         ///< A file or directory that isn't there.
  already_exists,    ///< A file or directory that is there already.
  disk_full,         ///< ENOSPC or a quota.
  closed,            ///< The connection, client or log has been closed.
  timed_out,         ///< The deadline passed.
  cancelled,         ///< The caller cancelled.
  would_block,       ///< Nothing there yet; wait for the event.
  invalid_argument,  ///< The caller's mistake, with a sentence that says which.
  locked,            ///< Another process holds it.
  out_of_memory,     ///< A bound on memory was met.
  log_truncated,     ///< The log was cut below where a reader stands (KIP-320).
};

/// The code's name as Kafka writes it ("NOT_LEADER_OR_FOLLOWER"), or for a local code its own ("malformed").
[[nodiscard]] constexpr std::string_view name(errc code) {
  switch (code) {
    case errc::unknown_server_error:
      return "UNKNOWN_SERVER_ERROR";
    case errc::none:
      return "NONE";
    case errc::offset_out_of_range:
      return "OFFSET_OUT_OF_RANGE";
    case errc::corrupt_message:
      return "CORRUPT_MESSAGE";
    case errc::unknown_topic_or_partition:
      return "UNKNOWN_TOPIC_OR_PARTITION";
    case errc::invalid_fetch_size:
      return "INVALID_FETCH_SIZE";
    case errc::leader_not_available:
      return "LEADER_NOT_AVAILABLE";
    case errc::not_leader_or_follower:
      return "NOT_LEADER_OR_FOLLOWER";
    case errc::request_timed_out:
      return "REQUEST_TIMED_OUT";
    case errc::broker_not_available:
      return "BROKER_NOT_AVAILABLE";
    case errc::replica_not_available:
      return "REPLICA_NOT_AVAILABLE";
    case errc::message_too_large:
      return "MESSAGE_TOO_LARGE";
    case errc::stale_controller_epoch:
      return "STALE_CONTROLLER_EPOCH";
    case errc::offset_metadata_too_large:
      return "OFFSET_METADATA_TOO_LARGE";
    case errc::network_exception:
      return "NETWORK_EXCEPTION";
    case errc::coordinator_load_in_progress:
      return "COORDINATOR_LOAD_IN_PROGRESS";
    case errc::coordinator_not_available:
      return "COORDINATOR_NOT_AVAILABLE";
    case errc::not_coordinator:
      return "NOT_COORDINATOR";
    case errc::invalid_topic_exception:
      return "INVALID_TOPIC_EXCEPTION";
    case errc::record_list_too_large:
      return "RECORD_LIST_TOO_LARGE";
    case errc::not_enough_replicas:
      return "NOT_ENOUGH_REPLICAS";
    case errc::not_enough_replicas_after_append:
      return "NOT_ENOUGH_REPLICAS_AFTER_APPEND";
    case errc::invalid_required_acks:
      return "INVALID_REQUIRED_ACKS";
    case errc::illegal_generation:
      return "ILLEGAL_GENERATION";
    case errc::inconsistent_group_protocol:
      return "INCONSISTENT_GROUP_PROTOCOL";
    case errc::invalid_group_id:
      return "INVALID_GROUP_ID";
    case errc::unknown_member_id:
      return "UNKNOWN_MEMBER_ID";
    case errc::invalid_session_timeout:
      return "INVALID_SESSION_TIMEOUT";
    case errc::rebalance_in_progress:
      return "REBALANCE_IN_PROGRESS";
    case errc::invalid_commit_offset_size:
      return "INVALID_COMMIT_OFFSET_SIZE";
    case errc::topic_authorization_failed:
      return "TOPIC_AUTHORIZATION_FAILED";
    case errc::group_authorization_failed:
      return "GROUP_AUTHORIZATION_FAILED";
    case errc::cluster_authorization_failed:
      return "CLUSTER_AUTHORIZATION_FAILED";
    case errc::invalid_timestamp:
      return "INVALID_TIMESTAMP";
    case errc::unsupported_sasl_mechanism:
      return "UNSUPPORTED_SASL_MECHANISM";
    case errc::illegal_sasl_state:
      return "ILLEGAL_SASL_STATE";
    case errc::unsupported_version:
      return "UNSUPPORTED_VERSION";
    case errc::topic_already_exists:
      return "TOPIC_ALREADY_EXISTS";
    case errc::invalid_partitions:
      return "INVALID_PARTITIONS";
    case errc::invalid_replication_factor:
      return "INVALID_REPLICATION_FACTOR";
    case errc::invalid_replica_assignment:
      return "INVALID_REPLICA_ASSIGNMENT";
    case errc::invalid_config:
      return "INVALID_CONFIG";
    case errc::not_controller:
      return "NOT_CONTROLLER";
    case errc::invalid_request:
      return "INVALID_REQUEST";
    case errc::unsupported_for_message_format:
      return "UNSUPPORTED_FOR_MESSAGE_FORMAT";
    case errc::policy_violation:
      return "POLICY_VIOLATION";
    case errc::out_of_order_sequence_number:
      return "OUT_OF_ORDER_SEQUENCE_NUMBER";
    case errc::duplicate_sequence_number:
      return "DUPLICATE_SEQUENCE_NUMBER";
    case errc::invalid_producer_epoch:
      return "INVALID_PRODUCER_EPOCH";
    case errc::invalid_txn_state:
      return "INVALID_TXN_STATE";
    case errc::invalid_producer_id_mapping:
      return "INVALID_PRODUCER_ID_MAPPING";
    case errc::invalid_transaction_timeout:
      return "INVALID_TRANSACTION_TIMEOUT";
    case errc::concurrent_transactions:
      return "CONCURRENT_TRANSACTIONS";
    case errc::transaction_coordinator_fenced:
      return "TRANSACTION_COORDINATOR_FENCED";
    case errc::transactional_id_authorization_failed:
      return "TRANSACTIONAL_ID_AUTHORIZATION_FAILED";
    case errc::security_disabled:
      return "SECURITY_DISABLED";
    case errc::operation_not_attempted:
      return "OPERATION_NOT_ATTEMPTED";
    case errc::kafka_storage_error:
      return "KAFKA_STORAGE_ERROR";
    case errc::log_dir_not_found:
      return "LOG_DIR_NOT_FOUND";
    case errc::sasl_authentication_failed:
      return "SASL_AUTHENTICATION_FAILED";
    case errc::unknown_producer_id:
      return "UNKNOWN_PRODUCER_ID";
    case errc::reassignment_in_progress:
      return "REASSIGNMENT_IN_PROGRESS";
    case errc::delegation_token_auth_disabled:
      return "DELEGATION_TOKEN_AUTH_DISABLED";
    case errc::delegation_token_not_found:
      return "DELEGATION_TOKEN_NOT_FOUND";
    case errc::delegation_token_owner_mismatch:
      return "DELEGATION_TOKEN_OWNER_MISMATCH";
    case errc::delegation_token_request_not_allowed:
      return "DELEGATION_TOKEN_REQUEST_NOT_ALLOWED";
    case errc::delegation_token_authorization_failed:
      return "DELEGATION_TOKEN_AUTHORIZATION_FAILED";
    case errc::delegation_token_expired:
      return "DELEGATION_TOKEN_EXPIRED";
    case errc::invalid_principal_type:
      return "INVALID_PRINCIPAL_TYPE";
    case errc::non_empty_group:
      return "NON_EMPTY_GROUP";
    case errc::group_id_not_found:
      return "GROUP_ID_NOT_FOUND";
    case errc::fetch_session_id_not_found:
      return "FETCH_SESSION_ID_NOT_FOUND";
    case errc::invalid_fetch_session_epoch:
      return "INVALID_FETCH_SESSION_EPOCH";
    case errc::listener_not_found:
      return "LISTENER_NOT_FOUND";
    case errc::topic_deletion_disabled:
      return "TOPIC_DELETION_DISABLED";
    case errc::fenced_leader_epoch:
      return "FENCED_LEADER_EPOCH";
    case errc::unknown_leader_epoch:
      return "UNKNOWN_LEADER_EPOCH";
    case errc::unsupported_compression_type:
      return "UNSUPPORTED_COMPRESSION_TYPE";
    case errc::stale_broker_epoch:
      return "STALE_BROKER_EPOCH";
    case errc::offset_not_available:
      return "OFFSET_NOT_AVAILABLE";
    case errc::member_id_required:
      return "MEMBER_ID_REQUIRED";
    case errc::preferred_leader_not_available:
      return "PREFERRED_LEADER_NOT_AVAILABLE";
    case errc::group_max_size_reached:
      return "GROUP_MAX_SIZE_REACHED";
    case errc::fenced_instance_id:
      return "FENCED_INSTANCE_ID";
    case errc::eligible_leaders_not_available:
      return "ELIGIBLE_LEADERS_NOT_AVAILABLE";
    case errc::election_not_needed:
      return "ELECTION_NOT_NEEDED";
    case errc::no_reassignment_in_progress:
      return "NO_REASSIGNMENT_IN_PROGRESS";
    case errc::group_subscribed_to_topic:
      return "GROUP_SUBSCRIBED_TO_TOPIC";
    case errc::invalid_record:
      return "INVALID_RECORD";
    case errc::unstable_offset_commit:
      return "UNSTABLE_OFFSET_COMMIT";
    case errc::throttling_quota_exceeded:
      return "THROTTLING_QUOTA_EXCEEDED";
    case errc::producer_fenced:
      return "PRODUCER_FENCED";
    case errc::resource_not_found:
      return "RESOURCE_NOT_FOUND";
    case errc::duplicate_resource:
      return "DUPLICATE_RESOURCE";
    case errc::unacceptable_credential:
      return "UNACCEPTABLE_CREDENTIAL";
    case errc::inconsistent_voter_set:
      return "INCONSISTENT_VOTER_SET";
    case errc::invalid_update_version:
      return "INVALID_UPDATE_VERSION";
    case errc::feature_update_failed:
      return "FEATURE_UPDATE_FAILED";
    case errc::principal_deserialization_failure:
      return "PRINCIPAL_DESERIALIZATION_FAILURE";
    case errc::snapshot_not_found:
      return "SNAPSHOT_NOT_FOUND";
    case errc::position_out_of_range:
      return "POSITION_OUT_OF_RANGE";
    case errc::unknown_topic_id:
      return "UNKNOWN_TOPIC_ID";
    case errc::duplicate_broker_registration:
      return "DUPLICATE_BROKER_REGISTRATION";
    case errc::broker_id_not_registered:
      return "BROKER_ID_NOT_REGISTERED";
    case errc::inconsistent_topic_id:
      return "INCONSISTENT_TOPIC_ID";
    case errc::inconsistent_cluster_id:
      return "INCONSISTENT_CLUSTER_ID";
    case errc::transactional_id_not_found:
      return "TRANSACTIONAL_ID_NOT_FOUND";
    case errc::fetch_session_topic_id_error:
      return "FETCH_SESSION_TOPIC_ID_ERROR";
    case errc::ineligible_replica:
      return "INELIGIBLE_REPLICA";
    case errc::new_leader_elected:
      return "NEW_LEADER_ELECTED";
    case errc::offset_moved_to_tiered_storage:
      return "OFFSET_MOVED_TO_TIERED_STORAGE";
    case errc::fenced_member_epoch:
      return "FENCED_MEMBER_EPOCH";
    case errc::unreleased_instance_id:
      return "UNRELEASED_INSTANCE_ID";
    case errc::unsupported_assignor:
      return "UNSUPPORTED_ASSIGNOR";
    case errc::stale_member_epoch:
      return "STALE_MEMBER_EPOCH";
    case errc::mismatched_endpoint_type:
      return "MISMATCHED_ENDPOINT_TYPE";
    case errc::unsupported_endpoint_type:
      return "UNSUPPORTED_ENDPOINT_TYPE";
    case errc::unknown_controller_id:
      return "UNKNOWN_CONTROLLER_ID";
    case errc::unknown_subscription_id:
      return "UNKNOWN_SUBSCRIPTION_ID";
    case errc::telemetry_too_large:
      return "TELEMETRY_TOO_LARGE";
    case errc::invalid_registration:
      return "INVALID_REGISTRATION";
    case errc::transaction_abortable:
      return "TRANSACTION_ABORTABLE";
    case errc::invalid_record_state:
      return "INVALID_RECORD_STATE";
    case errc::share_session_not_found:
      return "SHARE_SESSION_NOT_FOUND";
    case errc::invalid_share_session_epoch:
      return "INVALID_SHARE_SESSION_EPOCH";
    case errc::fenced_state_epoch:
      return "FENCED_STATE_EPOCH";
    case errc::invalid_voter_key:
      return "INVALID_VOTER_KEY";
    case errc::duplicate_voter:
      return "DUPLICATE_VOTER";
    case errc::voter_not_found:
      return "VOTER_NOT_FOUND";
    case errc::invalid_regular_expression:
      return "INVALID_REGULAR_EXPRESSION";
    case errc::rebootstrap_required:
      return "REBOOTSTRAP_REQUIRED";
    case errc::streams_invalid_topology:
      return "STREAMS_INVALID_TOPOLOGY";
    case errc::streams_invalid_topology_epoch:
      return "STREAMS_INVALID_TOPOLOGY_EPOCH";
    case errc::streams_topology_fenced:
      return "STREAMS_TOPOLOGY_FENCED";
    case errc::share_session_limit_reached:
      return "SHARE_SESSION_LIMIT_REACHED";
    case errc::malformed:
      return "malformed";
    case errc::io_error:
      return "io_error";
    case errc::not_found:
      return "not_found";
    case errc::already_exists:
      return "already_exists";
    case errc::disk_full:
      return "disk_full";
    case errc::closed:
      return "closed";
    case errc::timed_out:
      return "timed_out";
    case errc::cancelled:
      return "cancelled";
    case errc::would_block:
      return "would_block";
    case errc::invalid_argument:
      return "invalid_argument";
    case errc::locked:
      return "locked";
    case errc::out_of_memory:
      return "out_of_memory";
    case errc::log_truncated:
      return "log_truncated";
  }
  return "UNKNOWN_SERVER_ERROR";
}

/// Whether the same call may succeed later without the caller changing anything (Kafka's RetriableException).
[[nodiscard]] constexpr bool is_retriable(errc code) {
  switch (code) {
    case errc::corrupt_message:
    case errc::unknown_topic_or_partition:
    case errc::leader_not_available:
    case errc::not_leader_or_follower:
    case errc::request_timed_out:
    case errc::replica_not_available:
    case errc::network_exception:
    case errc::coordinator_load_in_progress:
    case errc::coordinator_not_available:
    case errc::not_coordinator:
    case errc::not_enough_replicas:
    case errc::not_enough_replicas_after_append:
    case errc::not_controller:
    case errc::concurrent_transactions:
    case errc::kafka_storage_error:
    case errc::fetch_session_id_not_found:
    case errc::invalid_fetch_session_epoch:
    case errc::listener_not_found:
    case errc::fenced_leader_epoch:
    case errc::unknown_leader_epoch:
    case errc::offset_not_available:
    case errc::preferred_leader_not_available:
    case errc::eligible_leaders_not_available:
    case errc::election_not_needed:
    case errc::unstable_offset_commit:
    case errc::throttling_quota_exceeded:
    case errc::unknown_topic_id:
    case errc::inconsistent_topic_id:
    case errc::fetch_session_topic_id_error:
    case errc::share_session_not_found:
    case errc::invalid_share_session_epoch:
    case errc::share_session_limit_reached:
    case errc::timed_out:
    case errc::would_block:
      return true;
    default:
      return false;
  }
}

}  // namespace moldau
