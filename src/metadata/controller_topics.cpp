#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>
#include <set>

#include "base/topic_name.hpp"
#include "config/topic_config.hpp"
#include "metadata/controller.hpp"
#include "metadata/partition_records.hpp"
#include "metadata/placement.hpp"
#include "metadata/records.hpp"
#include "wire/arena.hpp"
#include "wire/metadata/clear_elr_record.hpp"
#include "wire/metadata/config_record.hpp"
#include "wire/metadata/remove_topic_record.hpp"
#include "wire/metadata/topic_record.hpp"
#include "wire/protocol/create_partitions_request.hpp"
#include "wire/protocol/create_partitions_response.hpp"
#include "wire/protocol/create_topics_request.hpp"
#include "wire/protocol/create_topics_response.hpp"
#include "wire/protocol/delete_topics_request.hpp"
#include "wire/protocol/delete_topics_response.hpp"

namespace moldau::metadata {

namespace {

/// Kafka's bound for what one request may write (`QuorumController.MAX_RECORDS_PER_USER_OP`).
constexpr std::size_t max_records_per_request = 10'000;
/// KAFKA-17870: a request for more, over all of its topics, is refused as a whole before anything is placed.
constexpr std::int64_t max_partitions_per_request = 10'000;
constexpr std::string_view too_many_partitions = "Excessively large number of partitions per request.";
constexpr std::string_view unknown_topic = "This server does not host this topic-partition.";
constexpr std::string_view unknown_id = "This server does not host this topic ID.";

/// Metrics write '.' as '_': two names that differ only there are one.
std::string unified(std::string_view name) {
  std::string out(name);
  std::ranges::replace(out, '.', '_');
  return out;
}
bool may_collide(std::string_view name) {
  return name.find_first_of("._") != std::string_view::npos;
}

std::optional<std::string> colliding(const image& in, std::string_view name) {
  if (!may_collide(name)) return std::nullopt;
  const std::string wanted = unified(name);
  std::optional<std::string> found;
  in.topic_ids.for_each([&](const std::string& other, const topic_id&) {
    if (!found && may_collide(other) && unified(other) == wanted) found = other;
  });
  return found;
}

partition partition_of(partition_id id, const std::vector<broker_id>& replicas, const image& in) {
  partition out{.id = id, .replicas = replicas};
  for (const broker_id replica : replicas) {
    const broker_registration* broker = in.find_broker(replica);
    const auto& directories = broker->directories;
    out.directories.push_back(directories.empty()       ? migrating_directory
                              : directories.size() == 1 ? directories[0]
                                                        : unassigned_directory);
    if (broker->active()) out.isr.push_back(replica);
  }
  if (!out.isr.empty()) out.leader = out.isr[0];
  return out;
}

/// How many partitions a request asks for, counting those of names that stand there twice too.
std::int64_t asked_partitions(const wire::protocol::create_topics_request& request, std::int32_t default_count) {
  std::int64_t out = 0;
  for (const auto& topic : request.topics) {
    if (!topic.assignments.empty()) {
      out += static_cast<std::int64_t>(topic.assignments.size());
    } else if (topic.num_partitions == -1) {
      out += default_count;
    } else if (topic.num_partitions > 0) {
      out += topic.num_partitions;
    }
  }
  return out;
}

std::optional<std::string_view> message_of(const error& e, wire::arena& arena) {
  return e.message.empty() ? std::nullopt : std::optional(arena.store(std::string_view(e.message)));
}

/// Answers a request that makes topics or widens them: each name once, with what `plan` makes of it, unless it stands
/// there twice or all records together would be too many. `plan` is told how many more there may be, so that it makes
/// none of what is too much. `accept` completes the answer.
void answer_each(const auto& asked_topics, auto& answers, std::vector<shared_bytes>& records, wire::arena& arena,
                 auto records_of, auto plan, auto accept) {
  std::map<std::string_view, std::size_t> times;
  for (const auto& asked : asked_topics) ++times[asked.name];
  std::set<std::string_view> answered;
  for (const auto& asked : asked_topics) {
    if (!answered.insert(asked.name).second) continue;
    auto& out = answers.emplace_back();
    out.name = arena.store(asked.name);
    out.error_message.reset();
    const std::size_t room = max_records_per_request - records.size();
    using planned_type = decltype(plan(asked, room));
    planned_type planned =
        times[asked.name] > 1 ? planned_type(fail(errc::invalid_request, "Duplicate topic name.")) : plan(asked, room);
    if (planned && std::invoke(records_of, *planned).size() > room) {
      planned = fail(errc::policy_violation, std::string(too_many_partitions));
    }
    if (!planned) {
      out.error_code = planned.error().code;
      out.error_message = message_of(planned.error(), arena);
      continue;
    }
    accept(*planned, out);
    const std::vector<shared_bytes>& added = std::invoke(records_of, *planned);
    records.insert(records.end(), added.begin(), added.end());
  }
}

}  // namespace

/// A topic that is to be, with all that makes it.
struct controller::new_topic {
  topic_id id;
  std::vector<partition> partitions;
  config_map configs;
  record_list records;
};

result<void> controller::check_manual_assignment(const std::vector<broker_id>& replicas,
                                                 std::optional<std::size_t> replication_factor) const {
  const auto bad = [](std::string message) { return fail(errc::invalid_replica_assignment, std::move(message)); };
  if (replicas.empty()) return bad("The manual partition assignment includes an empty replica list.");
  auto sorted = replicas;
  std::ranges::sort(sorted);
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    if (latest_.find_broker(sorted[i]) == nullptr) {
      return bad(fmt::format("The manual partition assignment includes broker {}, but no such broker is registered.",
                             sorted[i].value()));
    }
    if (i > 0 && sorted[i] == sorted[i - 1]) {
      return bad(
          fmt::format("The manual partition assignment includes the broker {} more than once.", sorted[i].value()));
    }
  }
  if (replication_factor && sorted.size() != *replication_factor) {
    return bad(
        fmt::format("The manual partition assignment includes a partition with {} replica(s), but this is not "
                    "consistent with previous partitions, which have {} replica(s).",
                    sorted.size(), *replication_factor));
  }
  return {};
}

