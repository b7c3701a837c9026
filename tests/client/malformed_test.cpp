#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "bytes/endian.hpp"
#include "testing/sim/random.hpp"
#include "tests/client/playground.hpp"

namespace moldau::client {
namespace {

using namespace std::chrono_literals;
using testing::sim::random_source;

using bytes_of_answer = std::vector<std::byte>;

/// The largest the process has been, in KiB.
std::size_t peak_kib() {
  std::ifstream status("/proc/self/status");
  std::string word;
  while (status >> word) {
    if (word != "VmHWM:") continue;
    std::size_t kib = 0;
    status >> kib;
    return kib;
  }
  return 0;
}

void set_length(bytes_of_answer& answer) {
  bytes::store_be(answer.data(), static_cast<std::int32_t>(answer.size() - 4));
}

/// Some way to spoil an answer, by chance; most leave length and correlation id right, so that the body is read.
void spoil(bytes_of_answer& answer, random_source& random) {
  constexpr std::size_t head = 8;
  switch (random.below(6)) {
    case 0:  // Random from some byte on.
      for (std::size_t i = head + random.below(answer.size() - head + 1); i < answer.size(); ++i) {
        answer[i] = static_cast<std::byte>(random.next());
      }
      break;
    case 1:  // A few bytes are others.
      for (int i = 0; i < 3; ++i) {
        if (answer.size() > head)
          answer[head + random.below(answer.size() - head)] = static_cast<std::byte>(random.next());
      }
      break;
    case 2:  // It ends early.
      answer.resize(head + random.below(answer.size() - head + 1));
      set_length(answer);
      break;
    case 3:  // It goes on.
      for (std::uint64_t i = random.below(200); i > 0; --i) answer.push_back(static_cast<std::byte>(random.next()));
      set_length(answer);
      break;
    case 4:  // A length or count that can't be.
      bytes::store_be(answer.data() + (random.chance(0.5) ? 0 : std::min(head, answer.size() - 4)),
                      static_cast<std::int32_t>(random.chance(0.5) ? 0x7fffffff : random.next()));
      break;
    default:  // Anything at all.
      answer.assign(random.below(300), std::byte{0});
      for (std::byte& one : answer) one = static_cast<std::byte>(random.next());
  }
}

class ClientMalformed : public ::testing::TestWithParam<api> {};

/// What the answers say may be anything, so the round may fail; but it ends, in order, and in bounds.
TEST_P(ClientMalformed, AnswersEndInAnErrorOrAreGotOver) {
  const std::size_t before_kib = peak_kib();
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    random_source random(seed);
    playground in({}, seed);
    ASSERT_TRUE(in.cluster().create_topic({.name = "t"}));
    in.cluster().inject({.what = fault::kind::change,
                         .of = GetParam(),
                         .skip = random.below(2),
                         .times = 1 + random.below(3),
                         .change = [&](bytes_of_answer& answer) { spoil(answer, random); }});
    const round_result got = in.run(run_round(in, "t", "g"));
    ASSERT_EQ(got.sent.size(), 3U) << "seed " << seed;
    for (const auto& [value, done] : got.sent) {
      if (!done) {
        EXPECT_NE(done.error().message, "") << "seed " << seed;
      }
    }
    if (got.read_error) {
      EXPECT_NE(got.read_error->message, "") << "seed " << seed;
    }
  }
#if !__has_feature(address_sanitizer)
  EXPECT_LT(peak_kib() - before_kib, 256U * 1024U);
#else
  EXPECT_GE(peak_kib(), before_kib);
#endif
}

INSTANTIATE_TEST_SUITE_P(EachKind, ClientMalformed,
                         ::testing::Values(api::api_versions, api::metadata, api::init_producer_id, api::produce,
                                           api::find_coordinator, api::join_group, api::sync_group, api::offset_fetch,
                                           api::list_offsets, api::fetch, api::offset_commit, api::heartbeat),
                         [](const auto& key) { return "Api" + std::to_string(static_cast<int>(key.param)); });

}  // namespace
}  // namespace moldau::client
