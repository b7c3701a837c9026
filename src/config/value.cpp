#include "config/value.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <ranges>

#include "config/listeners.hpp"
#include "config/text.hpp"

namespace moldau::config {
namespace {

std::unexpected<error> invalid(const definition& def, std::string_view shown, std::string_view why) {
  return fail(errc::invalid_config, fmt::format("Invalid value {} for configuration {}: {}", shown, def.name, why));
}

std::optional<std::int64_t> integer(std::string_view text, std::int64_t least, std::int64_t most) {
  // Java takes a plus sign, from_chars doesn't.
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
  std::int64_t out = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (failure != std::errc{} || end != text.data() + text.size() || out < least || out > most) return std::nullopt;
  return out;
}

std::optional<double> real(std::string_view text) {
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
  // Java allows a type suffix.
  if (text.size() > 1 && std::string_view("dDfF").contains(text.back())) text.remove_suffix(1);
  double out = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (end != text.data() + text.size() || text.empty()) return std::nullopt;
  if (failure == std::errc::result_out_of_range) {
    // What is too large is infinity and what is too small is nothing, in Java.
    return text.contains("e-") || text.contains("E-") ? 0.0 : (text[0] == '-' ? -HUGE_VAL : HUGE_VAL);
  }
  if (failure != std::errc{}) return std::nullopt;
  return out;
}

result<value> typed(const definition& def, std::string_view original) {
  const std::string_view text = trimmed(original);
  const auto number = [&](std::int64_t least, std::int64_t most) -> result<value> {
    if (const auto n = integer(text, least, most)) return value(*n);
    return invalid(def, original, fmt::format("Not a number of type {}", name(def.type)));
  };
  switch (def.type) {
    case value_type::boolean:
      if (equal_ignoring_case(text, "true")) return value(true);
      if (equal_ignoring_case(text, "false")) return value(false);
      return invalid(def, original, "Expected value to be either true or false");
    case value_type::int32:
      return number(std::numeric_limits<std::int32_t>::min(), std::numeric_limits<std::int32_t>::max());
    case value_type::int16:
      return number(std::numeric_limits<std::int16_t>::min(), std::numeric_limits<std::int16_t>::max());
    case value_type::int64:
      return number(std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max());
    case value_type::float64:
      if (const auto n = real(text)) return value(*n);
      return invalid(def, original, "Not a number of type DOUBLE");
    case value_type::list:
      return value(split_list(text));
    case value_type::string:
    case value_type::class_name:
    case value_type::password:
      return value(std::string(text));
  }
  return value();
}

bool is_option(const rule& r, std::string_view text, bool ignoring_case) {
  for (const auto part : std::views::split(r.options, ',')) {
    const std::string_view option(part.begin(), part.end());
    if (ignoring_case ? equal_ignoring_case(option, text) : option == text) return true;
  }
  return false;
}

std::string spaced(std::string_view options) {
  std::string out;
  for (const char c : options) {
    out.push_back(c);
    if (c == ',') out.push_back(' ');
  }
  return out;
}

bool is_throttled_replica(std::string_view entry) {
  const auto colon = entry.find(':');
  return colon != std::string_view::npos && integer(entry.substr(0, colon), 0, INT32_MAX) &&
         integer(entry.substr(colon + 1), 0, INT32_MAX);
}

result<void> check_number(const definition& def, const value& v) {
  const auto* whole = std::get_if<std::int64_t>(&v);
  const double n = whole != nullptr ? 0 : std::get<double>(v);
  const bool below = whole != nullptr ? *whole < def.valid.least : n < static_cast<double>(def.valid.least);
  const bool above = whole != nullptr ? *whole > def.valid.most : n > static_cast<double>(def.valid.most);
  const std::string shown = *to_text(v);
  if (below) return invalid(def, shown, fmt::format("Value must be at least {}", def.valid.least));
  if (above) return invalid(def, shown, fmt::format("Value must be no more than {}", def.valid.most));
  return {};
}

result<void> check_list(const definition& def, const std::vector<std::string>& entries) {
  switch (def.valid.what) {
    case rule::kind::list_of:
      for (const std::string& entry : entries) {
        if (!is_option(def.valid, entry, false)) {
          return invalid(def, entry, fmt::format("String must be one of: {}", spaced(def.valid.options)));
        }
      }
      return {};
    case rule::kind::throttled_replicas:
      if (entries.empty() || (entries.size() == 1 && entries[0] == "*")) return {};
      for (const std::string& entry : entries) {
        if (!is_throttled_replica(entry)) {
          return invalid(def, fmt::format("[{}]", fmt::join(entries, ", ")),
                         fmt::format("{} must be the literal '*' or a list of replicas in the following format: "
                                     "[partitionId]:[brokerId],[partitionId]:[brokerId],...",
                                     def.name));
        }
      }
      return {};
    case rule::kind::voters:
      if (auto voters = parse_voters(entries); !voters) {
        return invalid(def, fmt::format("[{}]", fmt::join(entries, ", ")), voters.error().message);
      }
      return {};
    case rule::kind::servers:
      if (auto servers = parse_servers(entries); !servers) {
        return invalid(def, fmt::format("[{}]", fmt::join(entries, ", ")), servers.error().message);
      }
      return {};
    default:
      return {};
  }
}

result<void> check(const definition& def, const value& v) {
  switch (def.valid.what) {
    case rule::kind::any:
    case rule::kind::not_null:
      return {};
    case rule::kind::range:
      return check_number(def, v);
    case rule::kind::gzip_level: {
      const auto level = std::get<std::int64_t>(v);
      if (level == -1 || (level >= 1 && level <= 9)) return {};
      return invalid(def, std::to_string(level), "Value must be between 1 and 9 or equal to -1");
    }
    case rule::kind::one_of: {
      const auto& text = std::get<std::string>(v);
      if (is_option(def.valid, text, false)) return {};
      return invalid(def, text, fmt::format("String must be one of: {}", spaced(def.valid.options)));
    }
    case rule::kind::one_of_ignoring_case: {
      const auto& text = std::get<std::string>(v);
      if (is_option(def.valid, text, true)) return {};
      return invalid(def, text, fmt::format("String must be one of (case insensitive): {}", spaced(def.valid.options)));
    }
    case rule::kind::not_empty:
      if (std::get<std::string>(v).empty()) return invalid(def, "", "String must be non-empty");
      return {};
    case rule::kind::list_of:
    case rule::kind::throttled_replicas:
    case rule::kind::voters:
    case rule::kind::servers:
      return check_list(def, std::get<std::vector<std::string>>(v));
  }
  return {};
}

// Java's Double.toString: plain from 0.001 up to below ten million, otherwise with an exponent; always a decimal point.
std::string java_text(double d) {
  if (std::isnan(d)) return "NaN";
  if (std::isinf(d)) return d < 0 ? "-Infinity" : "Infinity";
  if (d == 0) return std::signbit(d) ? "-0.0" : "0.0";
  const double size = std::fabs(d);
  char buffer[512];
  const bool plain = size >= 1e-3 && size < 1e7;
  const auto [end, failure] = std::to_chars(buffer, buffer + sizeof buffer, d,
                                            plain ? std::chars_format::fixed : std::chars_format::scientific);
  std::string text(buffer, failure == std::errc{} ? end : buffer);
  if (plain) {
    if (!text.contains('.')) text += ".0";
    return text;
  }
  const auto e = text.find('e');
  std::string digits = text.substr(0, e);
  if (!digits.contains('.')) digits += ".0";
  const int exponent = std::atoi(text.c_str() + e + 1);
  return fmt::format("{}E{}", digits, exponent);
}

}  // namespace

result<value> parse_value(const definition& def, std::string_view text) {
  MOLDAU_TRY_ASSIGN(value out, typed(def, text));
  if (auto* entries = std::get_if<std::vector<std::string>>(&out)) {
    // KIP-1161: an entry is never empty, and what stands there twice counts once.
    std::vector<std::string> once;
    for (std::string& entry : *entries) {
      if (entry.empty()) {
        return fail(errc::invalid_config, fmt::format("Configuration '{}' values must not be empty.", def.name));
      }
      if (std::ranges::find(once, entry) == once.end()) once.push_back(std::move(entry));
    }
    *entries = std::move(once);
  }
  MOLDAU_TRY(check(def, out));
  return out;
}

value default_of(const definition& def) {
  if (!def.default_value) return {};
  auto parsed = typed(def, *def.default_value);
  return parsed ? *std::move(parsed) : value();
}

std::optional<std::string> to_text(const value& v) {
  struct printer {
    std::optional<std::string> operator()(std::monostate) const { return std::nullopt; }
    std::optional<std::string> operator()(bool b) const { return b ? "true" : "false"; }
    std::optional<std::string> operator()(std::int64_t n) const { return std::to_string(n); }
    std::optional<std::string> operator()(double d) const { return java_text(d); }
    std::optional<std::string> operator()(const std::string& s) const { return s; }
    std::optional<std::string> operator()(const std::vector<std::string>& list) const {
      return fmt::format("{}", fmt::join(list, ","));
    }
  };
  return std::visit(printer{}, v);
}

std::string describe(const rule& r) {
  switch (r.what) {
    case rule::kind::any:
      return {};
    case rule::kind::range:
      if (r.most == std::numeric_limits<std::int64_t>::max()) return fmt::format("[{},...]", r.least);
      return fmt::format("[{},...,{}]", r.least, r.most);
    case rule::kind::gzip_level:
      return "[1,...,9] or -1";
    case rule::kind::one_of:
    case rule::kind::list_of:
      return fmt::format("[{}]", spaced(r.options));
    case rule::kind::one_of_ignoring_case:
      return fmt::format("(case insensitive) [{}]", spaced(r.options));
    case rule::kind::not_null:
      return "non-null string";
    case rule::kind::not_empty:
      return "non-empty string";
    case rule::kind::throttled_replicas:
      return "[partitionId]:[brokerId],[partitionId]:[brokerId],...";
    case rule::kind::voters:
    case rule::kind::servers:
      return "non-empty list";
  }
  return {};
}

}  // namespace moldau::config
