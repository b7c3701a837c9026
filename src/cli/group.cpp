#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "cli/commands.hpp"
#include "cli/json_text.hpp"
#include "cli/suggest.hpp"
#include "cli/table.hpp"
#include "cli/timestamps.hpp"
#include "moldau/client/admin.hpp"

namespace moldau::cli {

namespace {

using offsets_by_partition = std::map<topic_partition, offset>;

result<client::admin> connect(const context& in) {
  MOLDAU_TRY_ASSIGN(auto options, in.client_options());
  return client::admin::make(std::move(options));
}

/// One row of what a group has read and what is left.
struct progress_row {
  topic_partition partition;
  std::optional<offset> committed;
  std::optional<offset> end;
  const client::group_member_info* member = nullptr;

  [[nodiscard]] std::optional<std::int64_t> lag() const {
    if (!committed || !end) return std::nullopt;
    return std::max<std::int64_t>(0, *end - *committed);
  }
};

result<std::vector<progress_row>> progress_of(client::admin& admin, const client::described_group& group) {
  MOLDAU_TRY_ASSIGN(const auto committed, admin.group_offsets(group.id).get());
  std::map<topic_partition, progress_row> rows;
  for (const auto& [partition, at] : committed) rows[partition] = {.partition = partition, .committed = at.offset};
  for (const auto& member : group.members) {
    for (const topic_partition& partition : member.assignment) {
      rows[partition].partition = partition;
      rows[partition].member = &member;
    }
  }
  std::map<topic_partition, client::offset_spec> ends;
  for (const auto& [partition, row] : rows) ends[partition] = client::offset_spec::latest();
  if (!ends.empty()) {
    MOLDAU_TRY_ASSIGN(const auto listed, admin.list_offsets(std::move(ends)).get());
    for (const auto& [partition, at] : listed) {
      if (at) rows[partition].end = at->offset;
    }
  }
  std::vector<progress_row> out;
  for (auto& [partition, row] : rows) out.push_back(std::move(row));
  return out;
}

template <typename T>
std::string or_dash(const std::optional<T>& value) {
  if constexpr (std::is_same_v<T, offset>) {
    return value ? std::to_string(value->value()) : "-";
  } else {
    return value ? std::to_string(*value) : "-";
  }
}

json group_json(const client::described_group& group, const std::vector<progress_row>& rows) {
  json out = {{"group", group.id},          {"state", group.state},
              {"protocol", group.protocol}, {"coordinator", group.coordinator.value()},
              {"members", json::array()},   {"partitions", json::array()}};
  for (const auto& member : group.members) {
    json shown = {
        {"id", member.id}, {"client_id", member.client_id}, {"host", member.host}, {"assignment", json::array()}};
    if (member.instance_id) shown["instance_id"] = *member.instance_id;
    for (const auto& p : member.assignment) {
      shown["assignment"].push_back({{"topic", p.topic}, {"partition", p.partition.value()}});
    }
    out["members"].push_back(std::move(shown));
  }
  const auto number = [](const std::optional<offset>& at) { return at ? json(at->value()) : json(nullptr); };
  for (const progress_row& row : rows) {
    out["partitions"].push_back({{"topic", row.partition.topic},
                                 {"partition", row.partition.partition.value()},
                                 {"committed", number(row.committed)},
                                 {"end", number(row.end)},
                                 {"lag", row.lag() ? json(*row.lag()) : json(nullptr)},
                                 {"member", row.member ? json(row.member->id) : json(nullptr)}});
  }
  return out;
}

void print_group(const client::described_group& group, const std::vector<progress_row>& rows, bool members) {
  fmt::print("{}  {}  {} members  coordinator {}{}\n", printable(group.id), group.state, group.members.size(),
             group.coordinator.value(), group.protocol.empty() ? "" : "  assignor " + group.protocol);
  if (members) {
    table out({"  MEMBER", "CLIENT", "HOST", "PARTITIONS"});
    for (const auto& member : group.members) {
      std::string held;
      for (const auto& p : member.assignment) {
        held += fmt::format("{}{}-{}", held.empty() ? "" : ",", p.topic, p.partition.value());
      }
      out.add({"  " + member.id, member.client_id, member.host, held});
    }
    fmt::print("{}", out.to_text());
    return;
  }
  table out({"  TOPIC", "PARTITION", "COMMITTED", "END", "LAG", "MEMBER", "HOST"});
  for (const progress_row& row : rows) {
    out.add({"  " + row.partition.topic, std::to_string(row.partition.partition.value()), or_dash(row.committed),
             or_dash(row.end), or_dash(row.lag()), row.member ? row.member->id : "-",
             row.member ? row.member->host : "-"});
  }
  fmt::print("{}", out.to_text());
}

/// The offsets that `--to` means for these partitions, within what is there.
result<offsets_by_partition> targets(client::admin& admin, const std::string& to,
                                     const std::set<topic_partition>& partitions,
                                     const std::map<topic_partition, client::committed_offset>& committed) {
  const auto ask = [&](client::offset_spec when) -> result<offsets_by_partition> {
    std::map<topic_partition, client::offset_spec> specs;
    for (const auto& partition : partitions) specs[partition] = when;
    MOLDAU_TRY_ASSIGN(const auto listed, admin.list_offsets(std::move(specs)).get());
    offsets_by_partition out;
    for (const auto& [partition, at] : listed) {
      if (!at) return std::unexpected(at.error());
      out[partition] = at->offset;
    }
    return out;
  };
  MOLDAU_TRY_ASSIGN(const auto begins, ask(client::offset_spec::earliest()));
  MOLDAU_TRY_ASSIGN(const auto ends, ask(client::offset_spec::latest()));
  if (to == "earliest" || to == "beginning") return begins;
  if (to == "latest" || to == "end") return ends;
  offsets_by_partition out;
  if (to.starts_with('@')) {
    MOLDAU_TRY_ASSIGN(const std::int64_t when, parse_timestamp(to.substr(1)));
    MOLDAU_TRY_ASSIGN(out, ask(client::offset_spec::at(when)));
    for (auto& [partition, at] : out) {
      if (at == no_offset) at = ends.at(partition);
    }
    return out;
  }
  const bool relative = to.starts_with('+') || to.starts_with('-');
  const std::string_view digits = std::string_view(to).substr(to.starts_with('+') ? 1 : 0);
  std::int64_t number = 0;
  const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (digits.empty() || code != std::errc() || end != digits.data() + digits.size()) {
    return fail(errc::invalid_argument,
                fmt::format("'{}' is no offset: write earliest, latest, a number, +n, -n, or @time", to));
  }
  for (const auto& partition : partitions) {
    offset at(number);
    if (relative) {
      const auto from = committed.find(partition);
      if (from == committed.end()) continue;
      at = from->second.offset + number;
    }
    out[partition] = std::clamp(at, begins.at(partition), ends.at(partition));
  }
  return out;
}

result<std::set<topic_partition>> partitions_to_reset(
    client::admin& admin, const group_arguments& told,
    const std::map<topic_partition, client::committed_offset>& known) {
  std::set<topic_partition> out;
  if (told.topics.empty()) {
    for (const auto& [partition, at] : known) out.insert(partition);
    return out;
  }
  std::vector<std::string> whole;
  for (const std::string& text : told.topics) {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string::npos) {
      whole.push_back(text);
      continue;
    }
    std::size_t from = colon + 1;
    while (from <= text.size()) {
      const std::size_t to = std::min(text.find(',', from), text.size());
      std::int32_t id = 0;
      const auto [end, code] = std::from_chars(text.data() + from, text.data() + to, id);
      if (code != std::errc() || end != text.data() + to) {
        return fail(errc::invalid_argument, fmt::format("'{}' should be topic or topic:partition[,partition]", text));
      }
      out.insert({text.substr(0, colon), partition_id(id)});
      from = to + 1;
    }
  }
  if (whole.empty()) return out;
  MOLDAU_TRY_ASSIGN(const auto topics, admin.describe_topics(whole).get());
  for (const auto& [name, topic] : topics) {
    if (!topic) return std::unexpected(topic.error());
    for (const auto& p : topic->partitions) out.insert({name, p.id});
  }
  return out;
}

}  // namespace

