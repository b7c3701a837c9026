#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <sstream>
#include <string>

#include "broker/tests/broker_fixture.hpp"
#include "wire/protocol/delete_topics_request.hpp"
#include "wire/protocol/delete_topics_response.hpp"
#include "wire/protocol/fetch_request.hpp"
#include "wire/protocol/fetch_response.hpp"

namespace moldau::broker {
namespace {

using namespace std::chrono_literals;
using testing::broker_fixture;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using testing::test_client;
namespace protocol = wire::protocol;
namespace sim = moldau::testing::sim;

constexpr std::string_view open_to_all = "moldau.admin.host=\nmoldau.admin.port=9464\n";

class AdminPortTest : public broker_fixture {
 public:
  using broker_fixture::broker_fixture;

  /// Head and body of the answer.
  std::string get(std::string_view path) { return on_client(get_on_client(path)); }
  rt::task<std::string> get_on_client(std::string_view path) {
    auto socket = co_await client_.core().net().connect({"broker", 9464}, 5000);
    if (!socket) co_return "";
    const std::string text = "GET " + std::string(path) + " HTTP/1.1\r\nHost: broker\r\nConnection: close\r\n\r\n";
    std::vector<rt::chunk> chunks;
    chunks.emplace_back(shared_bytes::copy_of(as_bytes(text)));
    if (!co_await (*socket)->write(std::move(chunks))) co_return "";
    std::string out;
    std::array<std::byte, 4096> piece{};
    for (;;) {
      const auto got = co_await (*socket)->read_some(piece);
      if (!got || *got == 0) break;
      out += as_text(bytes_view(piece).first(*got));
    }
    co_return out;
  }
  /// The value of a series, as it is printed; empty if it isn't there.
  std::string value_of(const std::string& series) {
    std::istringstream lines(get("/metrics"));
    for (std::string line; std::getline(lines, line);) {
      if (line.starts_with(series + " ")) return line.substr(series.size() + 1);
    }
    return "";
  }
  protocol::fetch_response fetch(std::string_view topic, std::int64_t from) {
    protocol::fetch_request request;
    request.max_wait_ms = 100;
    request.min_bytes = 1;
    request.max_bytes = 1 << 20;
    request.session_epoch = -1;
    auto& of_topic = request.topics.emplace_back();
    of_topic.topic = topic;
    auto& partition = of_topic.partitions.emplace_back();
    partition.fetch_offset = offset(from);
    partition.partition_max_bytes = 1 << 20;
    return ask<protocol::fetch_response>(request, 11).message;
  }
  /// What a Linux would show of a process.
  void put_process() {
    world_.run(broker_, [](sim::host& host) -> rt::task<void> {
      rt::file_system& files = host.core().files();
      EXPECT_TRUE(files.make_directories("/proc/self/fd"));
      for (const char* name : {"/proc/self/fd/0", "/proc/self/fd/1"}) {
        EXPECT_TRUE(files.open(name, rt::open_mode::create));
      }
      auto stat = files.open("/proc/self/stat", rt::open_mode::create);
      EXPECT_TRUE(stat);
      const std::string_view text =
          "4711 (my (odd) name) S 1 1 1 0 -1 4194304 1000 0 0 0 250 50 0 0 20 0 9 0 100 900000000 5000 "
          "18446744073709551615";
      EXPECT_TRUE((*stat)->write_at(0, as_bytes(text)));
      co_return;
    }(broker_));
  }
};

/// Names and kinds: of the scrape's own comments, or of the page's tables.
std::map<std::string, std::string> names_in(const std::string& text, const std::regex& row) {
  std::map<std::string, std::string> out;
  for (std::sregex_iterator at(text.begin(), text.end(), row), end; at != end; ++at) out[(*at)[1]] = (*at)[2];
  return out;
}

TEST_F(AdminPortTest, ServesWhatTheGuideLists) {
  start(open_to_all);
  put_process();
  ASSERT_EQ(create_topic("orders"), errc::none);
  ASSERT_EQ(produce_values("orders", {"a"}).error, errc::none);
  ASSERT_EQ(produce_values("orders", {"a"}, 7).error, errc::invalid_required_acks);
  ASSERT_EQ(fetch("orders", 0).error_code, errc::none);
  const auto stays = on_client(test_client::connect(client_.core(), {"broker", 9092}));
  ASSERT_TRUE(stays);

  std::ifstream page(std::filesystem::path(__FILE__).parent_path() / "../../../docs/guide/metrics.md");
  ASSERT_TRUE(page);
  const std::string guide{std::istreambuf_iterator<char>(page), {}};
  EXPECT_EQ(names_in(get("/metrics"), std::regex(R"(# TYPE (\w+) (\w+))")),
            names_in(guide, std::regex(R"(\n\| `(\w+)` \| (\w+) \|)")));
}

TEST_F(AdminPortTest, CountsRecordsAndBytes) {
  start(open_to_all);
  ASSERT_EQ(create_topic("orders"), errc::none);
  ASSERT_EQ(create_topic("others"), errc::none);
  ASSERT_EQ(produce_values("orders", {"a", "b", "c"}).error, errc::none);
  ASSERT_EQ(produce_values("others", {"d"}, 1).error, errc::none);
  EXPECT_EQ(value_of("kafka_server_brokertopicmetrics_messagesin_total"), "4");
  EXPECT_EQ(value_of("kafka_server_brokertopicmetrics_messagesin_total{topic=\"orders\"}"), "3");
  const std::string size = value_of("kafka_log_log_size{topic=\"orders\",partition=\"0\"}");
  EXPECT_EQ(value_of("kafka_server_brokertopicmetrics_bytesin_total{topic=\"orders\"}"), size);
  EXPECT_EQ(value_of("kafka_log_log_logendoffset{topic=\"orders\",partition=\"0\"}"), "3");
  EXPECT_EQ(value_of("kafka_server_brokertopicmetrics_bytesout_total"), "0");
  fetch("orders", 0);
  EXPECT_EQ(value_of("kafka_server_brokertopicmetrics_bytesout_total{topic=\"orders\"}"), size);
}

TEST_F(AdminPortTest, CountsErrorsByApi) {
  start(open_to_all);
  ASSERT_EQ(create_topic("orders"), errc::none);
  for (int i = 0; i < 2; ++i) ASSERT_NE(produce_values("orders", {"a"}, 7).error, errc::none);
  EXPECT_EQ(value_of("kafka_network_requestmetrics_requests_total{request=\"Produce\"}"), "2");
  EXPECT_EQ(value_of("kafka_network_requestmetrics_errors_total{request=\"Produce\",error=\"INVALID_REQUIRED_ACKS\"}"),
            "2");
  EXPECT_EQ(value_of("kafka_server_brokertopicmetrics_failedproducerequests_total"), "2");
}

TEST_F(AdminPortTest, CountsPartitionsThatLackReplicasInSync) {
  start(open_to_all);
  ASSERT_EQ(create_topic("orders", 2, {{"min.insync.replicas", "2"}}), errc::none);
  ASSERT_EQ(create_topic("others", 3), errc::none);
  EXPECT_EQ(value_of("kafka_server_replicamanager_partitioncount"), "5");
  EXPECT_EQ(value_of("kafka_server_replicamanager_underminisrpartitioncount"), "2");
  EXPECT_EQ(value_of("kafka_controller_kafkacontroller_globalpartitioncount"), "5");
  EXPECT_EQ(value_of("kafka_controller_kafkacontroller_activecontrollercount"), "1");
}

TEST_F(AdminPortTest, CountsSyncRounds) {
  start(open_to_all);
  ASSERT_EQ(create_topic("orders"), errc::none);
  const int before = std::stoi(value_of("kafka_log_logflushstats_logflush_seconds_count"));
  ASSERT_EQ(produce_values("orders", {"a"}).error, errc::none);
  EXPECT_EQ(std::stoi(value_of("kafka_log_logflushstats_logflush_seconds_count")), before + 1);
}

TEST_F(AdminPortTest, ReadsTheProcessPastItsName) {
  start(open_to_all);
  put_process();
  EXPECT_EQ(value_of("process_resident_memory_bytes"), "20480000");
  EXPECT_EQ(value_of("process_cpu_seconds_total"), "3");
  EXPECT_EQ(value_of("process_open_fds"), "2");
}

TEST_F(AdminPortTest, LeavesOutWhatItCannotSeeOfTheProcess) {
  start(open_to_all);
  EXPECT_EQ(value_of("process_resident_memory_bytes"), "");
  EXPECT_NE(value_of("moldau_uptime_seconds"), "");
}

TEST_F(AdminPortTest, ForgetsTopicsThatAreDeleted) {
  start(open_to_all);
  ASSERT_EQ(create_topic("orders"), errc::none);
  ASSERT_EQ(produce_values("orders", {"a"}).error, errc::none);
  EXPECT_THAT(get("/metrics"), HasSubstr("topic=\"orders\""));
  const errc deleted = on_client([](AdminPortTest& test) -> rt::task<errc> {
    protocol::delete_topics_request request;
    request.topic_names.push_back("orders");
    auto client = co_await test_client::connect(test.client_.core(), {"broker", 9092});
    auto reply = co_await client->call<protocol::delete_topics_response>(request, 5);
    co_return reply ? reply->message.responses.front().error_code : reply.error().code;
  }(*this));
  ASSERT_EQ(deleted, errc::none);
  EXPECT_THAT(get("/metrics"), ::testing::Not(HasSubstr("topic=\"orders\"")));
}

/// A log that tells everything.
class TalkativeTest : public AdminPortTest {
 protected:
  static sim::options talkative() {
    sim::options out = sim::calm();
    out.log_level = base::log_level::debug;
    return out;
  }
  TalkativeTest() : AdminPortTest(talkative()) {}
};

TEST_F(TalkativeTest, LogsEveryRequestWithItsErrors) {
  start(open_to_all);
  ASSERT_EQ(create_topic("orders"), errc::none);
  ASSERT_NE(produce_values("orders", {"a"}, 7).error, errc::none);
  EXPECT_TRUE(world_.logs().contains("broker", "CreateTopics v7"));
  EXPECT_TRUE(world_.logs().contains("broker", "1 INVALID_REQUIRED_ACKS"));
}

TEST_F(AdminPortTest, LogsNoRequestByDefault) {
  start(open_to_all);
  ASSERT_EQ(create_topic("orders"), errc::none);
  EXPECT_FALSE(world_.logs().contains("broker", "CreateTopics v7"));
}

TEST_F(AdminPortTest, IsHealthyWhileItServes) {
  start(open_to_all);
  EXPECT_THAT(get("/healthz"), StartsWith("HTTP/1.1 200"));
}

/// Every sync takes a second, so that a start and a stop take long.
class SlowAdminPortTest : public AdminPortTest {
 protected:
  static sim::options slow() {
    sim::options out = sim::calm();
    out.disk.sync_latency = {1s, 1s};
    return out;
  }
  SlowAdminPortTest() : AdminPortTest(slow()) {}
};

TEST_F(SlowAdminPortTest, IsNotHealthyBeforeItServesAndWhileItStops) {
  std::string early;
  client_.spawn([](SlowAdminPortTest& test, std::string& into) -> rt::task<void> {
    while (into.empty()) {
      co_await test.client_.core().sleep_for(10ms);
      into = co_await test.get_on_client("/healthz");
    }
  }(*this, early));
  start(open_to_all);
  EXPECT_THAT(early, StartsWith("HTTP/1.1 503"));
  EXPECT_THAT(early, HasSubstr("The broker is starting"));
  ASSERT_EQ(create_topic("orders"), errc::none);
  ASSERT_EQ(produce_values("orders", {"a"}).error, errc::none);
  begin_stop();
  world_.run_for(100ms);
  const std::string late = get("/healthz");
  EXPECT_THAT(late, StartsWith("HTTP/1.1 503"));
  EXPECT_THAT(late, HasSubstr("The broker is stopping"));
  stop();
}

TEST_F(AdminPortTest, GivesWayToAnotherBrokersDefaultPort) {
  const auto other = broker_.core().net().listen({"127.0.0.1", 9464});
  ASSERT_TRUE(other);
  start();
  EXPECT_FALSE(start_error_);
  EXPECT_TRUE(world_.logs().contains("broker", "moldau.admin.port"));
  EXPECT_EQ(create_topic("orders"), errc::none);
}

TEST_F(AdminPortTest, StopsTheStartIfAPortThatWasChosenIsInUse) {
  const auto other = broker_.core().net().listen({"", 9464});
  ASSERT_TRUE(other);
  start(open_to_all);
  ASSERT_TRUE(start_error_);
  EXPECT_THAT(start_error_->message, HasSubstr("moldau.admin.port"));
}

TEST_F(AdminPortTest, IsOffAtMinusOne) {
  start("moldau.admin.port=-1\n");
  EXPECT_EQ(node_->admin().local(), std::nullopt);
  EXPECT_EQ(create_topic("orders"), errc::none);
}

}  // namespace
}  // namespace moldau::broker
