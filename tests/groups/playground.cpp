#include "tests/groups/playground.hpp"

#include <algorithm>

#include "moldau/core/world.hpp"
#include "peer/connection.hpp"
#include "wire/batch_builder.hpp"
#include "wire/protocol/create_topics_request.hpp"
#include "wire/protocol/create_topics_response.hpp"
#include "wire/protocol/produce_request.hpp"
#include "wire/protocol/produce_response.hpp"

namespace moldau::client {
namespace {

using namespace wire::protocol;

constexpr std::string_view server_properties = R"(
node.id=1
process.roles=broker,controller
listeners=PLAINTEXT://:9092,CONTROLLER://:9093
advertised.listeners=PLAINTEXT://broker:9092,CONTROLLER://broker:9093
controller.listener.names=CONTROLLER
controller.quorum.bootstrap.servers=broker:9093
log.dirs=/data
offsets.topic.replication.factor=1
offsets.topic.num.partitions=3
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
auto.create.topics.enable=false
moldau.admin.port=-1
)";

rt::task<result<void>> create(rt::world& world, std::string name, std::int32_t partitions) {
  MOLDAU_CO_TRY_ASSIGN(const auto to, co_await peer::connection::open(world, {"broker", 9092}, {}));
  create_topics_request request{.timeout_ms = 30'000};
  request.topics.push_back({.name = name, .num_partitions = partitions, .replication_factor = 1});
  MOLDAU_CO_TRY_ASSIGN(const auto got, co_await to->call<create_topics_response>(std::move(request)));
  to->close();
  if (const errc code = got->topics.at(0).error_code; code != errc::none) co_return fail(code, "no topic");
  co_return result<void>();
}

rt::task<result<void>> send(rt::world& world, std::string topic, std::int32_t partition,
                            std::vector<std::string> values, std::int64_t timestamp_ms) {
  MOLDAU_CO_TRY_ASSIGN(const auto to, co_await peer::connection::open(world, {"broker", 9092}, {}));
  wire::codec_context codecs;
  wire::batch_builder builder;
  builder.begin({.compression = {}, .base_offset = offset(0)});
  for (const std::string& value : values) {
    MOLDAU_CO_TRY(builder.append(timestamp_ms, std::nullopt, as_bytes(value)));
  }
  MOLDAU_CO_TRY_ASSIGN(const shared_bytes batch, builder.finish(codecs));
  produce_request request{.acks = -1, .timeout_ms = 30'000};
  request.topic_data.push_back({.name = topic});
  request.topic_data.back().partition_data.push_back({.index = partition_id(partition), .records = batch.view()});
  MOLDAU_CO_TRY_ASSIGN(const auto got, co_await to->call<produce_response>(std::move(request), {.version_max = 12}));
  to->close();
  const errc code = got->responses.at(0).partition_responses.at(0).error_code;
  if (code != errc::none) co_return fail(code, "not produced");
  co_return result<void>();
}

}  // namespace

std::vector<topic_partition> of(const std::string& topic, std::initializer_list<int> partitions) {
  std::vector<topic_partition> out;
  for (const int p : partitions) out.push_back({topic, partition_id(p)});
  return out;
}

reader::reader(sim::host& on, consumer_options options)
    : host_(on), consumer_(std::make_unique<consumer>(consumer::make(std::move(options)).value())) {}

reader::~reader() = default;

void reader::note(char what, const std::vector<topic_partition>& which) {
  std::string text(1, what);
  for (const topic_partition& each : which) {
    text += (text.size() > 1 ? " " : "") + each.topic + "-" + std::to_string(each.partition.value());
    if (what == '+') {
      owned.insert(each);
    } else {
      owned.erase(each);
    }
  }
  told.push_back(std::move(text));
}

rebalance_listener reader::listener() {
  rebalance_listener out;
  out.on_assigned = [this](const auto& which) { note('+', which); };
  out.on_revoked = [this](const auto& which) { note('-', which); };
  out.on_lost = [this](const auto& which) { note('!', which); };
  out.before_revoked = before_revoked;
  return out;
}

void reader::subscribe(std::vector<std::string> topics) {
  consumer_->subscribe(std::move(topics), listener()).then([this](const result<void>& done) {
    if (!done) failures.push_back(done.error());
  });
  start_polling();
}

void reader::subscribe_matching(std::string expression) {
  consumer_->subscribe_matching(std::move(expression), listener()).then([this](const result<void>& done) {
    if (!done) failures.push_back(done.error());
  });
  start_polling();
}

void reader::start_polling() {
  if (std::exchange(polling_, true)) return;
  host_.spawn(loop());
}

rt::task<void> reader::loop() {
  while (polling_) {
    const auto got = co_await consumer_->poll(poll_timeout);
    if (!got) {
      failures.push_back(got.error());
      if (got.error().code == errc::closed) break;
      co_await host_.core().sleep_for(100ms);
      continue;
    }
    for (const record_batch& batch : got->batches) {
      for (const record_view& record : batch) seen.emplace_back(as_text(*record.value));
    }
  }
}

void reader::close(close_options how) {
  polling_ = false;
  consumer_->close(how).then([this](const result<void>&) { closed_ = true; });
}

Groups::Groups() : broker(broker_host, std::string(server_properties)) {
  broker.start();
  EXPECT_TRUE(until([&] { return broker.ready(); }));
}

consumer_options Groups::options(sim::host& on, std::string group) {
  consumer_options out;
  out.client.bootstrap_servers = {"broker:9092"};
  out.client.world = moldau::world(on.core());
  out.client.client_id = on.name();
  out.group_id = std::move(group);
  out.offset_reset = offset_reset::earliest;
  out.session_timeout_ms = 6'000;
  out.heartbeat_interval_ms = 1'000;
  return out;
}

reader& Groups::add_reader(const std::string& name, std::function<void(consumer_options&)> change) {
  sim::host& on = add_host(name);
  consumer_options chosen = options(on);
  if (change) change(chosen);
  return readers.emplace_back(on, std::move(chosen));
}

void Groups::create_topic(const std::string& name, std::int32_t partitions) {
  const auto done = world.run(tools, create(tools.core(), name, partitions));
  ASSERT_TRUE(done) << done.error().message;
}

void Groups::produce(const std::string& topic, std::int32_t partition, const std::vector<std::string>& values,
                     std::int64_t timestamp_ms) {
  const auto done = world.run(tools, send(tools.core(), topic, partition, values, timestamp_ms));
  ASSERT_TRUE(done) << done.error().message;
}

bool Groups::covers(const std::string& topic, std::int32_t partitions) const {
  std::multiset<topic_partition> all;
  for (const reader& each : readers) all.insert(each.owned.begin(), each.owned.end());
  for (std::int32_t p = 0; p < partitions; ++p) {
    if (all.count({topic, partition_id(p)}) != 1) return false;
  }
  return true;
}

bool Groups::settles(const std::string& topic, std::int32_t partitions) {
  if (!until([&] { return covers(topic, partitions); })) return false;
  world.run_for(10s);
  return covers(topic, partitions);
}

}  // namespace moldau::client
