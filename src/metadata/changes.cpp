#include "metadata/changes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "metadata/records.hpp"
#include "wire/metadata/abort_transaction_record.hpp"
#include "wire/metadata/access_control_entry_record.hpp"
#include "wire/metadata/begin_transaction_record.hpp"
#include "wire/metadata/broker_registration_change_record.hpp"
#include "wire/metadata/clear_elr_record.hpp"
#include "wire/metadata/client_quota_record.hpp"
#include "wire/metadata/config_record.hpp"
#include "wire/metadata/delegation_token_record.hpp"
#include "wire/metadata/end_transaction_record.hpp"
#include "wire/metadata/feature_level_record.hpp"
#include "wire/metadata/fence_broker_record.hpp"
#include "wire/metadata/no_op_record.hpp"
#include "wire/metadata/partition_change_record.hpp"
#include "wire/metadata/partition_record.hpp"
#include "wire/metadata/producer_ids_record.hpp"
#include "wire/metadata/register_broker_record.hpp"
#include "wire/metadata/register_controller_record.hpp"
#include "wire/metadata/remove_access_control_entry_record.hpp"
#include "wire/metadata/remove_delegation_token_record.hpp"
#include "wire/metadata/remove_topic_record.hpp"
#include "wire/metadata/remove_user_scram_credential_record.hpp"
#include "wire/metadata/topic_record.hpp"
#include "wire/metadata/unfence_broker_record.hpp"
#include "wire/metadata/unregister_broker_record.hpp"
#include "wire/metadata/user_scram_credential_record.hpp"
#include "wire/metadata/zk_migration_state_record.hpp"
#include "wire/reader.hpp"

namespace moldau::metadata {

namespace {

namespace records = wire::metadata;

std::unexpected<error> unknown_topic(const topic_id& id) {
  return fail(errc::malformed,
              fmt::format("the metadata log speaks of topic id {}, which it never created", id.to_string()));
}
std::unexpected<error> unknown_broker(broker_id id) {
  return fail(errc::malformed,
              fmt::format("the metadata log speaks of broker {}, which it never registered", id.value()));
}

template <typename Listeners>
std::vector<listener> listeners_of(const Listeners& from) {
  std::vector<listener> out;
  for (const auto& e : from) {
    out.push_back({.name = std::string(e.name),
                   .host = std::string(e.host),
                   .port = e.port,
                   .security_protocol = e.security_protocol});
  }
  return out;
}

template <typename Features>
feature_ranges features_of(const Features& from) {
  feature_ranges out;
  for (const auto& f : from) {
    out.insert_or_assign(std::string(f.name),
                         version_range{.min = f.min_supported_version, .max = f.max_supported_version});
  }
  return out;
}

std::string owned(bytes_view bytes) {
  return std::string(as_text(bytes));
}

/// One overload a record type: what it does to the image.
class applier {
 public:
  applier(image& to, image_changes& changes) : image_(to), changes_(changes) {}

  result<void> operator()(const records::register_broker_record& r) {
    auto to = std::make_shared<broker_registration>();
    to->id = r.broker_id;
    to->epoch = r.broker_epoch;
    to->incarnation = r.incarnation_id;
    to->listeners = listeners_of(r.end_points);
    to->features = features_of(r.features);
    if (r.rack) to->rack = std::string(*r.rack);
    to->fenced = r.fenced;
    to->in_controlled_shutdown = r.in_controlled_shutdown;
    to->is_migrating_zk_broker = r.is_migrating_zk_broker;
    to->directories = r.log_dirs;
    to->cordoned_directories = r.cordoned_log_dirs;
    image_.brokers.edit().insert_or_assign(r.broker_id, std::move(to));
    changes_.brokers.insert(r.broker_id);
    return {};
  }
  result<void> operator()(const records::unregister_broker_record& r) {
    if (image_.brokers.edit().erase(r.broker_id) == 0) return unknown_broker(r.broker_id);
    changes_.brokers.insert(r.broker_id);
    return {};
  }
  result<void> operator()(const records::fence_broker_record& r) {
    return edit_broker(r.id, [](broker_registration& b) { b.fenced = true; });
  }
  result<void> operator()(const records::unfence_broker_record& r) {
    return edit_broker(r.id, [](broker_registration& b) { b.fenced = false; });
  }
  result<void> operator()(const records::broker_registration_change_record& r) {
    return edit_broker(r.broker_id, [&](broker_registration& b) {
      if (r.fenced != 0) b.fenced = r.fenced > 0;
      if (r.in_controlled_shutdown != 0) b.in_controlled_shutdown = r.in_controlled_shutdown > 0;
      if (!r.log_dirs.empty()) b.directories = r.log_dirs;
      if (r.cordoned_log_dirs) b.cordoned_directories = r.cordoned_log_dirs;
    });
  }
  result<void> operator()(const records::register_controller_record& r) {
    auto to = std::make_shared<controller_registration>();
    to->id = r.controller_id;
    to->incarnation = r.incarnation_id;
    to->zk_migration_ready = r.zk_migration_ready;
    to->listeners = listeners_of(r.end_points);
    to->features = features_of(r.features);
    image_.controllers.edit().insert_or_assign(r.controller_id, std::move(to));
    changes_.controllers.insert(r.controller_id);
    return {};
  }