int group_list(const context& in) {
  auto admin = connect(in);
  if (!admin) return report(admin.error());
  auto groups = admin->list_groups().get();
  if (!groups) return report(groups.error(), "listing groups");
  std::ranges::sort(*groups, {}, &client::listed_group::id);
  if (in.output == output_form::json) {
    json out = json::array();
    for (const auto& group : *groups) {
      out.push_back(
          {{"group", group.id}, {"state", group.state}, {"protocol_type", group.protocol_type}, {"type", group.type}});
    }
    print_json(out);
    return exit_ok;
  }
  table out({"GROUP", "STATE", "TYPE", "PROTOCOL"});
  for (const auto& group : *groups) {
    out.add({group.id, group.state, group.type.empty() ? "classic" : group.type, group.protocol_type});
  }
  fmt::print("{}", out.to_text());
  return exit_ok;
}

int group_describe(const context& in, const group_arguments& told) {
  auto admin = connect(in);
  if (!admin) return report(admin.error());
  const auto found = admin->describe_groups(told.names).get();
  if (!found) return report(found.error(), "describing groups");
  int code = exit_ok;
  json shown = json::array();
  for (const auto& [id, group] : *found) {
    if (!group) {
      code = report(group.error());
      if (group.error().code != errc::group_id_not_found) continue;
      std::vector<std::string> names;
      if (const auto all = admin->list_groups().get()) {
        for (const auto& one : *all) names.push_back(one.id);
      }
      if (const std::string near = nearest(id, names); !near.empty())
        fmt::print(stderr, "  did you mean '{}'?\n", near);
      continue;
    }
    const auto rows = progress_of(*admin, *group);
    if (!rows) {
      code = report(rows.error(), id);
      continue;
    }
    if (in.output == output_form::json) {
      shown.push_back(group_json(*group, *rows));
    } else {
      print_group(*group, *rows, told.members);
    }
  }
  if (in.output == output_form::json) print_json(shown);
  return code;
}