result<partition> controller::plan_partition(partition_id id, const std::vector<broker_id>& replicas) const {
  partition out = partition_of(id, replicas, latest_);
  if (out.isr.empty()) {
    return fail(errc::invalid_replica_assignment,
                fmt::format("All brokers specified in the manual partition assignment for partition {} are fenced or "
                            "in controlled shutdown.",
                            id.value()));
  }
  return out;
}

result<std::vector<partition>> controller::plan_partitions(
    const wire::protocol::create_topics_request::creatable_topic& asked, std::size_t room) {
  std::map<partition_id, partition> planned;
  std::vector<partition> out;
  if (!asked.assignments.empty()) {
    if (asked.replication_factor != -1) {
      return fail(errc::invalid_request,
                  "A manual partition assignment was specified, but replication factor was not set to -1.");
    }
    if (asked.num_partitions != -1) {
      return fail(errc::invalid_request,
                  "A manual partition assignment was specified, but numPartitions was not set to -1.");
    }
    std::optional<std::size_t> replication_factor;
    for (const auto& a : asked.assignments) {
      if (planned.contains(a.partition_index)) {
        return fail(
            errc::invalid_replica_assignment,
            fmt::format("Found multiple manual partition assignments for partition {}", a.partition_index.value()));
      }
      MOLDAU_TRY(check_manual_assignment(a.broker_ids, replication_factor));
      replication_factor = a.broker_ids.size();
      MOLDAU_TRY_ASSIGN(partition p, plan_partition(a.partition_index, a.broker_ids));
      planned.emplace(a.partition_index, std::move(p));
    }
    for (auto& [id, p] : planned) {
      if (id.value() != static_cast<std::int32_t>(out.size())) {
        return fail(errc::invalid_replica_assignment, "partitions should be a consecutive 0-based integer sequence");
      }
      out.push_back(std::move(p));
    }
    return out;
  }
  if (asked.replication_factor < -1 || asked.replication_factor == 0) {
    return fail(errc::invalid_replication_factor,
                "Replication factor must be larger than 0, or -1 to use the default value.");
  }
  if (asked.num_partitions < -1 || asked.num_partitions == 0) {
    return fail(errc::invalid_partitions, "Number of partitions was set to an invalid non-positive value.");
  }
  const std::int32_t count =
      asked.num_partitions == -1 ? options_.config->int32("num.partitions") : asked.num_partitions;
  if (static_cast<std::size_t>(count) > room) {
    return fail(errc::policy_violation, std::string(too_many_partitions));
  }
  const std::int32_t replication_factor =
      asked.replication_factor == -1 ? options_.config->int32("default.replication.factor") : asked.replication_factor;
  replica_placer placer(latest_, options_.random);
  for (std::int32_t i = 0; i < count; ++i) {
    auto replicas = placer.place(replication_factor);
    if (!replicas) {
      return fail(errc::invalid_replication_factor, fmt::format("Unable to replicate the partition {} time(s): {}",
                                                                replication_factor, replicas.error().message));
    }
    out.push_back(partition_of(partition_id(i), *replicas, latest_));
    if (out.back().isr.empty()) {
      return fail(errc::invalid_replication_factor,
                  fmt::format("Unable to replicate the partition {} time(s): All brokers are currently fenced or in "
                              "controlled shutdown.",
                              replication_factor));
    }
  }
  return out;
}

