#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include "moldau/client/admin.hpp"
#include "moldau_adapters/asio_executor.hpp"
#include "moldau_adapters/nlohmann_json.hpp"
#include "moldau_adapters/trace_context.hpp"

namespace moldau::adapters {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

TEST(AsioExecutor, RunsHandlersOnTheCallersLoopAndInOrder) {
  boost::asio::io_context loop;
  asio_executor here(loop.get_executor());
  std::vector<int> order;
  here.post([&, own = std::make_unique<int>(1)] { order.push_back(*own); });
  here.post([&] { order.push_back(2); });
  EXPECT_TRUE(order.empty());
  loop.run();
  EXPECT_EQ(order, (std::vector<int>{1, 2}));
}

TEST(AsioExecutor, RunsWhatIsPostedForLaterOnceItsTimeHasCome) {
  boost::asio::io_context loop;
  asio_executor here(loop.get_executor());
  const auto at = here.now() + 5ms;
  bool ran = false;
  here.post_at(at, [&] { ran = here.now() >= at; });
  loop.run();
  EXPECT_TRUE(ran);
}

TEST(AsioExecutor, ACallsOutcomeComesOnTheLoop) {
  boost::asio::io_context loop;
  asio_executor here(loop.get_executor());
  auto working = boost::asio::make_work_guard(loop);
  auto admin = client::admin::make({.bootstrap_servers = {"localhost:1"}, .handlers = &here}).value();
  errc seen = errc::none;
  admin.list_topics().within(1ms).then([&](const result<std::vector<client::listed_topic>>& got) {
    seen = got.error().code;
    working.reset();
  });
  loop.run();
  EXPECT_EQ(seen, errc::timed_out);
}

struct order {
  std::string customer;
  int amount = 0;
  NLOHMANN_DEFINE_TYPE_INTRUSIVE(order, customer, amount)
};

TEST(JsonSerde, WritesAndReadsATypeOfTheUsers) {
  std::vector<std::byte> bytes;
  ASSERT_TRUE(json_serde<order>().write({.customer = "a", .amount = 2}, bytes));
  EXPECT_EQ(as_text(bytes), R"({"amount":2,"customer":"a"})");
  EXPECT_EQ(json_serde<order>().read(bytes)->amount, 2);
}

TEST(JsonSerde, WhatTheLibraryThrowsIsAnError) {
  EXPECT_EQ(json_serde<order>().read(as_bytes("{")).error().code, errc::malformed);
  EXPECT_EQ(json_serde<order>().read(as_bytes(R"({"amount":"x"})")).error().code, errc::malformed);
  std::vector<std::byte> bytes;
  EXPECT_EQ(json_serde<order>().write({.customer = "\xff", .amount = 0}, bytes).error().code, errc::invalid_argument);
}

TEST(JsonSerde, IsTheSerdeOfJsonItself) {
  static_assert(serde_for<serde<nlohmann::json>, nlohmann::json>);
  std::vector<std::byte> bytes;
  EXPECT_EQ(as_text(*serialize(nlohmann::json{{"x", 1}}, bytes).value()), R"({"x":1})");
}

constexpr std::string_view example = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

TEST(TraceContext, TheHeaderComesBack) {
  const auto context = parse_traceparent(example);
  ASSERT_TRUE(context);
  EXPECT_TRUE(context->is_sampled());
  EXPECT_EQ(to_traceparent(*context), example);
}

TEST(TraceContext, WhatTheRulesCallInvalidBeginsANewTrace) {
  for (const std::string_view wrong : {"", "00", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
                                       "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
                                       "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
                                       "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
                                       "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
                                       "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
                                       "00-4bf92f3577b34da6a3ce929d0e0e4736x00f067aa0ba902b7-01",
                                       "0g-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}) {
    EXPECT_FALSE(parse_traceparent(wrong)) << wrong;
  }
}

TEST(TraceContext, ALaterVersionMayHaveMoreBehindIt) {
  EXPECT_TRUE(parse_traceparent("01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more"));
  EXPECT_FALSE(parse_traceparent("01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01more"));
}

TEST(TraceContext, ARecordCarriesItWithWhatVendorsAdd) {
  span_context sent = *parse_traceparent(example);
  sent.trace_state = "vendor=1";
  const trace_headers headers(sent);
  EXPECT_EQ(context_of(headers.headers()), sent);
  EXPECT_FALSE(context_of({}));
}

}  // namespace
}  // namespace moldau::adapters
