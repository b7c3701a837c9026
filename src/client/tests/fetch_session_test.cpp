#include "client/fetch_session.hpp"

#include <gtest/gtest.h>

namespace moldau::client {
namespace {

using wire::protocol::fetch_request;

struct FetchSession : ::testing::Test {
  fetch_session session;
  topic_partition a{"a", partition_id(0)};
  topic_partition b{"b", partition_id(1)};

  static fetch_ask ask(const topic_partition& of, std::int64_t at) {
    return {.of = &of, .fetch_offset = offset(at), .current_leader_epoch = leader_epoch(1), .bytes_max = 100};
  }
  fetch_request begin(std::vector<fetch_ask> asks) {
    fetch_request out;
    session.begin(asks, out);
    return out;
  }
  void answer(std::int32_t id, errc code = errc::none) { session.on_answer(code, id); }
};

TEST_F(FetchSession, BeginsWithEverythingAndGoesOnWithWhatChanged) {
  fetch_request first = begin({ask(a, 0), ask(b, 5)});
  EXPECT_EQ(first.session_id, 0);
  EXPECT_EQ(first.session_epoch, 0);
  EXPECT_EQ(first.topics.size(), 2U);
  answer(77);

  const fetch_request second = begin({ask(a, 10), ask(b, 5)});
  EXPECT_EQ(second.session_id, 77);
  EXPECT_EQ(second.session_epoch, 1);
  ASSERT_EQ(second.topics.size(), 1U);
  EXPECT_EQ(second.topics[0].topic, "a");
  EXPECT_EQ(second.topics[0].partitions[0].fetch_offset, offset(10));
  EXPECT_TRUE(second.forgotten_topics_data.empty());
}

TEST_F(FetchSession, ForgetsWhatIsNotAskedAnyMoreAndNamesItAgainLater) {
  static_cast<void>(begin({ask(a, 0), ask(b, 5)}));
  answer(77);
  const fetch_request without = begin({ask(a, 0)});
  EXPECT_TRUE(without.topics.empty());
  ASSERT_EQ(without.forgotten_topics_data.size(), 1U);
  EXPECT_EQ(without.forgotten_topics_data[0].topic, "b");
  EXPECT_EQ(without.forgotten_topics_data[0].partitions, std::vector{partition_id(1)});
  answer(77);
  const fetch_request again = begin({ask(a, 0), ask(b, 5)});
  ASSERT_EQ(again.topics.size(), 1U);
  EXPECT_EQ(again.topics[0].topic, "b");
}

TEST_F(FetchSession, NamesEverythingEachTimeWhereTheBrokerKeepsNoSession) {
  static_cast<void>(begin({ask(a, 0)}));
  answer(0);
  const fetch_request again = begin({ask(a, 0)});
  EXPECT_EQ(again.session_epoch, 0);
  EXPECT_EQ(again.topics.size(), 1U);
}

TEST_F(FetchSession, BeginsAnewWhenTheBrokerHasLostIt) {
  static_cast<void>(begin({ask(a, 0)}));
  answer(77);
  static_cast<void>(begin({ask(a, 1)}));
  answer(0, errc::fetch_session_id_not_found);
  const fetch_request again = begin({ask(a, 1)});
  EXPECT_EQ(again.session_id, 0);
  EXPECT_EQ(again.session_epoch, 0);
  EXPECT_EQ(again.topics.size(), 1U);
}

TEST_F(FetchSession, ReplacesTheOldOneAfterAFailureOrAWrongEpoch) {
  static_cast<void>(begin({ask(a, 0)}));
  answer(77);
  static_cast<void>(begin({ask(a, 1)}));
  session.on_failure();
  fetch_request again = begin({ask(a, 1)});
  EXPECT_EQ(again.session_id, 77);
  EXPECT_EQ(again.session_epoch, 0);
  answer(78);
  static_cast<void>(begin({ask(a, 2)}));
  answer(78, errc::invalid_fetch_session_epoch);
  again = begin({ask(a, 2)});
  EXPECT_EQ(again.session_id, 78);
  EXPECT_EQ(again.session_epoch, 0);
}

TEST_F(FetchSession, EndsWithTheFinalEpoch) {
  static_cast<void>(begin({ask(a, 0)}));
  answer(77);
  ASSERT_TRUE(session.is_open());
  fetch_request last;
  session.end(last);
  EXPECT_EQ(last.session_id, 77);
  EXPECT_EQ(last.session_epoch, -1);
  EXPECT_FALSE(session.is_open());
}

}  // namespace
}  // namespace moldau::client
