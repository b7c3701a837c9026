#include "peer/connection.hpp"

#include <gtest/gtest.h>

#include "bytes/endian.hpp"
#include "testing/sim/simulator.hpp"
#include "wire/protocol/api_versions_request.hpp"
#include "wire/protocol/heartbeat_request.hpp"
#include "wire/protocol/heartbeat_response.hpp"
#include "wire/protocol/request_header.hpp"

namespace moldau::peer {
namespace {

using namespace std::chrono_literals;
using namespace wire::protocol;
using testing::sim::host;
using testing::sim::simulator;

/// What the other side does with each request after ApiVersions.
enum class mood : unsigned char { answer, stay_silent, answer_another, hang_up };

/// A listener that speaks just enough of the protocol.
struct fake_peer {
  std::int16_t api_versions_most = 4;
  std::int16_t heartbeat_most = 3;
  mood then = mood::answer;
  std::vector<std::int16_t> asked_versions;
  int requests = 0;
  /// Instead of the number of the request.
  std::optional<std::int32_t> throttle_ms;
  std::vector<rt::time_point> asked_at;

  template <typename Message>
  static std::vector<rt::chunk> frame(std::int32_t correlation, bool tags, const Message& message,
                                      std::int16_t version) {
    const std::size_t size = 4 + (tags ? 1 : 0) + message.encoded_size(version);
    shared_bytes block = shared_bytes::allocate(4 + size);
    wire::writer out(block.writable());
    out.i32(static_cast<std::int32_t>(size));
    out.i32(correlation);
    if (tags) out.varint(0);
    message.encode(out, version);
    std::vector<rt::chunk> chunks;
    chunks.emplace_back(block);
    return chunks;
  }

  rt::task<void> serve(host& on) {
    auto listener = on.core().net().listen({"", 9092}).value();
    while (true) {
      auto stream = (co_await listener->accept()).value();
      frame_reader frames(1 << 20);
      bool open = true;
      while (open) {
        const auto got = co_await stream->read_some(frames.space());
        if (!got || *got == 0) break;
        frames.filled(*got);
        while (auto next = frames.next().value()) {
          open = co_await answer(on, *stream, *next);
          if (!open) break;
        }
      }
      stream->close();
    }
  }

  rt::task<bool> answer(host& on, rt::connection& to, shared_bytes request) {
    wire::reader in(request);
    const auto key = bytes::load_be<std::int16_t>(request.data());
    const auto version = bytes::load_be<std::int16_t>(request.data() + 2);
    const auto correlation = bytes::load_be<std::int32_t>(request.data() + 4);
    if (key == api_versions_request::api_key) {
      asked_versions.push_back(version);
      api_versions_response out;
      out.api_keys = {{.api_key = 18, .min_version = 0, .max_version = api_versions_most},
                      {.api_key = 12, .min_version = 0, .max_version = heartbeat_most}};
      const bool known = version <= api_versions_most;
      if (!known) out.error_code = errc::unsupported_version;
      co_return (co_await to.write(frame(correlation, false, out, known ? version : std::int16_t{0}))).has_value();
    }
    ++requests;
    asked_at.push_back(on.core().now());
    if (then == mood::hang_up) co_return false;
    if (then == mood::stay_silent) co_return true;
    const heartbeat_response out{.throttle_time_ms = throttle_ms.value_or(requests)};
    co_return (co_await to.write(
                   frame(then == mood::answer_another ? correlation + 7 : correlation, version >= 4, out, version)))
        .has_value();
  }
};

struct PeerConnection : ::testing::Test {
  simulator s{1};
  host& client{s.add_host("client")};
  host& server{s.add_host("server")};
  fake_peer fake;

  void SetUp() override { server.spawn(fake.serve(server)); }