result<controller::new_topic> controller::plan_topic(
    const wire::protocol::create_topics_request::creatable_topic& asked, std::size_t room) {
  const std::string name(asked.name);
  if (name == base::metadata_topic) {
    return fail(errc::invalid_request, fmt::format("Creation of internal topic {} is prohibited.", name));
  }
  if (const auto mistake = base::topic_name_mistake(name)) return fail(errc::invalid_topic_exception, *mistake);
  if (latest_.find_topic(name) != nullptr) {
    return fail(errc::topic_already_exists, fmt::format("Topic '{}' already exists.", name));
  }
  if (const auto other = colliding(latest_, name)) {
    return fail(errc::invalid_topic_exception,
                fmt::format("Topic '{}' collides with existing topic: {}", name, *other));
  }
  new_topic out;
  std::string nulls;
  for (const auto& c : asked.configs) {
    if (c.value) {
      out.configs.insert_or_assign(std::string(c.name), std::string(*c.value));
    } else {
      nulls += (nulls.empty() ? "" : ",") + std::string(c.name);
    }
  }
  if (!nulls.empty()) {
    return fail(errc::invalid_config, fmt::format("Null value not supported for topic configs: {}", nulls));
  }
  MOLDAU_TRY(config::validate_topic_config(*options_.config, out.configs));
  MOLDAU_TRY_ASSIGN(out.partitions, plan_partitions(asked, room));
  out.id = random_uuid();

  wire::metadata::topic_record topic_record;
  topic_record.name = name;
  topic_record.topic_id = out.id;
  out.records.push_back(encode_record(topic_record, 0));
  for (const auto& [key, value] : out.configs) {
    wire::metadata::config_record r;
    r.resource_type = static_cast<std::int8_t>(config_resource_type::topic);
    r.resource_name = name;
    r.name = key;
    r.value = value;
    out.records.push_back(encode_record(r, 0));
  }
  if (out.configs.contains("min.insync.replicas") && elr_enabled()) {
    // Has nothing to clear, but Kafka writes it with every change of the minimum.
    wire::metadata::clear_elr_record clear;
    clear.topic_name = name;
    out.records.push_back(encode_record(clear, 0));
  }
  for (const partition& p : out.partitions) {
    out.records.push_back(partition_to_record(out.id, p, metadata_version()));
  }
  return out;
}

outcome<wire::protocol::create_topics_response> controller::create_topics(
    const wire::protocol::create_topics_request& request, std::int64_t now_ms, wire::arena& arena) {
  wire::protocol::create_topics_response response;
  record_list records;
  const auto accept = [&](const new_topic& planned, auto& out) {
    out.topic_id = planned.id;
    out.num_partitions = static_cast<std::int32_t>(planned.partitions.size());
    out.replication_factor = static_cast<std::int16_t>(planned.partitions[0].replicas.size());
    for (const auto& described : config::describe_topic(*options_.config, planned.configs)) {
      auto& c = out.configs->emplace_back();
      c.name = arena.store(described.name);
      c.value.reset();
      if (described.value && !described.sensitive) c.value = arena.store(*described.value);
      c.read_only = described.read_only;
      c.config_source = static_cast<std::int8_t>(described.source);
      c.is_sensitive = described.sensitive;
    }
  };
  const bool too_many =
      asked_partitions(request, options_.config->int32("num.partitions")) > max_partitions_per_request;
  answer_each(
      request.topics, response.topics, records, arena, &new_topic::records,
      [&](const auto& asked, std::size_t room) -> result<new_topic> {
        if (too_many) return fail(errc::policy_violation, std::string(too_many_partitions));
        return plan_topic(asked, room);
      },
      accept);
  if (request.validate_only) records.clear();
  return finish(std::move(response), std::move(records), now_ms);
}

