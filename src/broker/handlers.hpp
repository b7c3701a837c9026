#pragma once

#include "broker/request.hpp"
#include "rt/task.hpp"

namespace moldau::wire::protocol {
struct fetch_request;
}

namespace moldau::broker {

class shard;

// One handler an API, each in its own file in handlers/: parse, validate, act, answer.
rt::task<answer> alter_configs(shard& at, request& what);
rt::task<answer> api_versions(shard& at, request& what);
rt::task<answer> create_partitions(shard& at, request& what);
rt::task<answer> create_topics(shard& at, request& what);
rt::task<answer> delete_groups(shard& at, request& what);
rt::task<answer> delete_records(shard& at, request& what);
rt::task<answer> delete_topics(shard& at, request& what);
rt::task<answer> describe_cluster(shard& at, request& what);
rt::task<answer> describe_configs(shard& at, request& what);
rt::task<answer> describe_groups(shard& at, request& what);
rt::task<answer> describe_log_dirs(shard& at, request& what);
rt::task<answer> describe_producers(shard& at, request& what);
rt::task<answer> describe_quorum(shard& at, request& what);
rt::task<answer> describe_topic_partitions(shard& at, request& what);
rt::task<answer> fetch(shard& at, request& what);
rt::task<answer> fetch_snapshot(shard& at, request& what);
rt::task<answer> find_coordinator(shard& at, request& what);
rt::task<answer> heartbeat(shard& at, request& what);
rt::task<answer> incremental_alter_configs(shard& at, request& what);
rt::task<answer> init_producer_id(shard& at, request& what);
rt::task<answer> join_group(shard& at, request& what);
rt::task<answer> leave_group(shard& at, request& what);
rt::task<answer> list_groups(shard& at, request& what);
rt::task<answer> list_offsets(shard& at, request& what);
rt::task<answer> metadata(shard& at, request& what);
rt::task<answer> offset_commit(shard& at, request& what);
rt::task<answer> offset_delete(shard& at, request& what);
rt::task<answer> offset_fetch(shard& at, request& what);
rt::task<answer> offset_for_leader_epoch(shard& at, request& what);
rt::task<answer> produce(shard& at, request& what);
rt::task<answer> sync_group(shard& at, request& what);
rt::task<answer> update_features(shard& at, request& what);

/// Fetch as controllers serve it.
rt::task<answer> fetch_metadata(shard& at, request& what, const wire::protocol::fetch_request& message);

}  // namespace moldau::broker
