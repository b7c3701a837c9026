#include "records.hpp"

#include "talk.hpp"

namespace moldau::interop {

std::optional<std::string> key_of(int i) {
  if (i % 7 == 6 && i % 11 != 10) return std::nullopt;
  return fmt::format("key-{}", i);
}

std::optional<std::string> value_of(int i) {
  if (i % 11 == 10) return std::nullopt;
  std::string out(static_cast<std::size_t>(i == 50 ? 60'000 : i * i * 37 % 2000), '\0');
  for (std::size_t j = 0; j < out.size(); ++j) {
    out[j] = static_cast<char>((static_cast<std::size_t>(i) * 31 + j * 7 + j / 251) & 0xff);
  }
  return out;
}

std::vector<std::pair<std::string, std::optional<std::string>>> headers_of(int i) {
  std::vector<std::pair<std::string, std::optional<std::string>>> out{{"number", std::to_string(i)}};
  if (i % 3 == 0) out.emplace_back("number", "");
  if (i % 5 == 0) out.emplace_back("nothing", std::nullopt);
  return out;
}

std::int64_t timestamp_of(int i) {
  return 1'700'000'000'000 + i * 1000LL;
}

namespace {
bool equal(const std::optional<std::string>& wanted, const std::optional<bytes_view>& got) {
  return wanted.has_value() == got.has_value() && (!wanted || *wanted == as_text(*got));
}
}  // namespace

void verify(const record_view& got, int i) {
  same("offset", i, got.offset.value());
  same(fmt::format("timestamp of {}", i), timestamp_of(i), got.timestamp_ms);
  that(equal(key_of(i), got.key), fmt::format("key of {}", i));
  that(equal(value_of(i), got.value), fmt::format("value of {}", i));
  const auto headers = headers_of(i);
  same(fmt::format("number of headers of {}", i), headers.size(), got.headers.size());
  for (std::size_t h = 0; h < headers.size(); ++h) {
    same(fmt::format("name of header {} of {}", h, i), headers[h].first, got.headers[h].key);
    that(equal(headers[h].second, got.headers[h].value), fmt::format("value of header {} of {}", h, i));
  }
}

client::admin make_admin() {
  const client::properties given{{"bootstrap.servers", bootstrap}, {"default.api.timeout.ms", "30000"}};
  return good(client::admin::make(good(client::client_options::from_properties(given))), "making an admin");
}

client::producer make_producer(const client::properties& more,
                               std::function<void(const client::delivery_report&)> on_delivery) {
  client::properties given = more;
  given["bootstrap.servers"] = bootstrap;
  auto options = good(client::producer_options::from_properties(given), "the producer's properties");
  options.on_delivery = std::move(on_delivery);
  return good(client::producer::make(std::move(options)), "making a producer");
}

client::consumer make_consumer(const client::properties& more) {
  client::properties given = more;
  given["bootstrap.servers"] = bootstrap;
  given.try_emplace("enable.auto.commit", "false");
  given.try_emplace("auto.offset.reset", "earliest");
  given.try_emplace("session.timeout.ms", "10000");
  given.try_emplace("heartbeat.interval.ms", "200");
  given.try_emplace("metadata.max.age.ms", "1000");
  auto options = good(client::consumer_options::from_properties(given), "the consumer's properties");
  return good(client::consumer::make(std::move(options)), "making a consumer");
}

void create(const std::string& topic, std::int32_t partitions, std::map<std::string, std::string> configs,
            std::int16_t replicas) {
  auto admin = make_admin();
  const auto made = good(admin
                             .create_topics({{.name = topic,
                                              .partitions = partitions,
                                              .replication_factor = replicas,
                                              .assignments = {},
                                              .configs = std::move(configs)}})
                             .get(),
                         "creating a topic");
  good(made.at(topic), "creating " + topic);
}

void read_all(const std::string& topic, std::int32_t partition, const std::function<void(const record_view&)>& each,
              const client::properties& more) {
  auto from = make_consumer(more);
  const topic_partition at{topic, partition_id(partition)};
  const offset end = good(from.end_offsets({at}).get(), "asking for the end").at(at);
  good(from.assign(std::map<topic_partition, offset>{{at, offset(0)}}).get(), "assigning");
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  for (offset next{0}; next < end;) {
    that(std::chrono::steady_clock::now() < deadline, fmt::format("read {} of {} in 30 s", next.value(), end.value()));
    const auto got = good(from.poll(std::chrono::milliseconds(500)).get(), "polling");
    for (const client::record_batch& batch : got.batches) {
      for (const record_view& record : batch) each(record);
      next = batch.next_offset();
    }
    // What ends in records that aren't shown ends without a batch.
    if (!got.ends.empty()) next = std::max(next, end);
  }
  good(from.close().get(), "closing the consumer");
}

std::vector<std::string> values_of(const std::string& topic, std::int32_t partition, const client::properties& more) {
  std::vector<std::string> out;
  read_all(topic, partition, [&](const record_view& record) { out.emplace_back(as_text(record.value.value())); }, more);
  return out;
}

void sequence::produce(const std::string& topic, std::int32_t partitions, int count) {
  auto to = make_producer();
  std::vector<async<client::delivery>> sent;
  for (int i = 0; i < count; ++i) {
    const std::string value = std::to_string(next_);
    sent.push_back(to.send(
        {.topic = topic, .partition = partition_id(next_ % partitions), .value = as_bytes(std::string_view(value))}));
    ++next_;
  }
  for (auto& each : sent) good(each.get(), "producing to " + topic);
}

}  // namespace moldau::interop
