#include "broker/fetch_session.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <initializer_list>
#include <string>
#include <vector>

#include "testing/sim/simulator.hpp"

namespace moldau::broker {
namespace {

using namespace std::chrono_literals;
using wire::protocol::fetch_request;

constexpr std::int16_t by_name = 12;
constexpr std::int16_t by_id = 13;

struct wanted {
  std::string_view topic;
  std::int32_t partition;
  std::int64_t from = 0;
};

fetch_request request_of(std::int32_t session, std::int32_t epoch, std::initializer_list<wanted> partitions,
                         std::initializer_list<wanted> forgotten = {}) {
  fetch_request out;
  out.session_id = session;
  out.session_epoch = epoch;
  for (const wanted& one : partitions) {
    auto& topic = out.topics.emplace_back();
    topic.topic = one.topic;
    auto& partition = topic.partitions.emplace_back();
    partition.partition = partition_id(one.partition);
    partition.fetch_offset = offset(one.from);
  }
  for (const wanted& one : forgotten) {
    auto& topic = out.forgotten_topics_data.emplace_back();
    topic.topic = one.topic;
    topic.partitions.push_back(partition_id(one.partition));
  }
  return out;
}

class FetchSessionTest : public ::testing::Test {
 protected:
  FetchSessionTest() : simulator_(3), host_(simulator_.add_host("broker")) {}

  result<fetch_sessions::context> begin(const fetch_request& request, std::int16_t version = by_name) {
    return sessions_.begin(request, version, host_.core());
  }
  /// A new session over these partitions; 0 if there was no room.
  std::int32_t open(std::initializer_list<wanted> partitions) {
    return begin(request_of(0, 0, partitions))->response_session_id();
  }
  static std::vector<std::string> targets_of(const fetch_sessions::context& context) {
    std::vector<std::string> out;
    for (const auto& one : context.session->targets()) {
      out.push_back(one.topic + "-" + std::to_string(one.partition.value()) + "@" +
                    std::to_string(one.fetch_offset.value()));
    }
    return out;
  }

