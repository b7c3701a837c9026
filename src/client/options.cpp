#include <fmt/format.h>

#include <algorithm>
#include <charconv>

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

result<producer_options> producer_options::from_properties(const properties& from) {
  property_reader in(from);
  producer_options out;
  out.client = common(in);
  in.take<client::acks>("acks", out.acks,
                        {{"all", acks::all}, {"-1", acks::all}, {"0", acks::none}, {"1", acks::leader}});
  // As in Java: asking for less than all acknowledgements gives idempotence up, unless it was asked for by name.
  if (out.acks != acks::all) out.idempotence = false;
  in.take("enable.idempotence", out.idempotence);
  in.take("linger.ms", out.linger_ms, 0);
  in.take("batch.size", out.batch_bytes);
  in.take<client::codec>("compression.type", out.codec,
                         {{"none", codec::none},
                          {"gzip", codec::gzip},
                          {"snappy", codec::snappy},
                          {"lz4", codec::lz4},
                          {"zstd", codec::zstd}});
  for (const auto& [name, of] : {std::pair<std::string_view, client::codec>{"compression.gzip.level", codec::gzip},
                                 {"compression.lz4.level", codec::lz4},
                                 {"compression.zstd.level", codec::zstd}}) {
    std::int64_t level = 0;
    in.take(name, level, -131072, 22);
    if (from.contains(name) && out.codec == of) out.codec_level = static_cast<int>(level);
  }
  in.take<client::partitioner>("partitioner", out.partitioner,
                               {{"murmur2", partitioner::murmur2},
                                {"murmur2_random", partitioner::murmur2_random},
                                {"consistent", partitioner::consistent},
                                {"consistent_random", partitioner::consistent}});
  in.take("max.request.size", out.record_bytes_max);
  in.take("buffer.memory", out.buffer_memory_bytes);
  in.take("delivery.timeout.ms", out.delivery_timeout_ms, 0);
  in.take("max.in.flight.requests.per.connection", out.in_flight_max);
  MOLDAU_TRY(in.status());
  return out;
}

result<consumer_options> consumer_options::from_properties(const properties& from) {
  property_reader in(from);
  consumer_options out;
  out.client = common(in);
  in.take("group.id", out.group_id);
  in.take("group.instance.id", out.instance_id);
  in.take<client::offset_reset>(
      "auto.offset.reset", out.offset_reset,
      {{"earliest", offset_reset::earliest}, {"latest", offset_reset::latest}, {"none", offset_reset::none}});
  in.take("enable.auto.commit", out.auto_commit);
  in.take("auto.commit.interval.ms", out.auto_commit_interval_ms, 0);
  in.take("session.timeout.ms", out.session_timeout_ms, 1, INT32_MAX);
  in.take("heartbeat.interval.ms", out.heartbeat_interval_ms, 1);
  in.take("max.poll.interval.ms", out.max_poll_interval_ms, 1, INT32_MAX);
  in.take("fetch.min.bytes", out.fetch_min_bytes, 0);
  in.take("fetch.max.wait.ms", out.fetch_max_wait_ms, 0);
  in.take("fetch.max.bytes", out.fetch_max_bytes, 0);
  in.take("max.partition.fetch.bytes", out.partition_fetch_max_bytes, 0);
  in.take<client::isolation>(
      "isolation.level", out.isolation,
      {{"read_uncommitted", isolation::read_uncommitted}, {"read_committed", isolation::read_committed}});
  in.take("client.rack", out.rack);
  MOLDAU_TRY(in.status());
  return out;
}

}  // namespace moldau::client
