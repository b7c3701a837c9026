#include "raft/voters.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "wire/protocol/voters_record.hpp"

namespace moldau::raft {

namespace {

result<voter> parse_voter(std::string_view entry, std::string_view listener_name) {
  const auto bad = [&] {
    return fail(errc::invalid_argument,
                fmt::format("controller.quorum.voters holds \"{}\"; an entry looks like 1@host:9093", entry));
  };
  const auto at = entry.find('@');
  const auto colon = entry.rfind(':');
  if (at == std::string_view::npos || colon == std::string_view::npos || colon < at + 2) return bad();
  const auto number = [](std::string_view text, auto& out) {
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), out);
    return code == std::errc{} && end == text.data() + text.size();
  };
  std::int32_t id = 0;
  std::uint16_t port = 0;
  if (!number(entry.substr(0, at), id) || id < 0 || !number(entry.substr(colon + 1), port)) return bad();
  std::string_view host = entry.substr(at + 1, colon - at - 1);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  return voter{.key = {.id = broker_id(id), .directory = {}},
               .endpoints = {{.name = std::string(listener_name), .host = std::string(host), .port = port}}};
}

}  // namespace

voter_set::voter_set(std::vector<voter> voters) {
  for (auto& v : voters) set(std::move(v));
}

void voter_set::set(voter v) {
  const auto at = std::ranges::lower_bound(voters_, v.key.id, {}, [](const voter& o) { return o.key.id; });
  if (at != voters_.end() && at->key.id == v.key.id) {
    *at = std::move(v);
  } else {
    voters_.insert(at, std::move(v));
  }
}

voter_set voter_set::from_record(const wire::protocol::voters_record& record) {
  voter_set out;
  for (const auto& from : record.voters) {
    voter v;
    v.key = {.id = from.voter_id, .directory = from.voter_directory_id};
    for (const auto& e : from.endpoints) {
      v.endpoints.push_back({.name = std::string(e.name), .host = std::string(e.host), .port = e.port});
    }
    v.min_kraft_version = from.kraft_version_feature.min_supported_version;
    v.max_kraft_version = from.kraft_version_feature.max_supported_version;
    out.set(std::move(v));
  }
  return out;
}

result<voter_set> voter_set::parse(std::string_view text, std::string_view listener_name) {
  voter_set out;
  while (!text.empty()) {
    const auto comma = text.find(',');
    const std::string_view entry = text.substr(0, comma);
    text = comma == std::string_view::npos ? std::string_view{} : text.substr(comma + 1);
    MOLDAU_TRY_ASSIGN(voter v, parse_voter(entry, listener_name));
    out.set(std::move(v));
  }
  return out;
}

wire::protocol::voters_record voter_set::to_record() const {
  wire::protocol::voters_record out;
  for (const voter& v : voters_) {
    auto& to = out.voters.emplace_back();
    to.voter_id = v.key.id;
    to.voter_directory_id = v.key.directory;
    for (const auto& e : v.endpoints) {
      auto& endpoint = to.endpoints.emplace_back();
      endpoint.name = e.name;
      endpoint.host = e.host;
      endpoint.port = e.port;
    }
    to.kraft_version_feature.min_supported_version = v.min_kraft_version;
    to.kraft_version_feature.max_supported_version = v.max_kraft_version;
  }
  return out;
}

const voter* voter_set::find(broker_id id) const {
  const auto it = std::ranges::find(voters_, id, [](const voter& v) { return v.key.id; });
  return it == voters_.end() ? nullptr : &*it;
}

bool voter_set::contains(const replica_key& key) const {
  const voter* found = find(key.id);
  return found != nullptr && (found->key.directory.is_zero() || found->key.directory == key.directory);
}

voter_set voter_set::with(voter changed) const {
  voter_set out = *this;
  out.set(std::move(changed));
  return out;
}

}  // namespace moldau::raft
