#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "client/consumer_properties.hpp"
#include "client/property_reader.hpp"
#include "moldau/client/consumer.hpp"
#include "moldau/client/producer.hpp"

namespace moldau::client {

const std::string* property_reader::find(std::string_view name) const {
  const auto found = from_.find(name);
  return found == from_.end() ? nullptr : &found->second;
}

void property_reader::wrong(std::string_view name, std::string_view why) {
  mistakes_ += fmt::format("{}{}={}: {}", mistakes_.empty() ? "" : "\n", name, *find(name), why);
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
  if (value < least || value > most) return wrong(name, fmt::format("must be from {} to {}", least, most));
  into = value;
}

void property_reader::take(std::string_view name, std::int32_t& into, std::int32_t least) {
  std::int64_t value = into;
  take(name, value, least, INT32_MAX);
  into = static_cast<std::int32_t>(value);
}

void property_reader::take(std::string_view name, std::size_t& into) {
  auto value = static_cast<std::int64_t>(into);
  take(name, value, 0);
  into = static_cast<std::size_t>(value);
}

result<void> property_reader::status() const {
  if (mistakes_.empty()) return {};
  return fail(errc::invalid_argument, mistakes_);
}

namespace {

client_options common(property_reader& in) {
  client_options out;
  in.take("bootstrap.servers", out.bootstrap_servers);
  in.take("client.id", out.client_id);
  in.take("request.timeout.ms", out.request_timeout_ms, 1);
  in.take("default.api.timeout.ms", out.api_timeout_ms, 1);
  in.take("retry.backoff.ms", out.retry_backoff_ms, 0);
  in.take("retry.backoff.max.ms", out.retry_backoff_max_ms, 0);
  in.take("metadata.max.age.ms", out.metadata_max_age_ms, 0);
  in.take("socket.connection.setup.timeout.ms", out.connect_timeout_ms, 1);
  return out;
}

}  // namespace

result<client_options> client_options::from_properties(const properties& from) {
  property_reader in(from);
  client_options out = common(in);
  MOLDAU_TRY(in.status());
  return out;
}

result<consumer_options> consumer_options::from_properties(const properties& from) {
  property_reader in(from);
  consumer_options out;
  out.client = common(in);
  take_consumer_properties(in, out);
  MOLDAU_TRY(in.status());
  return out;
}

}  // namespace moldau::client
