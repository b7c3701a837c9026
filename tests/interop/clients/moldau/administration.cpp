#include "records.hpp"
#include "talk.hpp"

namespace moldau::interop {

namespace {

using namespace client;

result<void> try_to_create(admin& by, const std::string& topic, std::int32_t partitions,
                           std::map<std::string, std::string> configs = {}) {
  const auto made = by.create_topics({{.name = topic,
                                       .partitions = partitions,
                                       .replication_factor = -1,
                                       .assignments = {},
                                       .configs = std::move(configs)}})
                        .get();
  if (!made) return std::unexpected(made.error());
  return without_values(*made).at(topic);
}

std::string config_value(admin& by, const std::string& topic, const std::string& property) {
  const config_resource of{resource_type::topic, topic};
  const auto described = good(by.describe_configs({of}).get(), "describing configs");
  for (const config_entry& entry : good(described.at(of))) {
    if (entry.name == property) return entry.value.value_or("(null)");
  }
  return "(none)";
}

void topics() {
  auto by = make_admin();
  good(try_to_create(by, "moldau-admin", 2, {{"retention.bytes", "4321"}}), "creating");
  refused(errc::topic_already_exists, try_to_create(by, "moldau-admin", 1));
  refused(errc::invalid_topic_exception, try_to_create(by, "bad name", 1));
  refused(errc::invalid_config, try_to_create(by, "moldau-x", 1, {{"cleanup.policy", "nonsense"}}));
  good(good(by.create_partitions({{"moldau-admin", {.total = 3}}}).get()).at("moldau-admin"), "growing");
  wait_for("three partitions", [&] {
    const auto found = good(by.describe_topics({"moldau-admin"}).get());
    return good(found.at("moldau-admin")).partitions.size() == 3;
  });
  same("config", "4321", config_value(by, "moldau-admin", "retention.bytes"));
  const config_resource of{resource_type::topic, "moldau-admin"};
  const auto changed = good(
      by.alter_configs({{of, {{.name = "retention.bytes", .what = config_change::operation::set, .value = "1234"}}}})
          .get());
  good(changed.at(of), "changing a config");
  wait_for("config is changed", [&] { return config_value(by, "moldau-admin", "retention.bytes") == "1234"; });
}

void offsets() {
  auto by = make_admin();
  const topic_partition at{"moldau-zstd", partition_id(0)};
  const auto listed = [&](offset_spec what) {
    return good(good(by.list_offsets({{at, what}}).get()).at(at), "listing offsets").offset.value();
  };
  same("latest", record_count, listed(offset_spec::latest()));
  same("max timestamp", record_count - 1, listed(offset_spec::max_timestamp()));
  same("by time", 120, listed(offset_spec::at(timestamp_of(120))));
  same("low watermark", 50, good(good(by.delete_records({{at, offset(50)}}).get()).at(at), "deleting").value());
  same("earliest", 50, listed(offset_spec::earliest()));
}

void cluster() {
  auto by = make_admin();
  const auto about = good(by.describe_cluster().get(), "describing the cluster");
  same("nodes", std::size_t{1}, about.nodes.size());
  that(!about.id.empty(), "the cluster has an id");
  const auto quorum = good(by.describe_quorum().get(), "describing the quorum");
  same("voters", std::size_t{1}, quorum.voters.size());
  const auto features = good(by.describe_features().get(), "describing features");
  that(features.features.contains("metadata.version"), "there is a metadata.version");
  const auto directories = good(by.describe_log_dirs().get(), "describing directories");
  same("brokers with directories", std::size_t{1}, directories.size());
  that(!good(directories.begin()->second).empty(), "the broker has a directory");
}

void groups() {
  auto by = make_admin();
  bool is_listed = false;
  for (const auto& group : good(by.list_groups().get(), "listing groups")) {
    is_listed = is_listed || group.id == "moldau-range";
  }
  that(is_listed, "the group is listed");
  const topic_partition at{"moldau-range", partition_id(0)};
  good(good(by.alter_group_offsets("moldau-range", {{at, {.offset = offset(7), .metadata = "m"}}}).get()).at(at),
       "altering offsets");
  const auto kept = good(by.group_offsets("moldau-range").get());
  same("altered offset", 7, kept.at(at).offset.value());
  good(good(by.delete_group_offsets("moldau-range", {at}).get()).at(at), "deleting offsets");
  that(!good(by.group_offsets("moldau-range").get()).contains(at), "the offset is gone");
  good(good(by.delete_groups({"moldau-range"}).get()).at("moldau-range"), "deleting the group");
  refused(errc::group_id_not_found, good(by.delete_groups({"moldau-range"}).get()).at("moldau-range"));
}

void deletion() {
  auto by = make_admin();
  good(good(by.delete_topics({"moldau-gzip"}).get()).at("moldau-gzip"), "deleting");
  wait_for("the topic is gone", [&] {
    for (const auto& topic : good(by.list_topics().get())) {
      if (topic.name == "moldau-gzip") return false;
    }
    return true;
  });
  refused(errc::unknown_topic_or_partition, good(by.delete_topics({"moldau-gzip"}).get()).at("moldau-gzip"));
}

}  // namespace

void check_administration() {
  check("admin: topics and configs", topics);
  check("admin: offsets", offsets);
  check("admin: cluster", cluster);
  check("admin: groups", groups);
  check("delete topic", deletion);
}

}  // namespace moldau::interop
