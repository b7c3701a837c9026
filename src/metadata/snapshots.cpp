#include "metadata/snapshots.hpp"

#include <utility>

#include "metadata/partition_records.hpp"
#include "metadata/records.hpp"
#include "wire/metadata/access_control_entry_record.hpp"
#include "wire/metadata/client_quota_record.hpp"
#include "wire/metadata/config_record.hpp"
#include "wire/metadata/delegation_token_record.hpp"
#include "wire/metadata/feature_level_record.hpp"
#include "wire/metadata/partition_record.hpp"
#include "wire/metadata/producer_ids_record.hpp"
#include "wire/metadata/register_broker_record.hpp"
#include "wire/metadata/register_controller_record.hpp"
#include "wire/metadata/topic_record.hpp"
#include "wire/metadata/user_scram_credential_record.hpp"

namespace moldau::metadata {

namespace {

namespace records = wire::metadata;
using record_list = std::vector<shared_bytes>;

constexpr std::string_view metadata_version_feature = "metadata.version";

template <typename To, typename From>
void copy_registration(To& to, const From& from) {
  for (const listener& l : from.listeners) {
    auto& e = to.end_points.emplace_back();
    e.name = l.name;
    e.host = l.host;
    e.port = l.port;
    e.security_protocol = l.security_protocol;
  }
  for (const auto& [name, range] : from.features) {
    auto& f = to.features.emplace_back();
    f.name = name;
    f.min_supported_version = range.min;
    f.max_supported_version = range.max;
  }
}

void write_features(const image& from, record_list& out) {
  // First of all metadata.version: it decides how the rest is read.
  const auto level = [&](std::string_view name, std::int16_t feature_level) {
    records::feature_level_record r;
    r.name = name;
    r.feature_level = feature_level;
    out.push_back(encode_record(r, 0));
  };
  if (from.metadata_version() > 0) level(metadata_version_feature, from.metadata_version());
  for (const auto& [name, feature_level] : *from.features) {
    if (name != metadata_version_feature) level(name, feature_level);
  }
}

void write_cluster(const image& from, record_list& out) {
  const std::int16_t version = register_broker_record_version(from.metadata_version());
  for (const auto& [id, b] : *from.brokers) {
    records::register_broker_record r;
    r.broker_id = id;
    r.is_migrating_zk_broker = version >= 2 && b->is_migrating_zk_broker;
    r.incarnation_id = b->incarnation;
    r.broker_epoch = b->epoch;
    copy_registration(r, *b);
    r.rack.reset();
    if (b->rack) r.rack = *b->rack;
    r.fenced = b->fenced;
    r.in_controlled_shutdown = b->in_controlled_shutdown;
    if (version >= 3) r.log_dirs = b->directories;
    if (version >= 4) r.cordoned_log_dirs = b->cordoned_directories;
    out.push_back(encode_record(r, version));
  }
  if (!has_controller_registration(from.metadata_version())) return;
  for (const auto& [id, c] : *from.controllers) {
    records::register_controller_record r;
    r.controller_id = id;
    r.incarnation_id = c->incarnation;
    r.zk_migration_ready = c->zk_migration_ready;
    copy_registration(r, *c);
    out.push_back(encode_record(r, 0));
  }
}

void write_topics(const image& from, record_list& out) {
  from.topics.for_each([&](const topic_id& id, const auto& t) {
    records::topic_record r;
    r.name = t->name;
    r.topic_id = id;
    out.push_back(encode_record(r, 0));
    for (const auto& p : t->partitions) out.push_back(partition_to_record(id, *p, from.metadata_version()));
  });
}

void write_configs(const image& from, record_list& out) {
  from.configs.for_each([&](const config_resource& resource, const auto& values) {
    for (const auto& [name, value] : *values) {
      records::config_record r;
      r.resource_type = static_cast<std::int8_t>(resource.type);
      r.resource_name = resource.name;
      r.name = name;
      r.value = value;
      out.push_back(encode_record(r, 0));
    }
  });
}

void write_quotas(const image& from, record_list& out) {
  for (const auto& [entity, values] : *from.client_quotas) {
    for (const auto& [key, value] : values) {
      records::client_quota_record r;
      for (const auto& [type, name] : entity) {
        auto& e = r.entity.emplace_back();
        e.entity_type = type;
        e.entity_name.reset();
        if (name) e.entity_name = *name;
      }
      r.key = key;
      r.value = value;
      r.remove = false;
      out.push_back(encode_record(r, 0));
    }
  }
}

void write_producer_ids(const image& from, record_list& out) {
  if (!from.next_producer_id) return;
  records::producer_ids_record r;
  r.broker_id = no_broker;
  r.broker_epoch = -1;
  r.next_producer_id = *from.next_producer_id;
  out.push_back(encode_record(r, 0));
}

void write_acls(const image& from, record_list& out) {
  for (const auto& [id, a] : *from.acls) {
    records::access_control_entry_record r;
    r.id = id;
    r.resource_type = a.resource_type;
    r.resource_name = a.resource_name;
    r.pattern_type = a.pattern_type;
    r.principal = a.principal;
    r.host = a.host;
    r.operation = a.operation;
    r.permission_type = a.permission;
    out.push_back(encode_record(r, 0));
  }
}

void write_scram(const image& from, record_list& out) {
  if (!has_scram(from.metadata_version())) return;
  for (const auto& [mechanism, users] : *from.scram) {
    for (const auto& [name, c] : users) {
      records::user_scram_credential_record r;
      r.name = name;
      r.mechanism = mechanism;
      r.salt = as_bytes(c.salt);
      r.stored_key = as_bytes(c.stored_key);
      r.server_key = as_bytes(c.server_key);
      r.iterations = c.iterations;
      out.push_back(encode_record(r, 0));
    }
  }
}

void write_tokens(const image& from, record_list& out) {
  if (!has_delegation_tokens(from.metadata_version())) return;
  for (const auto& [id, t] : *from.delegation_tokens) {
    records::delegation_token_record r;
    r.owner = t.owner;
    r.requester = t.requester;
    for (const auto& renewer : t.renewers) r.renewers.emplace_back(renewer);
    r.issue_timestamp = t.issued_ms;
    r.max_timestamp = t.max_ms;
    r.expiration_timestamp = t.expires_ms;
    r.token_id = id;
    out.push_back(encode_record(r, 0));
  }
}

}  // namespace

shared_bytes partition_to_record(const topic_id& topic, const partition& p, std::int16_t metadata_version) {
  records::partition_record r;
  r.partition_id = p.id;
  r.topic_id = topic;
  r.replicas = p.replicas;
  r.isr = p.isr;
  r.removing_replicas = p.removing_replicas;
  r.adding_replicas = p.adding_replicas;
  r.leader = p.leader;
  r.leader_recovery_state = p.recovering ? 1 : 0;
  r.leader_epoch = p.leader_epoch;
  r.partition_epoch = p.partition_epoch;
  if (has_directories(metadata_version)) r.directories = p.directories;
  // Tagged fields: written only when there is something in them.
  if (has_eligible_leader_replicas(metadata_version)) {
    if (!p.eligible_leader_replicas.empty()) r.eligible_leader_replicas = p.eligible_leader_replicas;
    if (!p.last_known_eligible_leader_replicas.empty()) r.last_known_elr = p.last_known_eligible_leader_replicas;
  }
  return encode_record(r, partition_record_version(metadata_version));
}

std::vector<shared_bytes> image_records(const image& from) {
  record_list out;
  write_features(from, out);
  write_cluster(from, out);
  write_topics(from, out);
  write_configs(from, out);
  write_quotas(from, out);
  write_producer_ids(from, out);
  write_acls(from, out);
  write_scram(from, out);
  write_tokens(from, out);
  return out;
}

made_snapshot make_snapshot(const image& from, const raft::control_state& control, std::int64_t now_ms) {
  made_snapshot out;
  out.id = {.end_offset = from.provenance.last_offset + 1, .epoch = from.provenance.last_epoch};
  raft::snapshot_header header{.id = out.id,
                               .last_contained_log_timestamp_ms = from.provenance.last_timestamp_ms,
                               .kraft_version = control.kraft_version};
  if (control.kraft_version > 0) header.voters = control.voters;
  raft::snapshot_writer writer(header, now_ms);
  writer.append(image_records(from));
  out.file = writer.finish();
  return out;
}

}  // namespace moldau::metadata
