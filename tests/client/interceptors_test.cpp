#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

#include "moldau_adapters/trace_interceptors.hpp"
#include "tests/client/playground.hpp"

namespace moldau::client {
namespace {

using namespace std::chrono_literals;
using adapters::context_of;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const topic_partition first{"t", partition_id(0)};
constexpr std::string_view trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

std::string text_of(const record_view& record) {
  return std::string(as_text(record.value.value_or(bytes_view())));
}

/// Notes what it is shown.
class noting final : public consume_interceptor {
 public:
  void on_consume(polled& records) override {
    for (const record_batch& batch : records.batches) {
      for (const record_view& record : batch) seen.push_back(text_of(record));
    }
  }
  void on_commit(const std::map<topic_partition, committed_offset>& offsets) override {
    for (const auto& [partition, at] : offsets) committed.push_back(at.offset);
  }
  std::vector<std::string> seen;
  std::vector<offset> committed;
};

/// Takes every batch that begins with an even value out.
class choosing final : public consume_interceptor {
 public:
  void on_consume(polled& records) override {
    std::erase_if(records.batches,
                  [](const record_batch& batch) { return (std::stoi(text_of(batch.records().front())) & 1) == 0; });
  }
};

/// Spoils what it is given, and throws.
class broken final : public consume_interceptor {
 public:
  void on_consume(polled& records) override {
    records.batches.clear();
    throw std::runtime_error("no good");
  }
  void on_commit(const std::map<topic_partition, committed_offset>&) override { throw 7; }
};

class ClientInterceptors : public ::testing::Test {
 protected:
  template <typename T>
  result<T> wait(async<T> what) {
    return in.run([](async<T> inner) -> rt::task<result<T>> { co_return co_await std::move(inner); }(std::move(what)));
  }
  consumer make_consumer(std::vector<std::shared_ptr<consume_interceptor>> interceptors, bool auto_commit = false) {
    auto settings = in.to_cluster();
    settings.log = [this](log_severity severity, std::string_view line) {
      if (severity == log_severity::warn) logged.emplace_back(line);
    };
    return consumer::make({.client = settings,
                           .group_id = "g",
                           .offset_reset = offset_reset::earliest,
                           .auto_commit = auto_commit,
                           .auto_commit_interval_ms = 1'000,
                           .poll_records_max = 1,
                           .interceptors = std::move(interceptors)})
        .value();
  }
  std::vector<std::string> read(consumer& from, std::size_t count) {
    std::vector<std::string> out;
    const auto until = in.world().now() + 60s;
    while (out.size() < count && in.world().now() < until) {
      const auto got = wait(from.poll(500ms));
      if (!got) break;
      for (const auto& batch : got->batches) {
        for (const auto& record : batch) out.push_back(text_of(record));
      }
    }
    return out;
  }
  void fill(int count) {
    for (int i = 0; i < count; ++i) ASSERT_TRUE(in.cluster().append(first, {.value = std::to_string(i)}));
  }

  playground in{{.topics = {{.name = "t"}}}};
  std::vector<std::string> logged;
};

TEST_F(ClientInterceptors, SeeWhatAPollGivesAndWhatIsCommitted) {
  fill(2);
  const auto seen = std::make_shared<noting>();
  auto c = make_consumer({seen});
  ASSERT_TRUE(wait(c.assign({first})));
  ASSERT_THAT(read(c, 2), ElementsAre("0", "1"));
  EXPECT_THAT(seen->seen, ElementsAre("0", "1"));
  EXPECT_THAT(seen->committed, IsEmpty());
  ASSERT_TRUE(wait(c.commit()));
  EXPECT_THAT(seen->committed, ElementsAre(offset(2)));
  EXPECT_TRUE(wait(c.close()));
}

TEST_F(ClientInterceptors, SeeCommitsThatHappenByThemselves) {
  fill(1);
  const auto seen = std::make_shared<noting>();
  auto c = make_consumer({seen}, true);
  ASSERT_TRUE(wait(c.assign({first})));
  ASSERT_THAT(read(c, 1), ElementsAre("0"));
  EXPECT_TRUE(wait(c.close()));
  EXPECT_THAT(seen->committed, Contains(offset(1)));
}

TEST_F(ClientInterceptors, DoNotSeeACommitThatFailed) {
  fill(1);
  const auto seen = std::make_shared<noting>();
  auto c = make_consumer({seen});
  ASSERT_TRUE(wait(c.assign({first})));
  ASSERT_THAT(read(c, 1), ElementsAre("0"));
  in.cluster().inject({.of = api::offset_commit, .code = errc::group_authorization_failed});
  EXPECT_FALSE(wait(c.commit()));
  EXPECT_THAT(seen->committed, IsEmpty());
  EXPECT_TRUE(wait(c.close()));
}

TEST_F(ClientInterceptors, TakeRecordsOutForThoseBehindThemAndThePollGoesOn) {
  fill(4);
  const auto behind = std::make_shared<noting>();
  auto c = make_consumer({std::make_shared<choosing>(), behind});
  ASSERT_TRUE(wait(c.assign({first})));
  EXPECT_THAT(read(c, 2), ElementsAre("1", "3"));
  EXPECT_THAT(behind->seen, ElementsAre("1", "3"));
  EXPECT_EQ(wait(c.position(first)).value(), offset(4));
  EXPECT_TRUE(wait(c.close()));
}

TEST_F(ClientInterceptors, ThatThrowAreLoggedAndAllGoesOn) {
  fill(1);
  const auto behind = std::make_shared<noting>();
  auto c = make_consumer({std::make_shared<broken>(), behind});
  ASSERT_TRUE(wait(c.assign({first})));
  EXPECT_THAT(read(c, 1), ElementsAre("0"));
  EXPECT_TRUE(wait(c.commit()));
  EXPECT_THAT(behind->seen, ElementsAre("0"));
  EXPECT_THAT(behind->committed, ElementsAre(offset(1)));
  EXPECT_THAT(logged, Contains(HasSubstr("on_consume threw: no good")));
  EXPECT_THAT(logged, Contains(HasSubstr("on_commit threw")));
  EXPECT_TRUE(wait(c.close()));
}

/// A producer's, that adds a header of that name.
class adding : public producer_interceptor {
 public:
  explicit adding(std::string name) : name_(std::move(name)) {}
  void on_send(intercepted_record& record) override { record.add_header(name_, std::nullopt); }
  void on_acknowledgement(const delivery_report&) override {}

