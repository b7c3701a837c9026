#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "moldau/client/admin.hpp"
#include "tests/client/playground.hpp"

namespace moldau::client {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const topic_partition first{"t", partition_id(0)};

/// A cluster "ours" and another, "theirs", on a host of its own.
class TwoClusters : public ::testing::Test {
 protected:
  template <typename T>
  result<T> wait(async<T> what) {
    return in.run([](async<T> inner) -> rt::task<result<T>> { co_return co_await std::move(inner); }(std::move(what)));
  }
  client_options to_both() {
    auto out = in.to_cluster();
    out.bootstrap_servers.push_back(theirs.bootstrap_servers().front());
    out.log = [this](log_severity severity, std::string_view line) {
      if (severity == log_severity::error) complaints.emplace_back(line);
    };
    return out;
  }
  result<delivery> send(producer& by, std::string_view value) {
    return wait(by.send({.topic = "t", .partition = first.partition, .value = as_bytes(value)}));
  }

  playground in{{.cluster_id = "ours", .topics = {{.name = "t"}}}};
  testing::sim::host& elsewhere = in.simulator().add_host("elsewhere");
  fake_broker theirs = fake_broker::start({.cluster_id = "theirs",
                                           .topics = {{.name = "t"}},
                                           .world = moldau::world(elsewhere.core()),
                                           .host = "elsewhere"})
                           .value();
  std::vector<std::string> complaints;
};

TEST_F(TwoClusters, InBootstrapServersAreNeverUsedAtOnce) {
  auto p = producer::make({.client = to_both(), .linger_ms = 0}).value();
  ASSERT_TRUE(send(p, "a"));
  EXPECT_THAT(complaints, ::testing::IsEmpty());
  EXPECT_EQ(theirs.requests().size(), 0U);
  EXPECT_THAT(values_of(in.cluster(), first), ElementsAre("a"));

  // Only when ours is gone for good does it look at the other servers, and says what it found there.
  ASSERT_TRUE(in.cluster().stop_broker(broker_id(1)));
  ASSERT_TRUE(send(p, "b"));
  EXPECT_THAT(complaints, Contains(AllOf(HasSubstr("'theirs'"), HasSubstr("'ours'"), HasSubstr("bootstrap.servers"))));
  EXPECT_THAT(values_of(theirs, first), ElementsAre("b"));
  EXPECT_EQ(wait(p.statistics())->cluster_id, "theirs");

  // With ours back it stays with theirs.
  ASSERT_TRUE(in.cluster().start_broker(broker_id(1)));
  complaints.clear();
  ASSERT_TRUE(send(p, "c"));
  EXPECT_THAT(complaints, ::testing::IsEmpty());
  EXPECT_THAT(values_of(theirs, first), ElementsAre("b", "c"));
  EXPECT_THAT(values_of(in.cluster(), first), ElementsAre("a"));
  EXPECT_TRUE(wait(p.close()));
}

TEST_F(TwoClusters, OneBehindTheOthersAddressIsNoticedAndBegunWithAnew) {
  auto settings = to_both();
  settings.bootstrap_servers.pop_back();
  settings.metadata_max_age_ms = 1'000;
  auto p = producer::make({.client = settings, .linger_ms = 0}).value();
  ASSERT_TRUE(send(p, "a"));
  in.cluster().set_cluster_id("another");
  in.cluster().disconnect_all();
  in.simulator().run_for(3s);
  EXPECT_THAT(complaints, ElementsAre(AllOf(HasSubstr("'another'"), HasSubstr("'ours'"))));
  ASSERT_TRUE(send(p, "b"));
  const statistics got = wait(p.statistics()).value();
  EXPECT_EQ(got.cluster_id, "another");
  EXPECT_EQ(got.rebootstraps, 1U);
  EXPECT_TRUE(wait(p.close()));
}

TEST_F(TwoClusters, AreToldApartByAClientThatMayNotBeginAnew) {
  auto settings = to_both();
  settings.bootstrap_servers.pop_back();
  settings.metadata_recovery = metadata_recovery::none;
  auto a = admin::make(settings).value();
  ASSERT_TRUE(wait(a.describe_log_dirs()));
  in.cluster().set_cluster_id("another");
  const auto refused = wait(a.describe_log_dirs());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, errc::inconsistent_cluster_id);
  EXPECT_THAT(refused.error().message, AllOf(HasSubstr("'another'"), HasSubstr("'ours'")));
  EXPECT_EQ(wait(a.statistics())->cluster_id, "ours");
  EXPECT_TRUE(wait(a.close()));
}

}  // namespace
}  // namespace moldau::client