  result<void> operator()(const records::topic_record& r) {
    if (image_.find_topic(r.name) != nullptr || image_.find_topic(r.topic_id) != nullptr) {
      return fail(errc::malformed, fmt::format("the metadata log creates topic {} with id {}, one of which is there",
                                               r.name, r.topic_id.to_string()));
    }
    auto to = std::make_shared<topic>();
    to->name = std::string(r.name);
    to->id = r.topic_id;
    changes_.topics_created.insert_or_assign(r.topic_id, to->name);
    image_.add_topic(std::move(to));
    return {};
  }
  result<void> operator()(const records::remove_topic_record& r) {
    const topic* found = image_.find_topic(r.topic_id);
    if (found == nullptr) return unknown_topic(r.topic_id);
    const std::string name = found->name;
    if (!image_.config_of(config_resource_type::topic, name).empty()) {
      changes_.configs.insert({.type = config_resource_type::topic, .name = name});
    }
    image_.remove_topic(r.topic_id);
    changes_.partitions.erase(r.topic_id);
    if (changes_.topics_created.erase(r.topic_id) == 0) changes_.topics_deleted.insert_or_assign(r.topic_id, name);
    return {};
  }
  result<void> operator()(const records::partition_record& r) {
    auto to = std::make_shared<partition>();
    to->id = r.partition_id;
    to->replicas = r.replicas;
    to->directories = r.directories;
    // Before KIP-858 a record holds none.
    to->directories.resize(r.replicas.size(), migrating_directory);
    to->isr = r.isr;
    to->removing_replicas = r.removing_replicas;
    to->adding_replicas = r.adding_replicas;
    if (r.eligible_leader_replicas) to->eligible_leader_replicas = *r.eligible_leader_replicas;
    if (r.last_known_elr) to->last_known_eligible_leader_replicas = *r.last_known_elr;
    to->leader = r.leader;
    to->recovering = r.leader_recovery_state != 0;
    to->leader_epoch = r.leader_epoch;
    to->partition_epoch = r.partition_epoch;
    return set_partition(r.topic_id, std::move(to));
  }
  result<void> operator()(const records::partition_change_record& r) {
    const topic* found = image_.find_topic(r.topic_id);
    if (found == nullptr) return unknown_topic(r.topic_id);
    const partition* before = found->find(r.partition_id);
    if (before == nullptr) {
      return fail(errc::malformed, fmt::format("the metadata log changes partition {}-{}, which it never created",
                                               found->name, r.partition_id.value()));
    }
    const bool new_leader = r.leader != no_leader_change;
    constexpr auto last_epoch = std::numeric_limits<std::int32_t>::max();
    if (before->partition_epoch == last_epoch || (new_leader && before->leader_epoch.value() == last_epoch)) {
      return fail(errc::malformed, fmt::format("the metadata log changes partition {}-{} behind its last epoch",
                                               found->name, r.partition_id.value()));
    }
    auto to = std::make_shared<partition>(*before);
    if (r.replicas) {
      // Directories follow their replicas unless the record brings its own.
      to->replicas = *r.replicas;
      to->directories.clear();
      for (const broker_id replica : to->replicas) to->directories.push_back(before->directory_of(replica));
    }
    if (r.directories) {
      to->directories = *r.directories;
      to->directories.resize(to->replicas.size());
    }
    if (r.isr) to->isr = *r.isr;
    if (r.removing_replicas) to->removing_replicas = *r.removing_replicas;
    if (r.adding_replicas) to->adding_replicas = *r.adding_replicas;
    if (r.eligible_leader_replicas) to->eligible_leader_replicas = *r.eligible_leader_replicas;
    if (r.last_known_elr) to->last_known_eligible_leader_replicas = *r.last_known_elr;
    if (r.leader_recovery_state >= 0) to->recovering = r.leader_recovery_state != 0;
    if (new_leader) {
      to->leader = r.leader;
      ++to->leader_epoch;
    }
    ++to->partition_epoch;
    return set_partition(r.topic_id, std::move(to));
  }
  result<void> operator()(const records::clear_elr_record& r) {
    std::vector<topic_id> cleared;
    if (r.topic_name.empty()) {
      image_.topics.for_each([&](const topic_id& id, const auto&) { cleared.push_back(id); });
    } else {
      const topic* found = image_.find_topic(r.topic_name);
      if (found == nullptr) {
        return fail(errc::malformed,
                    fmt::format("the metadata log speaks of topic {}, which it never created", r.topic_name));
      }
      cleared.push_back(found->id);
    }
    for (const topic_id& id : cleared) clear_elr(id);
    return {};
  }