int group_delete(const context& in, const group_arguments& told) {
  auto admin = connect(in);
  if (!admin) return report(admin.error());
  const auto done = admin->delete_groups(told.names).get();
  if (!done) return report(done.error(), "deleting groups");
  int code = exit_ok;
  json shown = json::array();
  for (const auto& [id, outcome] : *done) {
    if (!outcome) code = report(outcome.error());
    if (in.output == output_form::json) {
      shown.push_back({{"group", id}, {"ok", outcome.has_value()}});
    } else if (outcome) {
      fmt::print("deleted {}\n", printable(id));
    }
  }
  if (in.output == output_form::json) print_json(shown);
  return code;
}

int group_reset(const context& in, const group_arguments& told) {
  auto admin = connect(in);
  if (!admin) return report(admin.error());
  const std::string& id = told.names.front();
  const auto committed = admin->group_offsets(id).get();
  if (!committed) return report(committed.error(), id);
  const auto partitions = partitions_to_reset(*admin, told, *committed);
  if (!partitions) return report(partitions.error());
  if (partitions->empty()) {
    return report_usage(fmt::format("group '{}' has committed nothing: name the topics to reset with --topic", id));
  }
  const auto to = targets(*admin, told.to, *partitions, *committed);
  if (!to) return report(to.error());
  int code = exit_ok;
  if (told.execute) {
    std::map<topic_partition, client::committed_offset> offsets;
    for (const auto& [partition, at] : *to) offsets[partition] = {.offset = at, .metadata = {}};
    const auto done = admin->alter_group_offsets(id, std::move(offsets)).get();
    if (!done) return report(done.error(), id);
    for (const auto& [partition, outcome] : *done) {
      if (!outcome) code = report(outcome.error(), id);
    }
  }
  json shown = json::array();
  table out({"TOPIC", "PARTITION", "COMMITTED", told.execute ? "RESET TO" : "WOULD RESET TO"});
  for (const auto& [partition, at] : *to) {
    const auto before = committed->find(partition);
    const auto was = before == committed->end() ? std::nullopt : std::optional(before->second.offset);
    out.add({partition.topic, std::to_string(partition.partition.value()), or_dash(was), std::to_string(at.value())});
    shown.push_back({{"topic", partition.topic},
                     {"partition", partition.partition.value()},
                     {"committed", was ? json(was->value()) : json(nullptr)},
                     {"to", at.value()},
                     {"done", told.execute && code == exit_ok}});
  }
  if (in.output == output_form::json) {
    print_json(shown);
  } else {
    fmt::print("{}", out.to_text());
    if (!told.execute) fmt::print(stderr, "nothing was changed yet: add --execute to do it\n");
  }
  return code;
}

int group_delete_offsets(const context& in, const group_arguments& told) {
  auto admin = connect(in);
  if (!admin) return report(admin.error());
  const auto partitions = partitions_to_reset(*admin, told, {});
  if (!partitions) return report(partitions.error());
  const auto done =
      admin->delete_group_offsets(told.names.front(), std::vector(partitions->begin(), partitions->end())).get();
  if (!done) return report(done.error(), told.names.front());
  int code = exit_ok;
  for (const auto& [partition, outcome] : *done) {
    if (!outcome) {
      code = report(outcome.error(), fmt::format("{}-{}", partition.topic, partition.partition.value()));
    } else if (in.output == output_form::table) {
      fmt::print("deleted {} {}\n", partition.topic, partition.partition.value());
    }
  }
  return code;
}

}  // namespace moldau::cli
