#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "cli/mirror.hpp"
#include "cli/suggest.hpp"

namespace moldau::cli::mirroring {

namespace {

/// Properties that a copy doesn't take over: they would change or refuse what is copied, or belong to the brokers.
bool stays_behind(std::string_view property) {
  return property == "message.timestamp.type" || property == "message.timestamp.before.max.ms" ||
         property == "message.timestamp.after.max.ms" || property == "message.timestamp.difference.max.ms" ||
         property == "leader.replication.throttled.replicas" || property == "follower.replication.throttled.replicas";
}

result<std::vector<std::regex>> compiled(const std::vector<std::string>& patterns) {
  std::vector<std::regex> out;
  for (const std::string& pattern : patterns) {
    try {
      out.emplace_back(pattern);
    } catch (const std::regex_error& why) {
      return fail(errc::invalid_argument, fmt::format("'{}' is no regular expression: {}", pattern, why.what()));
    }
  }
  return out;
}

bool any_matches(const std::vector<std::regex>& of, const std::string& name) {
  return std::ranges::any_of(of, [&](const std::regex& pattern) { return std::regex_match(name, pattern); });
}

result<std::map<std::string, std::string>> own_configs(client::admin& of, const std::string& topic) {
  const client::config_resource resource{client::resource_type::topic, topic};
  MOLDAU_TRY_ASSIGN(const auto described, of.describe_configs({resource}).get());
  MOLDAU_TRY_ASSIGN(const auto entries, described.at(resource));
  std::map<std::string, std::string> out;
  for (const client::config_entry& entry : entries) {
    if (entry.source == client::config_source::topic && entry.value && !stays_behind(entry.name)) {
      out[entry.name] = *entry.value;
    }
  }
  return out;
}

}  // namespace

void note(std::string_view sentence) {
  fmt::print(stderr, "moldau: {}\n", sentence);
}

result<side> side::connect(const context& in, const std::string& servers,
                           const std::vector<std::string>& own_properties) {
  MOLDAU_TRY_ASSIGN(auto properties, in.client_properties());
  MOLDAU_TRY_ASSIGN(const auto own, parse_pairs(own_properties));
  for (const auto& [name, value] : own) properties[name] = value;
  properties["bootstrap.servers"] = servers;
  MOLDAU_TRY_ASSIGN(auto options, client::client_options::from_properties(properties));
  MOLDAU_TRY_ASSIGN(auto admin, client::admin::make(std::move(options)));
  auto about = admin.describe_cluster().get();
  if (!about) return fail(about.error().code, fmt::format("{}: {}", servers, about.error().message));
  return side{.properties = std::move(properties),
              .admin = std::move(admin),
              .cluster_id = about->id,
              .brokers = about->nodes.size()};
}

result<selection> selection::make(const mirror_arguments& told) {
  if (told.topics.empty() && told.patterns.empty()) {
    return fail(errc::invalid_argument, "say which topics: --topic NAME, or --regex '.*' for all");
  }
  selection out;
  out.told_ = &told;
  MOLDAU_TRY_ASSIGN(out.patterns_, compiled(told.patterns));
  MOLDAU_TRY_ASSIGN(out.excluded_, compiled(told.excluded));
  return out;
}

result<std::vector<std::string>> selection::names(client::admin& source) const {
  MOLDAU_TRY_ASSIGN(const auto all, source.list_topics().get());
  std::set<std::string> out;
  std::vector<std::string> known;
  for (const client::listed_topic& topic : all) {
    known.push_back(topic.name);
    const bool named = std::ranges::find(told_->topics, topic.name) != told_->topics.end();
    if (topic.is_internal) {
      if (named) {
        return fail(errc::invalid_argument,
                    fmt::format("'{}' belongs to its cluster's brokers: it can't be copied", topic.name));
      }
      continue;
    }
    if (named || (any_matches(patterns_, topic.name) && !any_matches(excluded_, topic.name))) out.insert(topic.name);
  }
  for (const std::string& name : told_->topics) {
    if (out.contains(name)) continue;
    const std::string near = nearest(name, known);
    return fail(errc::unknown_topic_or_partition,
                fmt::format("there is no topic '{}' at the source{}", name,
                            near.empty() ? "" : fmt::format("; did you mean '{}'?", near)));
  }
  return std::vector<std::string>(out.begin(), out.end());
}

result<void> selection::make_missing(side& source, side& destination, std::vector<copied_topic>& all,
                                     const std::map<std::string, std::size_t>& replicas) const {
  std::vector<std::string> targets;
  for (const copied_topic& topic : all) targets.push_back(topic.target);
  MOLDAU_TRY_ASSIGN(const auto there, destination.admin.describe_topics(targets).get());
  std::vector<client::new_topic> missing;
  std::map<std::string, client::new_partitions> growing;
  for (const copied_topic& topic : all) {
    const auto& found = there.at(topic.target);
    if (found) {
      if (found->partitions.size() < topic.partitions) {
        growing[topic.target] = {.total = static_cast<std::int32_t>(topic.partitions), .assignments = {}};
        note(fmt::format("'{}' grows from {} to {} partitions", topic.target, found->partitions.size(),
                         topic.partitions));
      }
      continue;
    }
    if (found.error().code != errc::unknown_topic_or_partition) return std::unexpected(found.error());
    MOLDAU_TRY_ASSIGN(auto configs, own_configs(source.admin, topic.source));
    const auto copies = std::min(replicas.at(topic.source), destination.brokers);
    missing.push_back({.name = topic.target,
                       .partitions = static_cast<std::int32_t>(topic.partitions),
                       .replication_factor = told_->replication_factor.value_or(static_cast<std::int16_t>(copies)),
                       .assignments = {},
                       .configs = std::move(configs)});
  }
  const auto check = [](const client::outcomes<std::string>& done, errc forgiven) -> result<void> {
    for (const auto& [name, outcome] : done) {
      if (outcome || outcome.error().code == forgiven) continue;
      return fail(outcome.error().code, fmt::format("making '{}': {}", name, outcome.error().message));
    }
    return {};
  };
  if (!missing.empty()) {
    MOLDAU_TRY_ASSIGN(const auto made, destination.admin.create_topics(std::move(missing)).get());
    MOLDAU_TRY(check(client::without_values(made), errc::topic_already_exists));
  }
  if (!growing.empty()) {
    MOLDAU_TRY_ASSIGN(const auto grown, destination.admin.create_partitions(std::move(growing)).get());
    MOLDAU_TRY(check(grown, errc::none));
  }
  return {};
}

result<std::vector<copied_topic>> selection::prepare(side& source, side& destination) const {
  MOLDAU_TRY_ASSIGN(const auto chosen, names(source.admin));
  if (source.cluster_id == destination.cluster_id && told_->prefix.empty()) {
    return fail(
        errc::invalid_argument,
        fmt::format("source and destination are the same cluster ({}): the copies need a --prefix", source.cluster_id));
  }
  std::vector<copied_topic> out;
  if (chosen.empty()) return out;
  std::map<std::string, std::size_t> replicas;
  MOLDAU_TRY_ASSIGN(const auto described, source.admin.describe_topics(chosen).get());
  for (const auto& [name, about] : described) {
    // A topic may have gone since it was listed.
    if (!about && about.error().code == errc::unknown_topic_or_partition) continue;
    if (!about) return std::unexpected(about.error());
    // Within one cluster a copy must not be copied again.
    if (source.cluster_id == destination.cluster_id && name.starts_with(told_->prefix) &&
        std::ranges::find(told_->topics, name) == told_->topics.end()) {
      continue;
    }
    replicas[name] = about->partitions.empty() ? 1 : about->partitions.front().replicas.size();
    out.push_back({.source = name,
                   .source_id = about->id,
                   .target = told_->prefix + name,
                   .partitions = about->partitions.size()});
  }
  MOLDAU_TRY(make_missing(source, destination, out, replicas));
  return out;
}

}  // namespace moldau::cli::mirroring