  result<void> operator()(const records::config_record& r) {
    const config_resource resource{.type = static_cast<config_resource_type>(r.resource_type),
                                   .name = std::string(r.resource_name)};
    const auto* before = image_.configs.find(resource);
    auto to = before == nullptr ? std::make_shared<config_map>() : std::make_shared<config_map>(**before);
    if (r.value) {
      to->insert_or_assign(std::string(r.name), std::string(*r.value));
    } else if (const auto it = to->find(r.name); it != to->end()) {
      to->erase(it);
    }
    if (to->empty()) {
      image_.configs.erase(resource);
    } else {
      image_.configs.set(resource, std::move(to));
    }
    changes_.configs.insert(resource);
    return {};
  }
  result<void> operator()(const records::feature_level_record& r) {
    if (r.feature_level == 0) {
      auto& features = image_.features.edit();
      if (const auto it = features.find(r.name); it != features.end()) features.erase(it);
    } else {
      image_.features.edit().insert_or_assign(std::string(r.name), r.feature_level);
    }
    changes_.features = true;
    return {};
  }
  result<void> operator()(const records::client_quota_record& r) {
    quota_entity entity;
    for (const auto& e : r.entity) {
      entity.insert_or_assign(std::string(e.entity_type),
                              e.entity_name ? std::optional(std::string(*e.entity_name)) : std::nullopt);
    }
    auto& all = image_.client_quotas.edit();
    if (r.remove) {
      if (const auto it = all.find(entity); it != all.end()) {
        it->second.erase(std::string(r.key));
        if (it->second.empty()) all.erase(it);
      }
    } else {
      all[entity].insert_or_assign(std::string(r.key), r.value);
    }
    changes_.client_quotas = true;
    return {};
  }
  result<void> operator()(const records::producer_ids_record& r) {
    image_.next_producer_id = r.next_producer_id;
    changes_.producer_ids = true;
    return {};
  }
  result<void> operator()(const records::access_control_entry_record& r) {
    image_.acls.edit().insert_or_assign(r.id, acl{.resource_type = r.resource_type,
                                                  .resource_name = std::string(r.resource_name),
                                                  .pattern_type = r.pattern_type,
                                                  .principal = std::string(r.principal),
                                                  .host = std::string(r.host),
                                                  .operation = r.operation,
                                                  .permission = r.permission_type});
    changes_.acls = true;
    return {};
  }
  result<void> operator()(const records::remove_access_control_entry_record& r) {
    if (image_.acls.edit().erase(r.id) == 0) {
      return fail(errc::malformed,
                  fmt::format("the metadata log removes ACL {}, which it never created", r.id.to_string()));
    }
    changes_.acls = true;
    return {};
  }
  result<void> operator()(const records::user_scram_credential_record& r) {
    image_.scram.edit()[r.mechanism].insert_or_assign(std::string(r.name),
                                                      scram_credential{.salt = owned(r.salt),
                                                                       .stored_key = owned(r.stored_key),
                                                                       .server_key = owned(r.server_key),
                                                                       .iterations = r.iterations});
    changes_.scram = true;
    return {};
  }
  result<void> operator()(const records::remove_user_scram_credential_record& r) {
    auto& all = image_.scram.edit();
    if (const auto users = all.find(r.mechanism); users != all.end()) {
      if (const auto it = users->second.find(r.name); it != users->second.end()) users->second.erase(it);
      if (users->second.empty()) all.erase(users);
    }
    changes_.scram = true;
    return {};
  }
  result<void> operator()(const records::delegation_token_record& r) {
    delegation_token to{.id = std::string(r.token_id),
                        .owner = std::string(r.owner),
                        .requester = std::string(r.requester),
                        .issued_ms = r.issue_timestamp,
                        .max_ms = r.max_timestamp,
                        .expires_ms = r.expiration_timestamp};
    for (const auto& renewer : r.renewers) to.renewers.emplace_back(renewer);
    image_.delegation_tokens.edit().insert_or_assign(to.id, to);
    changes_.delegation_tokens = true;
    return {};
  }
  result<void> operator()(const records::remove_delegation_token_record& r) {
    image_.delegation_tokens.edit().erase(std::string(r.token_id));
    changes_.delegation_tokens = true;
    return {};
  }
  // The loader acts on these; to the state they mean nothing. Kafka 4 ignores the migration's state as well.
  result<void> operator()(const records::no_op_record&) { return {}; }
  result<void> operator()(const records::begin_transaction_record&) { return {}; }
  result<void> operator()(const records::end_transaction_record&) { return {}; }
  result<void> operator()(const records::abort_transaction_record&) { return {}; }
  result<void> operator()(const records::zk_migration_state_record&) { return {}; }