outcome<wire::protocol::delete_topics_response> controller::delete_topics(
    const wire::protocol::delete_topics_request& request, std::int64_t now_ms, wire::arena& arena) {
  wire::protocol::delete_topics_response response;
  record_list records;
  const bool enabled = options_.config->boolean("delete.topic.enable");
  std::map<std::string, int> names;
  std::map<topic_id, int> ids;
  for (const auto name : request.topic_names) ++names[std::string(name)];
  for (const auto& t : request.topics) t.name ? ++names[std::string(*t.name)] : ++ids[t.topic_id];

  const auto answer = [&](const topic* found, std::optional<std::string_view> name, topic_id id, bool duplicate) {
    auto& out = response.responses.emplace_back();
    out.name.reset();
    if (name) out.name = arena.store(*name);
    out.topic_id = id;
    out.error_message.reset();
    const auto refuse = [&](errc code, std::string_view why) {
      out.error_code = code;
      out.error_message = arena.store(why);
    };
    if (duplicate) {
      refuse(errc::invalid_request, name ? "Duplicate topic name in request" : "Duplicate ID in request");
    } else if (found == nullptr) {
      name ? refuse(errc::unknown_topic_or_partition, unknown_topic) : refuse(errc::unknown_topic_id, unknown_id);
    } else if (!enabled) {
      refuse(errc::topic_deletion_disabled, "Topic deletion is disabled.");
    } else {
      out.name = arena.store(found->name);
      out.topic_id = found->id;
      wire::metadata::remove_topic_record r;
      r.topic_id = found->id;
      records.push_back(encode_record(r, 0));
    }
  };
  std::set<topic_id> named;
  for (const auto& [name, times] : names) {
    const topic* found = latest_.find_topic(name);
    if (found != nullptr) named.insert(found->id);
    answer(found, name, found == nullptr ? topic_id{} : found->id, times > 1);
  }
  for (const auto& [id, times] : ids) {
    // Asked for by name and by id: once is enough.
    answer(latest_.find_topic(id), std::nullopt, id, times > 1 || named.contains(id));
  }
  return finish(std::move(response), std::move(records), now_ms);
}

result<controller::record_list> controller::plan_more_partitions(
    const wire::protocol::create_partitions_request::create_partitions_topic& asked, std::size_t room) {
  const topic* found = latest_.find_topic(asked.name);
  if (found == nullptr || found->partitions.empty()) {
    return fail(errc::unknown_topic_or_partition, std::string(unknown_topic));
  }
  const auto present = static_cast<std::int32_t>(found->partitions.size());
  if (asked.count == present) {
    return fail(errc::invalid_partitions, fmt::format("Topic already has {} partition(s).", present));
  }
  if (asked.count < present) {
    return fail(errc::invalid_partitions,
                fmt::format("The topic {} currently has {} partition(s); {} would not be an increase.", asked.name,
                            present, asked.count));
  }
  const std::int32_t additional = asked.count - present;
  if (asked.assignments && asked.assignments->size() != static_cast<std::size_t>(additional)) {
    return fail(errc::invalid_replica_assignment,
                fmt::format("Attempted to add {} additional partition(s), but only {} assignment(s) were specified.",
                            additional, asked.assignments->size()));
  }
  if (static_cast<std::size_t>(additional) > room) {
    return fail(errc::policy_violation, std::string(too_many_partitions));
  }
  const std::size_t replication_factor = found->partitions[0]->replicas.size();
  replica_placer placer(latest_, options_.random);
  record_list out;
  for (std::int32_t i = 0; i < additional; ++i) {
    const partition_id id(present + i);
    partition p;
    if (asked.assignments) {
      const auto& replicas = (*asked.assignments)[static_cast<std::size_t>(i)].broker_ids;
      MOLDAU_TRY(check_manual_assignment(replicas, replication_factor));
      MOLDAU_TRY_ASSIGN(p, plan_partition(id, replicas));
    } else {
      MOLDAU_TRY_ASSIGN(const auto replicas, placer.place(static_cast<std::int32_t>(replication_factor)));
      p = partition_of(id, replicas, latest_);
      if (p.isr.empty()) {
        return fail(errc::invalid_replication_factor,
                    fmt::format("Unable to replicate the partition {} time(s): All brokers are currently fenced or in "
                                "controlled shutdown.",
                                replication_factor));
      }
    }
    out.push_back(partition_to_record(found->id, p, metadata_version()));
  }
  return out;
}

outcome<wire::protocol::create_partitions_response> controller::create_partitions(
    const wire::protocol::create_partitions_request& request, std::int64_t now_ms, wire::arena& arena) {
  wire::protocol::create_partitions_response response;
  record_list records;
  answer_each(
      request.topics, response.results, records, arena, std::identity(),
      [&](const auto& asked, std::size_t room) { return plan_more_partitions(asked, room); },
      [](const record_list&, auto&) {});
  if (request.validate_only) records.clear();
  return finish(std::move(response), std::move(records), now_ms);
}

}  // namespace moldau::metadata
