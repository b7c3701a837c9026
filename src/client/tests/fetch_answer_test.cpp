#include "client/fetch_answer.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace moldau::client {
namespace {

using wire::protocol::fetch_response;

fetch_response two_topics() {
  fetch_response out;
  out.throttle_time_ms = 7;
  out.session_id = 77;
  out.responses.push_back({.topic = "a"});
  out.responses.back().partitions.push_back({.partition_index = partition_id(0), .high_watermark = offset(5)});
  out.responses.back().partitions.push_back(
      {.partition_index = partition_id(1), .error_code = errc::not_leader_or_follower});
  out.responses.push_back({.topic = "b"});
  out.responses.back().partitions.push_back({.partition_index = partition_id(2), .high_watermark = offset(9)});
  return out;
}

shared_bytes encoded(const fetch_response& what, std::int16_t version) {
  shared_bytes out = shared_bytes::allocate(what.encoded_size(version));
  wire::writer to(out.writable());
  what.encode(to, version);
  return out;
}

std::vector<std::string> visited(const fetch_answer& answer) {
  std::vector<std::string> out;
  answer.for_each([&](std::string_view topic, const fetch_answer::partition_data& data) {
    out.push_back(std::string(topic) + std::to_string(data.partition_index.value()) + " " +
                  std::string(name(data.error_code)) + " " + std::to_string(data.high_watermark.value()));
  });
  return out;
}

TEST(FetchAnswer, VisitsEveryPartitionInEveryVersion) {
  const std::vector<std::string> expected{"a0 " + std::string(name(errc::none)) + " 5",
                                          "a1 " + std::string(name(errc::not_leader_or_follower)) + " 0",
                                          "b2 " + std::string(name(errc::none)) + " 9"};
  for (std::int16_t version = fetch_response::min_version; version <= fetch_version_max; ++version) {
    fetch_response what = two_topics();
    if (version < 7) what.session_id = 0;
    const auto answer = fetch_answer::parse(encoded(what, version), version);
    ASSERT_TRUE(answer) << version << ": " << answer.error().message;
    EXPECT_EQ(answer->throttle_time_ms(), 7);
    EXPECT_EQ(answer->session_id(), what.session_id);
    EXPECT_EQ(answer->code(), errc::none);
    EXPECT_EQ(visited(*answer), expected) << version;
  }
}

TEST(FetchAnswer, RefusesOneThatIsCutAnywhere) {
  for (const std::int16_t version : {fetch_response::min_version, fetch_version_max}) {
    fetch_response what = two_topics();
    if (version < 7) what.session_id = 0;
    const shared_bytes whole = encoded(what, version);
    for (std::size_t size = 0; size < whole.size(); ++size) {
      // A copy of its own, so that reading past it is seen.
      EXPECT_FALSE(fetch_answer::parse(shared_bytes::copy_of(whole.view().first(size)), version)) << size;
    }
  }
}

TEST(FetchAnswer, RefusesVersionsThatNameTopicsById) {
  EXPECT_EQ(fetch_answer::parse(shared_bytes::allocate(0), 13).error().code, errc::unsupported_version);
}

}  // namespace
}  // namespace moldau::client