  rt::task<result<std::shared_ptr<connection>>> open(connection_options options = {}) {
    return connection::open(client.core(), {"server", 9092}, std::move(options));
  }
  static rt::task<result<reply<heartbeat_response>>> beat(connection& over) {
    co_return co_await over.call<heartbeat_response>(heartbeat_request{.group_id = "g"});
  }
};

TEST_F(PeerConnection, UsesTheHighestVersionThatBothKnow) {
  fake.heartbeat_most = 2;
  const auto got = s.run(client, [](PeerConnection& t) -> rt::task<result<std::int16_t>> {
    MOLDAU_CO_TRY_ASSIGN(const auto to, co_await t.open());
    MOLDAU_CO_TRY_ASSIGN(const auto answer, co_await beat(*to));
    to->close();
    co_return answer.version;
  }(*this));
  EXPECT_EQ(got.value(), 2);
  EXPECT_EQ(fake.asked_versions, std::vector<std::int16_t>{4});
}

TEST_F(PeerConnection, FallsBackWhereTheBrokerKnowsOnlyOlderApiVersions) {
  fake.api_versions_most = 2;
  const auto opened = s.run(client, open());
  ASSERT_TRUE(opened) << opened.error().message;
  EXPECT_EQ(fake.asked_versions, (std::vector<std::int16_t>{4, 2}));
}

TEST_F(PeerConnection, RefusesACallThatTheOtherSideDoesNotOffer) {
  fake.heartbeat_most = -1;
  const auto got = s.run(client, [](PeerConnection& t) -> rt::task<result<void>> {
    MOLDAU_CO_TRY_ASSIGN(const auto to, co_await t.open());
    MOLDAU_CO_TRY(co_await beat(*to));
    co_return result<void>();
  }(*this));
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, errc::unsupported_version);
}

TEST_F(PeerConnection, AnswersReachTheirCallsInOrder) {
  const auto got = s.run(client, [](PeerConnection& t) -> rt::task<result<std::vector<int>>> {
    MOLDAU_CO_TRY_ASSIGN(const auto to, co_await t.open());
    std::vector<int> order;
    rt::gate running;
    for (int i = 0; i < 5; ++i) {
      running.spawn([](connection& over, std::vector<int>& into) -> rt::task<void> {
        const auto answer = co_await beat(over);
        into.push_back(answer ? (*answer)->throttle_time_ms : -1);
      }(*to, order));
    }
    EXPECT_EQ(to->in_flight(), 5U);
    co_await running.drained();
    co_return order;
  }(*this));
  EXPECT_EQ(got.value(), (std::vector<int>{1, 2, 3, 4, 5}));
}

/// How long the second of two calls waited, where the answer to the first asks for that pause.
struct PeerConnectionPauses : PeerConnection {
  rt::duration pause(std::int32_t asked_ms) {
    fake.throttle_ms = asked_ms;
    const auto got = s.run(client, [](PeerConnection& t) -> rt::task<result<void>> {
      MOLDAU_CO_TRY_ASSIGN(const auto to, co_await t.open({.request_timeout_ms = 5'000}));
      MOLDAU_CO_TRY(co_await beat(*to));
      MOLDAU_CO_TRY(co_await beat(*to));
      co_return result<void>();
    }(*this));
    EXPECT_TRUE(got) << got.error().message;
    return fake.asked_at.size() == 2 ? fake.asked_at[1] - fake.asked_at[0] : rt::duration{};
  }
};

TEST_F(PeerConnectionPauses, ForAsLongAsAnAnswerAsks) {
  const auto waited = pause(3'000);
  EXPECT_GE(waited, 3s);
  EXPECT_LE(waited, 4s);
}

TEST_F(PeerConnectionPauses, NoLongerThanARequestMayTakeAndThatTimeComesOnTop) {
  const auto waited = pause(3'600'000);
  EXPECT_GE(waited, 5s);
  EXPECT_LE(waited, 6s);
}

TEST_F(PeerConnection, ClosesAtOnceWhileItIsThrottled) {
  fake.throttle_ms = 3'600'000;
  const auto got = s.run(client, [](PeerConnection& t) -> rt::task<result<void>> {
    MOLDAU_CO_TRY_ASSIGN(const auto to, co_await t.open());
    MOLDAU_CO_TRY(co_await beat(*to));
    const auto timer = t.client.core().post_at(t.client.core().now() + 1s, [&] { to->close(); });
    MOLDAU_CO_TRY(co_await beat(*to));
    co_return result<void>();
  }(*this));
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, errc::closed);
  EXPECT_EQ(fake.requests, 1);
}

/// What a call ends with when the other side behaves as `then` says, and what one after it.
struct PeerConnectionFails : PeerConnection {
  std::pair<errc, bool> ends(mood then) {
    fake.then = then;
    return s.run(client, [](PeerConnection& t) -> rt::task<std::pair<errc, bool>> {
      const auto to = (co_await t.open({.request_timeout_ms = 500})).value();
      const auto got = co_await beat(*to);
      co_return std::pair(got ? errc::none : got.error().code, to->is_open());
    }(*this));
  }
};

TEST_F(PeerConnectionFails, WhenNoAnswerComesInTime) {
  EXPECT_EQ(ends(mood::stay_silent), std::pair(errc::timed_out, false));
}

TEST_F(PeerConnectionFails, WhenTheAnswerIsToAnotherRequest) {
  EXPECT_EQ(ends(mood::answer_another), std::pair(errc::network_exception, false));
}

TEST_F(PeerConnectionFails, WhenTheOtherSideHangsUp) {
  EXPECT_EQ(ends(mood::hang_up), std::pair(errc::network_exception, false));
}

TEST_F(PeerConnection, ClosingFailsWhatWaits) {
  fake.then = mood::stay_silent;
  const auto got = s.run(client, [](PeerConnection& t) -> rt::task<errc> {
    const auto to = (co_await t.open()).value();
    errc code = errc::none;
    rt::gate running;
    running.spawn([](connection& over, errc& into) -> rt::task<void> {
      const auto answer = co_await beat(over);
      if (!answer) into = answer.error().code;
    }(*to, code));
    to->close();
    co_await running.drained();
    co_return code;
  }(*this));
  EXPECT_EQ(got, errc::closed);
}

}  // namespace
}  // namespace moldau::peer
