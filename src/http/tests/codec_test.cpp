#include "http/codec.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace moldau::http {
namespace {

/// Feeds one byte after the other, as a slow client sends them.
request_parser::state feed_slowly(request_parser& parser, std::string_view text) {
  std::string waiting;
  auto state = request_parser::state::need_more;
  for (const char c : text) {
    waiting += c;
    std::size_t consumed = 0;
    state = parser.feed(as_bytes(waiting), consumed);
    waiting.erase(0, consumed);
    if (state != request_parser::state::need_more) break;
  }
  return state;
}

TEST(RequestParser, ReadsARequestThatComesSlowly) {
  request_parser parser(1024, 1024);
  ASSERT_EQ(feed_slowly(parser, "POST /a HTTP/1.1\r\nContent-Length: 6\r\n\r\na\r\n\r\nb"),
            request_parser::state::done);
  EXPECT_EQ(parser.take().body, "a\r\n\r\nb");
}

TEST(RequestParser, RefusesAHeaderThatEndsTooEarlyWithItsEnd) {
  request_parser parser(1024, 1024);
  EXPECT_EQ(feed_slowly(parser, "GET / \r\n\r\n"), request_parser::state::failed);
  EXPECT_EQ(parser.error_status(), 400);
  EXPECT_FALSE(parser.error_sentence().empty());
}

TEST(RequestParser, ReadsAnEmptyChunkedBodyThatComesSlowly) {
  request_parser parser(1024, 1024);
  ASSERT_EQ(feed_slowly(parser, "PUT /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
            request_parser::state::done);
  EXPECT_EQ(parser.take().body, "");
}

TEST(RequestParser, BoundsWhatComesBetweenChunksAndBehindThem) {
  for (const std::string_view begun : {"5;a=", "3\r\nabc\r\n5;a=", "0\r\nTrailer: ", "3\r\nabc\r\n0;a="}) {
    request_parser parser(1024, 1024);
    const std::string request = "PUT /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + std::string(begun);
    ASSERT_EQ(feed_slowly(parser, request + std::string(900, 'x')), request_parser::state::need_more);
    request_parser other(1024, 1024);
    ASSERT_EQ(feed_slowly(other, request + std::string(1100, 'x')), request_parser::state::failed);
    EXPECT_EQ(other.error_status(), 431);
  }
}

}  // namespace
}  // namespace moldau::http