 private:
  /// What a PartitionChangeRecord holds when the leader stays, epoch included.
  static constexpr broker_id no_leader_change{-2};

  template <typename F>
  result<void> edit_broker(broker_id id, F&& change) {
    auto& all = image_.brokers.edit();
    const auto it = all.find(id);
    if (it == all.end()) return unknown_broker(id);
    auto to = std::make_shared<broker_registration>(*it->second);
    change(*to);
    it->second = std::move(to);
    changes_.brokers.insert(id);
    return {};
  }

  result<void> set_partition(const topic_id& id, std::shared_ptr<const partition> p) {
    if (p->id.value() < 0) return fail(errc::malformed, "the metadata log holds a partition with a negative number");
    topic* to = image_.edit_topic(id);
    if (to == nullptr) return unknown_topic(id);
    const auto at = std::ranges::lower_bound(to->partitions, p->id, {}, [](const auto& q) { return q->id; });
    changes_.partitions[id].insert(p->id);
    if (at != to->partitions.end() && (*at)->id == p->id) {
      *at = std::move(p);
    } else {
      to->partitions.insert(at, std::move(p));
    }
    return {};
  }

  void clear_elr(const topic_id& id) {
    const auto has_elr = [](const auto& p) {
      return !p->eligible_leader_replicas.empty() || !p->last_known_eligible_leader_replicas.empty();
    };
    if (std::ranges::none_of(image_.find_topic(id)->partitions, has_elr)) return;
    for (auto& p : image_.edit_topic(id)->partitions) {
      if (!has_elr(p)) continue;
      auto cleared = std::make_shared<partition>(*p);
      cleared->eligible_leader_replicas.clear();
      cleared->last_known_eligible_leader_replicas.clear();
      p = std::move(cleared);
      changes_.partitions[id].insert(p->id);
    }
  }

  image& image_;
  image_changes& changes_;
};

template <typename Record>
result<void> apply_as(applier& to, bytes_view fields, std::int16_t version) {
  if (version < Record::min_version || version > Record::max_version) {
    return fail(errc::unsupported_version,
                fmt::format("a metadata record of type {} has version {}, and only {} to {} are known here: a newer "
                            "Kafka wrote it",
                            static_cast<int>(Record::type_id), version, Record::min_version, Record::max_version));
  }
  wire::reader from(fields);
  MOLDAU_TRY_ASSIGN(const Record record, Record::decode(from, version));
  if (from.remaining() != 0) {
    return fail(errc::malformed, fmt::format("a metadata record of type {} has {} bytes too many",
                                             static_cast<int>(Record::type_id), from.remaining()));
  }
  return to(record);
}

/// Finds the record type among `Records` by its id.
template <typename... Records>
result<void> dispatch(applier& to, bytes_view fields, record_head head) {
  result<void> out =
      fail(errc::unsupported_version,
           fmt::format("a metadata record has type {}, which isn't known here: a newer Kafka wrote it", head.type));
  const auto attempt = [&]<typename Record>() {
    if (head.type != static_cast<std::uint32_t>(Record::type_id)) return false;
    out = apply_as<Record>(to, fields, head.version);
    return true;
  };
  static_cast<void>((attempt.template operator()<Records>() || ...));
  return out;
}

}  // namespace

bool image_changes::empty() const {
  return !features && brokers.empty() && controllers.empty() && topics_created.empty() && topics_deleted.empty() &&
         partitions.empty() && configs.empty() && !client_quotas && !scram && !acls && !delegation_tokens &&
         !producer_ids;
}

result<void> apply_record(image& to, bytes_view record, image_changes* changes) {
  MOLDAU_TRY_ASSIGN(const record_head head, take_record_head(record));
  image_changes ignored;
  applier apply(to, changes != nullptr ? *changes : ignored);
  return dispatch<records::partition_record, records::partition_change_record, records::topic_record,
                  records::config_record, records::broker_registration_change_record, records::register_broker_record,
                  records::no_op_record, records::remove_topic_record, records::producer_ids_record,
                  records::feature_level_record, records::register_controller_record, records::unregister_broker_record,
                  records::fence_broker_record, records::unfence_broker_record, records::client_quota_record,
                  records::access_control_entry_record, records::remove_access_control_entry_record,
                  records::user_scram_credential_record, records::remove_user_scram_credential_record,
                  records::delegation_token_record, records::remove_delegation_token_record, records::clear_elr_record,
                  records::begin_transaction_record, records::end_transaction_record, records::abort_transaction_record,
                  records::zk_migration_state_record>(apply, record, head);
}

}  // namespace moldau::metadata
