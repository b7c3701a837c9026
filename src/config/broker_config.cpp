#include "config/broker_config.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>

#include "base/assert.hpp"
#include "config/listener_override.hpp"
#include "config/text.hpp"

namespace moldau::config {
namespace {

constexpr std::int64_t default_queued_request_bytes = 64LL << 20;

const definition* defined(std::string_view name) {
  const definition* def = find_broker_definition(name);
  return def != nullptr ? def : find_broker_definition(listener_override_base(name));
}

std::string_view text_of(const definition& def) {
  return def.default_value.value_or(std::string_view{});
}

}  // namespace

std::string origin::to_text() const {
  switch (source) {
    case config_source::dynamic_topic:
      return "dynamic (topic)";
    case config_source::dynamic_broker:
      return "dynamic (this broker)";
    case config_source::dynamic_default_broker:
      return "dynamic (cluster)";
    case config_source::static_broker:
      switch (written) {
        case static_origin::file:
          return fmt::format("line {}", line);
        case static_origin::command_line:
          return "command line";
        case static_origin::standalone:
          return "standalone default";
      }
      return {};
    case config_source::default_value:
      return "default";
  }
  return {};
}

const value& broker_config::effective(std::string_view name) const {
  const auto at = effective_.find(name);
  MOLDAU_ASSERT(at != effective_.end());
  return at->second;
}

bool broker_config::is_null(std::string_view name) const {
  return std::holds_alternative<std::monostate>(effective(name));
}

bool broker_config::boolean(std::string_view name) const {
  const value& v = effective(name);
  if (std::holds_alternative<std::monostate>(v)) return false;
  MOLDAU_ASSERT(std::holds_alternative<bool>(v));
  return std::get<bool>(v);
}

std::int64_t broker_config::int64(std::string_view name) const {
  const value& v = effective(name);
  if (std::holds_alternative<std::monostate>(v)) return 0;
  MOLDAU_ASSERT(std::holds_alternative<std::int64_t>(v));
  return std::get<std::int64_t>(v);
}

std::int32_t broker_config::int32(std::string_view name) const {
  const definition* def = find_broker_definition(name);
  MOLDAU_ASSERT(def != nullptr && def->type != value_type::int64);
  return static_cast<std::int32_t>(int64(name));
}

double broker_config::float64(std::string_view name) const {
  const value& v = effective(name);
  if (std::holds_alternative<std::monostate>(v)) return 0;
  MOLDAU_ASSERT(std::holds_alternative<double>(v));
  return std::get<double>(v);
}

const std::string& broker_config::string(std::string_view name) const {
  static const std::string empty;
  const value& v = effective(name);
  if (std::holds_alternative<std::monostate>(v)) return empty;
  MOLDAU_ASSERT(std::holds_alternative<std::string>(v));
  return std::get<std::string>(v);
}

const std::vector<std::string>& broker_config::list(std::string_view name) const {
  static const std::vector<std::string> empty;
  const value& v = effective(name);
  if (std::holds_alternative<std::monostate>(v)) return empty;
  MOLDAU_ASSERT(std::holds_alternative<std::vector<std::string>>(v));
  return std::get<std::vector<std::string>>(v);
}

origin broker_config::origin_of(std::string_view name) const {
  const auto chain = synonyms_of(name);
  if (chain.empty()) return {.name = std::string(name)};
  origin out{.source = chain.front().source, .name = chain.front().name};
  if (out.source == config_source::static_broker) {
    const static_setting& setting = static_.find(out.name)->second;
    out.written = setting.written;
    out.line = setting.line;
  }
  return out;
}

const std::string& broker_config::metadata_log_dir() const {
  const std::string& own = string("metadata.log.dir");
  return own.empty() ? log_dirs_.front() : own;
}

std::int64_t broker_config::log_retention_ms() const {
  std::int64_t out = 0;
  if (!is_null("log.retention.ms")) {
    out = int64("log.retention.ms");
  } else if (!is_null("log.retention.minutes")) {
    out = int64("log.retention.minutes") * 60'000;
  } else {
    out = int64("log.retention.hours") * 3'600'000;
  }
  return out < 0 ? -1 : out;
}

std::int64_t broker_config::log_roll_ms() const {
  return is_null("log.roll.ms") ? int64("log.roll.hours") * 3'600'000 : int64("log.roll.ms");
}

std::int64_t broker_config::log_roll_jitter_ms() const {
  return is_null("log.roll.jitter.ms") ? int64("log.roll.jitter.hours") * 3'600'000 : int64("log.roll.jitter.ms");
}

std::int64_t broker_config::log_flush_interval_ms() const {
  return is_null("log.flush.interval.ms") ? int64("log.flush.scheduler.interval.ms") : int64("log.flush.interval.ms");
}

std::int64_t broker_config::queued_max_request_bytes() const {
  const std::int64_t set = int64("queued.max.request.bytes");
  return set > 0 ? set : default_queued_request_bytes;
}

std::int32_t broker_config::max_connections_of(std::string_view address) const {
  for (const std::string& entry : split_list(string("max.connections.per.ip.overrides"))) {
    const auto colon = entry.rfind(':');
    if (colon == std::string::npos || trimmed(std::string_view(entry).substr(0, colon)) != address) continue;
    const std::string_view text = trimmed(std::string_view(entry).substr(colon + 1));
    std::int32_t count = 0;
    std::from_chars(text.data(), text.data() + text.size(), count);
    return count;
  }
  return int32("max.connections.per.ip");
}

std::int32_t broker_config::max_connections_on(std::string_view listener) const {
  std::string name = "listener.name.";
  for (const char c : listener) name += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  name += ".max.connections";
  std::optional<std::string_view> text;
  if (const auto at = static_.find(name); at != static_.end()) text = at->second.text;
  if (const auto at = dynamic_broker_.find(name); at != dynamic_broker_.end()) text = at->second;
  const auto parsed = text ? parse_value(*find_broker_definition("max.connections"), *text) : result<value>();
  return text && parsed ? static_cast<std::int32_t>(std::get<std::int64_t>(*parsed))
                        : std::numeric_limits<std::int32_t>::max();
}

void broker_config::compute_effective() {
  for (const definition* def : broker_definitions()) {
    std::optional<std::string_view> text;
    if (const auto at = static_.find(def->name); at != static_.end()) text = at->second.text;
    if (def->update != update_mode::read_only) {
      if (const auto at = dynamic_default_.find(def->name); at != dynamic_default_.end()) text = at->second;
      if (const auto at = dynamic_broker_.find(def->name); at != dynamic_broker_.end()) text = at->second;
    }
    auto parsed = text ? parse_value(*def, *text) : result<value>(default_of(*def));
    effective_[def->name] = parsed ? *std::move(parsed) : default_of(*def);
  }
}

std::vector<mistake> broker_config::apply_dynamic(const settings& cluster_wide, const settings& this_broker) {
  std::vector<mistake> left_out;
  const auto usable = [&](const settings& from, bool per_broker) {
    settings out;
    for (const auto& [name, text] : from) {
      if (auto valid = validate_dynamic_broker_config({{name, text}}, per_broker); !valid) {
        left_out.push_back({0, name, std::move(valid.error().message)});
      } else {
        out.emplace(name, text);
      }
    }
    return out;
  };
  dynamic_default_ = usable(cluster_wide, false);
  dynamic_broker_ = usable(this_broker, true);
  compute_effective();
  return left_out;
}

std::vector<synonym> broker_config::synonyms_of(std::string_view name) const {
  std::vector<std::string_view> names;
  const auto known = broker_synonyms(name);
  names.assign(known.begin(), known.end());
  if (names.empty()) names.push_back(name);
  if (const std::string_view base = listener_override_base(name); !base.empty()) names.push_back(base);

  std::vector<synonym> out;
  const auto add = [&](std::string_view from, std::string_view text, config_source source) {
    const definition* def = defined(from);
    const bool hidden = def == nullptr || def->sensitive();
    out.push_back({std::string(from), hidden ? std::nullopt : std::optional(std::string(text)), source});
  };
  for (const std::string_view n : names) {
    if (const auto at = dynamic_broker_.find(n); at != dynamic_broker_.end()) {
      add(n, at->second, config_source::dynamic_broker);
    }
  }
  for (const std::string_view n : names) {
    if (const auto at = dynamic_default_.find(n); at != dynamic_default_.end()) {
      add(n, at->second, config_source::dynamic_default_broker);
    }
  }
  for (const std::string_view n : names) {
    if (const auto at = static_.find(n); at != static_.end()) add(n, at->second.text, config_source::static_broker);
  }
  for (const std::string_view n : names) {
    const definition* def = find_broker_definition(n);
    if (def != nullptr && def->default_value) add(n, text_of(*def), config_source::default_value);
  }
  return out;
}

described_config broker_config::describe(std::string_view name) const {
  described_config out;
  out.name = name;
  const definition* def = defined(name);
  out.sensitive = def == nullptr || def->sensitive();
  out.read_only = def == nullptr || def->update == update_mode::read_only;
  out.synonyms = synonyms_of(name);
  out.source = out.synonyms.empty() ? config_source::default_value : out.synonyms.front().source;
  if (def == nullptr) return out;
  out.type = static_cast<std::int8_t>(def->type);
  out.doc = def->doc;
  if (out.sensitive) return out;
  if (def->name == name) {
    out.value = to_text(effective(name));
  } else if (!out.synonyms.empty()) {
    out.value = out.synonyms.front().value;
  }
  return out;
}

std::vector<described_config> broker_config::describe() const {
  std::vector<described_config> out;
  std::map<std::string_view, bool> others;
  for (const definition* def : broker_definitions()) out.push_back(describe(def->name));
  const auto collect = [&](const auto& layer) {
    for (const auto& [name, setting] : layer) {
      if (find_broker_definition(name) == nullptr) others[name] = true;
    }
  };
  collect(static_);
  collect(dynamic_default_);
  collect(dynamic_broker_);
  for (const auto& [name, present] : others) out.push_back(describe(name));
  return out;
}

std::vector<described_config> broker_config::describe_cluster_wide() const {
  std::vector<described_config> out;
  for (const auto& [name, text] : dynamic_default_) {
    described_config entry = describe(name);
    std::erase_if(entry.synonyms, [](const synonym& s) { return s.source != config_source::dynamic_default_broker; });
    entry.source = config_source::dynamic_default_broker;
    if (!entry.sensitive) entry.value = text;
    out.push_back(std::move(entry));
  }
  return out;
}

}  // namespace moldau::config
