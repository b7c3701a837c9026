#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/client/playground.hpp"

namespace moldau::client {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using testing::kafka_release;

/// What a round asks of the brokers.
const std::vector<api> round_apis{api::api_versions,     api::metadata,   api::init_producer_id, api::produce,
                                  api::find_coordinator, api::join_group, api::sync_group,       api::offset_fetch,
                                  api::list_offsets,     api::fetch,      api::offset_commit,    api::leave_group};

std::string text_of(api key) {
  return std::to_string(static_cast<int>(key));
}

/// The largest request and answer of each kind in a round, with their length fields.
struct sizes {
  std::map<api, std::size_t> requests;
  std::map<api, std::size_t> answers;
};

sizes measure(playground& in) {
  sizes out;
  for (const api key : round_apis) {
    in.cluster().inject({.what = fault::kind::change, .of = key, .times = 1000, .change = [&out, key](auto& answer) {
                           out.answers[key] = std::max(out.answers[key], answer.size());
                         }});
  }
  EXPECT_EQ(round_problem(in, "measured"), "");
  in.cluster().clear_faults();
  for (const auto& seen : in.cluster().requests()) {
    out.requests[seen.api] = std::max(out.requests[seen.api], seen.size_bytes + 4);
  }
  return out;
}

/// Every position of a short frame; of a long one those at its beginning and end, and some between.
std::vector<std::size_t> positions(std::size_t size) {
  std::vector<std::size_t> out;
  for (std::size_t i = 0; i <= size; ++i) {
    if (i < 48 || i + 16 > size || i % 7 == 0) out.push_back(i);
  }
  return out;
}

TEST(ClientRound, RunsWithoutFaults) {
  playground in;
  EXPECT_EQ(round_problem(in, "t"), "");
  for (const api key : round_apis) EXPECT_GT(in.cluster().count(key), 0U) << text_of(key);
}

TEST(ClientRound, RunsAgainstTheVersionsOfKafka28) {
  playground in({.release = kafka_release::v2_8});
  EXPECT_EQ(round_problem(in, "t"), "");
  for (const auto& seen : in.cluster().requests()) {
    if (seen.api == api::fetch) {
      EXPECT_EQ(seen.version, 12);
    } else if (seen.api == api::produce) {
      EXPECT_EQ(seen.version, 9);
    } else if (seen.api == api::find_coordinator) {
      EXPECT_EQ(seen.version, 3);
    }
  }
}

class ClientRoundCut : public ::testing::TestWithParam<api> {};

TEST_P(ClientRoundCut, GetsOverAnAnswerThatIsCutAtAnyByte) {
  playground in;
  const auto known = measure(in);
  for (const std::size_t byte : positions(known.answers.at(GetParam()))) {
    in.cluster().inject({.what = fault::kind::cut_response, .of = GetParam(), .byte = byte});
    ASSERT_EQ(round_problem(in, "t" + std::to_string(byte)), "") << "cut at byte " << byte;
    ASSERT_EQ(in.cluster().faults_left(), 0U);
  }
}

TEST_P(ClientRoundCut, GetsOverARequestThatIsCutAtAnyByte) {
  playground in;
  const auto known = measure(in);
  for (const std::size_t byte : positions(known.requests.at(GetParam()))) {
    in.cluster().inject({.what = fault::kind::cut_request, .of = GetParam(), .byte = byte});
    ASSERT_EQ(round_problem(in, "t" + std::to_string(byte)), "") << "cut at byte " << byte;
    ASSERT_EQ(in.cluster().faults_left(), 0U);
  }
}

TEST_P(ClientRoundCut, GetsOverAnswersThatAreLateTwiceOrMissing) {
  playground in;
  for (const auto kind :
       {fault::kind::delay, fault::kind::drop, fault::kind::hang, fault::kind::duplicate, fault::kind::swap}) {
    for (std::size_t skip = 0; skip < 2; ++skip) {
      in.cluster().inject({.what = kind, .of = GetParam(), .skip = skip, .by = 5s});
      ASSERT_EQ(round_problem(in, "t" + std::to_string(static_cast<int>(kind)) + "-" + std::to_string(skip)), "")
          << "kind " << static_cast<int>(kind) << " skip " << skip;
      in.cluster().clear_faults();
    }
  }
}

INSTANTIATE_TEST_SUITE_P(EachKind, ClientRoundCut, ::testing::ValuesIn(round_apis),
                         [](const auto& key) { return "Api" + text_of(key.param); });

/// Errors that pass, by whom they come from.
struct passing_errors {
  api from;
  std::vector<errc> codes;
};

TEST(ClientRound, GetsOverErrorsThatPass) {
  const std::vector<passing_errors> all{
      {api::metadata, {errc::leader_not_available, errc::unknown_topic_or_partition}},
      {api::produce,
       {errc::not_leader_or_follower, errc::leader_not_available, errc::request_timed_out, errc::not_enough_replicas,
        errc::not_enough_replicas_after_append, errc::kafka_storage_error, errc::unknown_topic_or_partition,
        errc::fenced_leader_epoch, errc::corrupt_message, errc::network_exception}},
      {api::init_producer_id,
       {errc::coordinator_load_in_progress, errc::coordinator_not_available, errc::request_timed_out,
        errc::not_controller}},
      {api::find_coordinator, {errc::coordinator_not_available, errc::coordinator_load_in_progress}},
      {api::join_group,
       {errc::coordinator_load_in_progress, errc::not_coordinator, errc::coordinator_not_available,
        errc::rebalance_in_progress}},
      {api::sync_group,
       {errc::rebalance_in_progress, errc::not_coordinator, errc::illegal_generation, errc::unknown_member_id,
        errc::coordinator_load_in_progress}},
      {api::offset_fetch, {errc::coordinator_load_in_progress, errc::not_coordinator}},
      {api::list_offsets,
       {errc::not_leader_or_follower, errc::leader_not_available, errc::fenced_leader_epoch, errc::unknown_leader_epoch,
        errc::kafka_storage_error}},
      {api::fetch,
       {errc::not_leader_or_follower, errc::fenced_leader_epoch, errc::unknown_leader_epoch,
        errc::unknown_topic_or_partition, errc::kafka_storage_error, errc::fetch_session_id_not_found,
        errc::invalid_fetch_session_epoch, errc::corrupt_message}},
      {api::offset_commit,
       {errc::coordinator_load_in_progress, errc::not_coordinator, errc::coordinator_not_available}},
  };
  for (const auto& [from, codes] : all) {
    for (const errc code : codes) {
      playground in;
      in.cluster().inject({.what = fault::kind::error, .of = from, .times = 2, .code = code});
      EXPECT_EQ(round_problem(in, "t"), "") << "api " << text_of(from) << ": " << name(code);
      EXPECT_EQ(in.cluster().faults_left(), 0U) << "api " << text_of(from) << ": " << name(code);
    }
  }
}

TEST(ClientRound, SurvivesBrokersThatComeAndGo) {
  playground in({.brokers = 3});
  for (std::int32_t round = 0; round < 6; ++round) {
    const broker_id down(round % 3 + 1);
    in.simulator().run_for(10ms);
    ASSERT_TRUE(in.cluster().stop_broker(down));
    ASSERT_EQ(round_problem(in, "t" + std::to_string(round)), "");
    ASSERT_TRUE(in.cluster().start_broker(down));
  }
}

TEST(ClientRound, SurvivesARoughNetwork) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    playground in({.brokers = 3}, seed, testing::sim::rough(seed));
    ASSERT_EQ(round_problem(in, "t"), "") << "seed " << seed;
  }
}

TEST(ClientRound, SurvivesClockSteps) {
  for (const std::int64_t step_ms : {-86'400'000, -3'600'000, -1, 3'600'000, 86'400'000}) {
    playground in;
    // While requests are under way.
    in.cluster().inject(
        {.what = fault::kind::change, .of = api::produce, .change = [&](auto&) { in.app().step_clock(step_ms); }});
    in.cluster().inject(
        {.what = fault::kind::change, .of = api::sync_group, .change = [&](auto&) { in.app().step_clock(step_ms); }});
    EXPECT_EQ(round_problem(in, "t"), "") << step_ms;
    EXPECT_EQ(in.cluster().faults_left(), 0U);
  }
}

}  // namespace
}  // namespace moldau::client
