#include "client/property_reader.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>

#include "client/cluster.hpp"

namespace moldau::client {

const std::string* property_reader::find(std::string_view name) {
  taken_.insert(name);
  const auto found = from_.find(name);
  return found == from_.end() ? nullptr : &found->second;
}

void property_reader::wrong(std::string_view name, std::string_view why) {
  const auto found = from_.find(name);
  mistakes_.push_back(found == from_.end() ? fmt::format("{}: {}", name, why)
                                           : fmt::format("{}={}: {}", name, found->second, why));
}

void property_reader::take(std::string_view name, std::string& into) {
  if (const auto* text = find(name)) into = *text;
}

void property_reader::take(std::string_view name, std::optional<std::string>& into) {
  if (const auto* text = find(name)) into = *text;
}

void property_reader::take(std::string_view name, std::vector<std::string>& into) {
  const auto* text = find(name);
  if (text == nullptr) return;
  into.clear();
  std::size_t from = 0;
  while (from <= text->size()) {
    const std::size_t to = std::min(text->find(',', from), text->size());
    std::string part = text->substr(from, to - from);
    part.erase(0, part.find_first_not_of(' '));
    part.erase(part.find_last_not_of(' ') + 1);
    if (!part.empty()) into.push_back(std::move(part));
    from = to + 1;
  }
}

void property_reader::take(std::string_view name, bool& into) {
  take(name, into, {{"true", true}, {"false", false}});
}

void property_reader::take(std::string_view name, std::int64_t& into, std::int64_t least, std::int64_t most) {
  const auto* text = find(name);
  if (text == nullptr) return;
  std::int64_t value = 0;
  const auto [end, code] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (code != std::errc() || end != text->data() + text->size()) return wrong(name, "must be a whole number");
  if (value < least || value > most) {
    return wrong(name, most == INT64_MAX ? fmt::format("must be {} or more", least)
                                         : fmt::format("must be from {} to {}", least, most));
  }
  into = value;
}

void property_reader::take(std::string_view name, std::int32_t& into, std::int32_t least, std::int32_t most) {
  std::int64_t value = into;
  take(name, value, least, most);
  into = static_cast<std::int32_t>(value);
}

void property_reader::take(std::string_view name, std::size_t& into) {
  auto value = static_cast<std::int64_t>(into);
  take(name, value, 0);
  into = static_cast<std::size_t>(value);
}

void property_reader::take(std::string_view name, double& into, double least, double most) {
  const auto* text = find(name);
  if (text == nullptr) return;
  double value = 0;
  const auto [end, code] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (code != std::errc() || end != text->data() + text->size()) return wrong(name, "must be a number");
  if (!(value >= least && value <= most)) return wrong(name, fmt::format("must be from {} to {}", least, most));
  into = value;
}

client_options property_reader::common() {
  client_options out;
  take("bootstrap.servers", out.bootstrap_servers);
  for (const std::string& server : out.bootstrap_servers) {
    if (const auto parsed = parse_server(server); !parsed) {
      mistakes_.push_back(fmt::format("bootstrap.servers: {}", parsed.error().message));
    }
  }
  take("client.id", out.client_id);
  take("request.timeout.ms", out.request_timeout_ms, 1, INT32_MAX);
  take("default.api.timeout.ms", out.api_timeout_ms, 1, INT32_MAX);
  take("retry.backoff.ms", out.retry_backoff_ms, 0);
  take("retry.backoff.max.ms", out.retry_backoff_max_ms, 0);
  take("socket.connection.setup.timeout.ms", out.connect_timeout_ms, 1);
  take("socket.connection.setup.timeout.max.ms", out.connect_timeout_max_ms, 1);
  take("reconnect.backoff.ms", out.reconnect_backoff_ms, 0);
  take("reconnect.backoff.max.ms", out.reconnect_backoff_max_ms, 0);
  take("connections.max.idle.ms", out.connections_idle_max_ms, -1);
  take("send.buffer.bytes", out.send_buffer_bytes, -1);
  take("receive.buffer.bytes", out.receive_buffer_bytes, -1);
  take("metadata.max.age.ms", out.metadata_max_age_ms, 0);
  take<client::metadata_recovery>("metadata.recovery.strategy", out.metadata_recovery,
                                  {{"none", metadata_recovery::none}, {"rebootstrap", metadata_recovery::rebootstrap}});
  take("metadata.recovery.rebootstrap.trigger.ms", out.rebootstrap_trigger_ms, 0);
  take("statistics.interval.ms", out.statistics_interval_ms, 0);
  // All addresses of a name are tried, which is Kafka's default; the other form serves Kerberos alone.
  if (const auto* lookup = find("client.dns.lookup"); lookup != nullptr && *lookup != "use_all_dns_ips") {
    wrong("client.dns.lookup", *lookup == "resolve_canonical_bootstrap_servers_only"
                                   ? "isn't built yet: every address that a name has is tried (use_all_dns_ips)"
                                   : "must be use_all_dns_ips");
  }
  refuse_security();
  return out;
}

/// A client that was asked for an encrypted connection must not make another.
void property_reader::refuse_security() {
  if (const auto* protocol = find("security.protocol"); protocol != nullptr && *protocol != "PLAINTEXT") {
    const bool is_known = *protocol == "SSL" || *protocol == "SASL_SSL" || *protocol == "SASL_PLAINTEXT";
    wrong("security.protocol",
          is_known ? "isn't built yet: only PLAINTEXT is" : "must be one of PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL");
  }
}

result<void> property_reader::finish(client_options& into) {
  for (const auto& [name, value] : from_) {
    if (taken_.contains(name)) continue;
    switch (standing_of(name, kind_)) {
      case property_standing::own:
        into.ignored_properties.push_back(name);
        break;
      case property_standing::of_another_client:
        break;
      case property_standing::unknown: {
        const std::string near = nearest_property(name);
        mistakes_.push_back(fmt::format("{}: there is no such property{}", name,
                                        near.empty() ? "" : fmt::format("; did you mean {}?", near)));
        break;
      }
    }
  }
  if (mistakes_.empty()) return {};
  return fail(errc::invalid_argument, fmt::format("{}", fmt::join(mistakes_, "\n")));
}

}  // namespace moldau::client