  moldau::testing::sim::simulator simulator_;
  moldau::testing::sim::host& host_;
  fetch_sessions sessions_{2, 2min, 1, 4};
};

using texts = std::vector<std::string>;

TEST_F(FetchSessionTest, IsMadeByAFullFetch) {
  auto context = begin(request_of(0, 0, {{"a", 0}, {"b", 1}}));
  ASSERT_TRUE(context);
  EXPECT_FALSE(context->incremental);
  EXPECT_NE(context->response_session_id(), 0);
  EXPECT_EQ(context->response_session_id() % 4, 1) << "ids tell the cores apart";
  EXPECT_EQ(targets_of(*context), (texts{"a-0@0", "b-1@0"}));
}

TEST_F(FetchSessionTest, IsNotMadeForAFetchWithoutOne) {
  auto context = begin(request_of(0, -1, {{"a", 0}}));
  ASSERT_TRUE(context);
  EXPECT_EQ(context->response_session_id(), 0);
  EXPECT_EQ(sessions_.size(), 0U);
}

TEST_F(FetchSessionTest, IsNotMadeForAFetchOfNothing) {
  EXPECT_EQ(open({}), 0);
  EXPECT_EQ(sessions_.size(), 0U);
}

TEST_F(FetchSessionTest, RemembersWhatIsAskedFor) {
  const std::int32_t id = open({{"a", 0}, {"a", 1}});
  auto context = begin(request_of(id, 1, {}));
  ASSERT_TRUE(context);
  EXPECT_TRUE(context->incremental);
  EXPECT_EQ(context->response_session_id(), id);
  EXPECT_EQ(targets_of(*context), (texts{"a-0@0", "a-1@0"}));
}

TEST_F(FetchSessionTest, TakesChangesAdditionsAndWhatIsForgotten) {
  const std::int32_t id = open({{"a", 0}, {"a", 1}});
  auto context = begin(request_of(id, 1, {{"a", 1, 7}, {"c", 0, 3}}, {{"a", 0}}));
  ASSERT_TRUE(context);
  EXPECT_EQ(targets_of(*context), (texts{"a-1@7", "c-0@3"}));
}

TEST_F(FetchSessionTest, IgnoresThatWhatItDoesNotHaveIsForgotten) {
  const std::int32_t id = open({{"a", 0}});
  auto context = begin(request_of(id, 1, {}, {{"z", 5}}));
  ASSERT_TRUE(context);
  EXPECT_EQ(targets_of(*context), texts{"a-0@0"});
}

TEST_F(FetchSessionTest, CountsItsEpochs) {
  const std::int32_t id = open({{"a", 0}});
  ASSERT_TRUE(begin(request_of(id, 1, {})));
  ASSERT_TRUE(begin(request_of(id, 2, {})));
  EXPECT_EQ(begin(request_of(id, 2, {})).error().code, errc::invalid_fetch_session_epoch);
  EXPECT_TRUE(begin(request_of(id, 3, {}))) << "a refused epoch changes nothing";
}

TEST_F(FetchSessionTest, GoesFromTheLastEpochToTheFirst) {
  fetch_session session(1, false);
  for (std::int32_t i = 0; i < 3; ++i) session.advance_epoch();
  EXPECT_EQ(session.epoch(), 4);
}

TEST_F(FetchSessionTest, IsUnknownUnderAnotherId) {
  const std::int32_t id = open({{"a", 0}});
  EXPECT_EQ(begin(request_of(id + 4, 1, {})).error().code, errc::fetch_session_id_not_found);
}

TEST_F(FetchSessionTest, DoesNotChangeBetweenNamesAndIds) {
  const std::int32_t id = open({{"a", 0}});
  EXPECT_EQ(begin(request_of(id, 1, {}), by_id).error().code, errc::fetch_session_topic_id_error);
}

TEST_F(FetchSessionTest, EndsWithTheFinalEpoch) {
  const std::int32_t id = open({{"a", 0}});
  ASSERT_TRUE(begin(request_of(id, -1, {{"a", 0}})));
  EXPECT_EQ(sessions_.size(), 0U);
  EXPECT_EQ(begin(request_of(id, 1, {})).error().code, errc::fetch_session_id_not_found);
}

TEST_F(FetchSessionTest, IsReplacedByAFullFetchThatNamesIt) {
  const std::int32_t id = open({{"a", 0}});
  auto context = begin(request_of(id, 0, {{"b", 0}}));
  ASSERT_TRUE(context);
  EXPECT_EQ(sessions_.size(), 1U);
  EXPECT_EQ(targets_of(*context), texts{"b-0@0"});
}

TEST_F(FetchSessionTest, EndsWhenAllIsForgotten) {
  const std::int32_t id = open({{"a", 0}});
  auto context = begin(request_of(id, 1, {}, {{"a", 0}}));
  ASSERT_TRUE(context);
  EXPECT_EQ(context->response_session_id(), 0);
  EXPECT_EQ(sessions_.size(), 0U);
}

TEST_F(FetchSessionTest, IsRefusedWhileAllOthersAreInUse) {
  ASSERT_NE(open({{"a", 0}}), 0);
  ASSERT_NE(open({{"b", 0}}), 0);
  EXPECT_EQ(open({{"c", 0}}), 0);
  EXPECT_EQ(sessions_.evictions(), 0U);
}

TEST_F(FetchSessionTest, PushesOutTheOneThatIsUnusedForLongest) {
  const std::int32_t first = open({{"a", 0}});
  const std::int32_t second = open({{"b", 0}});
  simulator_.run_for(3min);
  ASSERT_TRUE(begin(request_of(first, 1, {})));
  ASSERT_NE(open({{"c", 0}}), 0);
  EXPECT_EQ(sessions_.evictions(), 1U);
  EXPECT_TRUE(begin(request_of(first, 2, {})));
  EXPECT_EQ(begin(request_of(second, 1, {})).error().code, errc::fetch_session_id_not_found);
}

TEST_F(FetchSessionTest, PushesOutASmallerOneThatHasHadItsTime) {
  const std::int32_t small = open({{"a", 0}});
  const std::int32_t large = open({{"b", 0}, {"b", 1}, {"b", 2}});
  simulator_.run_for(90s);
  ASSERT_TRUE(begin(request_of(small, 1, {})));
  ASSERT_TRUE(begin(request_of(large, 1, {})));
  simulator_.run_for(90s);
  EXPECT_EQ(open({{"c", 0}}), 0) << "it is no larger than any";
  ASSERT_NE(open({{"c", 0}, {"c", 1}}), 0);
  EXPECT_TRUE(begin(request_of(large, 2, {})));
  EXPECT_EQ(begin(request_of(small, 2, {})).error().code, errc::fetch_session_id_not_found);
}

TEST_F(FetchSessionTest, AnswersOnlyWhatHasNews) {
  auto context = begin(request_of(0, 0, {{"a", 0}}));
  fetch_target& target = context->session->targets().front();
  const fetch_outcome still{.high_watermark = offset(5), .log_start_offset = offset(1)};
  EXPECT_TRUE(context->session->must_answer(target, still)) << "nothing was told yet";
  EXPECT_FALSE(context->session->must_answer(target, still));
  fetch_outcome moved = still;
  moved.high_watermark = offset(6);
  EXPECT_TRUE(context->session->must_answer(target, moved));
  moved.log_start_offset = offset(2);
  EXPECT_TRUE(context->session->must_answer(target, moved));
  EXPECT_FALSE(context->session->must_answer(target, moved));
  moved.records_bytes = 10;
  EXPECT_TRUE(context->session->must_answer(target, moved));
}

TEST_F(FetchSessionTest, AnswersThatAnErrorIsOver) {
  auto context = begin(request_of(0, 0, {{"a", 0}}));
  fetch_target& target = context->session->targets().front();
  const fetch_outcome good{.high_watermark = offset(5), .log_start_offset = offset(0)};
  fetch_outcome bad = good;
  bad.error = errc::not_leader_or_follower;
  EXPECT_TRUE(context->session->must_answer(target, good));
  EXPECT_TRUE(context->session->must_answer(target, bad));
  EXPECT_TRUE(context->session->must_answer(target, bad)) << "an error is told each time";
  EXPECT_TRUE(context->session->must_answer(target, good));
}

TEST_F(FetchSessionTest, CountsThePartitionsOfAll) {
  open({{"a", 0}, {"a", 1}});
  open({{"b", 0}});
  EXPECT_EQ(sessions_.partitions(), 3U);
}

}  // namespace
}  // namespace moldau::broker