 private:
  std::string name_;
};

/// Spoils the record and throws.
class broken_sender final : public producer_interceptor {
 public:
  void on_send(intercepted_record& record) override {
    record.record().value = std::nullopt;
    for (int i = 0; i < 20; ++i) record.add_header("x", std::nullopt);
    throw std::runtime_error("no good");
  }
  void on_acknowledgement(const delivery_report&) override { throw std::runtime_error("no better"); }
};

TEST_F(ClientInterceptors, AProducersThatThrowAreLoggedAndTheRecordGoesAsItWas) {
  auto settings = in.to_cluster();
  settings.log = [this](log_severity, std::string_view line) { logged.emplace_back(line); };
  auto p = producer::make({.client = settings,
                           .interceptors = {std::make_shared<adding>("a"), std::make_shared<broken_sender>(),
                                            std::make_shared<adding>("b"), std::make_shared<broken_sender>()}})
               .value();
  ASSERT_TRUE(wait(p.send({.topic = "t", .partition = first.partition, .value = as_bytes("v")})));
  const auto records = in.cluster().records(first);
  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(records[0].value, "v");
  ASSERT_EQ(records[0].headers.size(), 2U);
  EXPECT_EQ(records[0].headers[0].first, "a");
  EXPECT_EQ(records[0].headers[1].first, "b");
  EXPECT_THAT(logged, Contains(HasSubstr("on_send threw: no good")));
  EXPECT_TRUE(wait(p.close()));
  EXPECT_THAT(logged, Contains(HasSubstr("on_acknowledgement threw: no better")));
}

TEST_F(ClientInterceptors, ATraceGoesFromTheSenderToTheReader) {
  adapters::span_context span = adapters::parse_traceparent(trace).value();
  span.trace_state = "vendor=1";
  auto p = producer::make({.client = in.to_cluster(),
                           .interceptors = {std::make_shared<adapters::trace_sender>(
                               [&](const outgoing_record& record) -> std::optional<adapters::span_context> {
                                 if (record.key) return std::nullopt;
                                 return span;
                               })}})
               .value();
  ASSERT_TRUE(wait(p.send({.topic = "t", .value = as_bytes("traced")})));
  ASSERT_TRUE(wait(p.send({.topic = "t", .key = as_bytes("k"), .value = as_bytes("untraced")})));
  adapters::span_context other = span;
  other.span_id[0] = std::byte{1};
  const adapters::trace_headers own(other);
  ASSERT_TRUE(wait(p.send({.topic = "t", .value = as_bytes("own"), .headers = own.headers()})));
  ASSERT_TRUE(wait(p.close()));

  std::map<std::string, std::optional<adapters::span_context>> seen;
  auto c = make_consumer({std::make_shared<adapters::trace_reader>(
      [&](const record_batch&, const record_view& record, const auto& from) { seen[text_of(record)] = from; })});
  ASSERT_TRUE(wait(c.assign({first})));
  ASSERT_EQ(read(c, 3).size(), 3U);
  EXPECT_EQ(seen.at("traced"), span);
  EXPECT_EQ(seen.at("untraced"), std::nullopt);
  EXPECT_EQ(seen.at("own"), other);
  EXPECT_TRUE(wait(c.close()));
}

}  // namespace
}  // namespace moldau::client
