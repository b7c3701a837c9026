#include <gtest/gtest.h>

#include <map>

#include "rt/spawn.hpp"
#include "testing/sim/simulator.hpp"

namespace moldau::testing::sim {
namespace {

using namespace std::chrono_literals;
using connection_ptr = std::unique_ptr<rt::connection>;

/// `size` bytes whose values tell their places.
std::string pattern(std::size_t size) {
  std::string out(size, '\0');
  for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<char>(random_source::mix(i));
  return out;
}

std::vector<rt::chunk> chunks(std::string_view text) {
  std::vector<rt::chunk> out;
  out.emplace_back(shared_bytes::copy_of(as_bytes(text)));
  return out;
}

rt::task<result<std::string>> read_all(rt::connection& from) {
  std::string out;
  std::array<std::byte, 1000> into{};
  while (true) {
    MOLDAU_CO_TRY_ASSIGN(const std::size_t size, co_await from.read_some(into));
    if (size == 0) co_return out;
    out += as_text(bytes_view(into).first(size));
  }
}

struct NetworkTest : ::testing::Test {
  simulator s{1};
  host& a{s.add_host("a")};
  host& b{s.add_host("b", 2)};

  struct pair {
    connection_ptr client;
    connection_ptr server;
    std::unique_ptr<rt::listener> listener;
  };
  pair connect(const std::string& to = "b") {
    pair out;
    host& serving = to == "localhost" ? a : b;
    out.listener = serving.core().net().listen({"", 9092}).value();
    serving.core().post([&out] {
      rt::spawn([](pair& into) -> rt::task<void> { into.server = (co_await into.listener->accept()).value(); }(out));
    });
    out.client = s.run(a, [](host& h, std::string name) -> rt::task<connection_ptr> {
      co_return (co_await h.core().net().connect({name, 9092}, 10'000)).value();
    }(a, to));
    EXPECT_TRUE(s.run_until([&] { return out.server != nullptr; }));
    return out;
  }
  result<void> write(host& on, rt::connection& c, std::string_view text) {
    return s.run(on, [](rt::connection& to, std::string_view t) -> rt::task<result<void>> {
      co_return co_await to.write(chunks(t));
    }(c, text));
  }
  /// `size` bytes, or those before the end.
  result<std::string> read(host& on, rt::connection& c, std::size_t size = 100) {
    return s.run(on, [](rt::connection& from, std::size_t n) -> rt::task<result<std::string>> {
      std::string into(n, '\0');
      std::size_t done = 0;
      while (done < n) {
        MOLDAU_CO_TRY_ASSIGN(const std::size_t got,
                             co_await from.read_some(std::as_writable_bytes(std::span(into)).subspan(done)));
        if (got == 0) break;
        done += got;
      }
      co_return into.substr(0, done);
    }(c, size));
  }
  errc connect_error(const std::string& to, std::uint16_t port, std::int64_t timeout_ms = 5000) {
    const auto got = s.run(a, [](host& h, rt::endpoint at, std::int64_t t) -> rt::task<result<connection_ptr>> {
      co_return co_await h.core().net().connect(std::move(at), t);
    }(a, {to, port}, timeout_ms));
    return got ? errc::none : got.error().code;
  }
};

TEST_F(NetworkTest, BytesArriveInOrderAndThenTheEnd) {
  for (const std::uint64_t seed : {1, 2, 3, 4, 5}) {
    options settings = rough(seed);
    settings.network.cut = 0;
    settings.network.refuse = 0;
    simulator run(seed, settings);
    host& server = run.add_host("server");
    host& client = run.add_host("client");
    const std::string sent = pattern(100'000);
    server.start([&](host& h) -> rt::task<void> {
      auto listening = h.core().net().listen({"", 1}).value();
      auto accepted = (co_await listening->accept()).value();
      EXPECT_TRUE(co_await accepted->write(chunks(sent)));
      EXPECT_EQ((co_await read_all(*accepted)).value(), "thanks");
    });
    client.start([&](host& h) -> rt::task<void> {
      co_await h.core().sleep_for(1s);
      auto mine = (co_await h.core().net().connect({"server", 1}, 60'000)).value();
      std::string got;
      std::array<std::byte, 5000> into{};
      while (got.size() < sent.size()) got += as_text(bytes_view(into).first((co_await mine->read_some(into)).value()));
      EXPECT_EQ(got, sent);
      EXPECT_TRUE(co_await mine->write(chunks("thanks")));
    });
    EXPECT_TRUE(run.run_until([&] { return !server.running() && !client.running(); }, 600s)) << seed;
  }
}

TEST_F(NetworkTest, EndpointsNameTheHosts) {
  const auto c = connect();
  EXPECT_EQ(c.client->remote(), (rt::endpoint{"10.0.0.2", 9092}));
  EXPECT_EQ(c.server->remote().host, "10.0.0.1");
  EXPECT_EQ(c.server->remote(), c.client->local());
}

TEST_F(NetworkTest, AHostReachesItself) {
  const auto c = connect("localhost");
  ASSERT_TRUE(write(a, *c.client, "hi"));
  EXPECT_EQ(read(a, *c.server, 2), "hi");
  EXPECT_EQ(c.server->remote().host, "127.0.0.1");
}

TEST_F(NetworkTest, ConnectingFailsByItsReason) {
  EXPECT_EQ(connect_error("nowhere", 1), errc::network_exception);
  EXPECT_EQ(connect_error("b", 1), errc::network_exception);
  auto local = b.core().net().listen({"127.0.0.1", 2}).value();
  EXPECT_EQ(connect_error("b", 2), errc::network_exception);
  auto open = b.core().net().listen({"", 3}).value();
  EXPECT_EQ(connect_error("b", 3), errc::none);
  s.net().partition(a, b);
  EXPECT_EQ(connect_error("b", 3), errc::timed_out);
  s.net().heal_all();
  b.kill();
  EXPECT_EQ(connect_error("b", 3), errc::network_exception);
  b.restart();
  b.crash();
  EXPECT_EQ(connect_error("b", 3), errc::timed_out);
}

TEST_F(NetworkTest, PortsAreTakenOnceAndGivenOut) {
  auto first = b.core().net().listen({"", 9092}).value();
  EXPECT_EQ(b.core(1).net().listen({"", 9092}).error().code, errc::already_exists);
  auto free = b.core().net().listen({"", 0}).value();
  EXPECT_GT(free->local().port, 32768);
  first->close();
  EXPECT_TRUE(b.core().net().listen({"", 9092}));
  EXPECT_EQ(b.core().net().listen({"10.0.0.1", 5}).error().code, errc::io_error);
}

TEST_F(NetworkTest, ClosingAListenerEndsTheAccept) {
  auto listener = b.core().net().listen({"", 1}).value();
  std::optional<errc> got;
  b.core().post([&] {
    rt::spawn([](rt::listener& at, std::optional<errc>& into) -> rt::task<void> {
      into = (co_await at.accept()).error().code;
    }(*listener, got));
  });
  s.run_for(1s);
  listener.reset();
  s.run_for(1s);
  EXPECT_EQ(got, errc::closed);
}

TEST_F(NetworkTest, AnAdoptedConnectionWakesItsNewCore) {
  auto c = connect();
  auto moved = s.run(
      b,
      [](host& h, connection_ptr from) -> rt::task<connection_ptr> {
        co_return h.core(1).net().adopt(std::move(from));
      }(b, std::move(c.server)),
      1);
  bool got = false;
  b.spawn(
      [](rt::connection& from, bool& flag) -> rt::task<void> {
        std::array<std::byte, 10> into{};
        flag = (co_await from.read_some(into)).has_value();
      }(*moved, got),
      1);
  // The old core is kept busy: were the connection still its, nothing would come.
  b.disk().faults().slow = 1;
  b.disk().faults().slow_latency = {1h, 1h};
  b.core(0).post([&] { (void)b.core(0).files().list("."); });
  s.run_for(1s);
  ASSERT_TRUE(write(a, *c.client, "hi"));
  s.run_for(1s);
  EXPECT_TRUE(got);
}

TEST_F(NetworkTest, AnAcceptThatFailsLosesNoConnection) {
  s.net().settings().accept_error = 1;
  auto listening = b.core().net().listen({"", 1}).value();
  auto mine = s.run(a, [](host& h) -> rt::task<result<connection_ptr>> {
    co_return co_await h.core().net().connect({"b", 1}, 1000);
  }(a));
  EXPECT_TRUE(mine);
  const auto accept = [](rt::listener& at) -> rt::task<result<connection_ptr>> { co_return co_await at.accept(); };
  EXPECT_EQ(s.run(b, accept(*listening)).error().code, errc::io_error);
  s.net().settings().accept_error = 0;
  EXPECT_TRUE(s.run(b, accept(*listening)));
}

TEST_F(NetworkTest, AWriteWaitsForASlowReader) {
  s.net().settings().send_buffer_bytes = 1000;
  s.net().settings().receive_buffer_bytes = 500;
  auto c = connect();
  bool written = false;
  a.core().post([&] {
    rt::spawn([](rt::connection& to, bool& flag) -> rt::task<void> {
      EXPECT_TRUE(co_await to.write(chunks(pattern(2000))));
      flag = true;
    }(*c.client, written));
  });
  s.run_for(10min);
  EXPECT_FALSE(written);
  std::string got;
  while (got.size() < 600) got += read(b, *c.server).value();
  s.run_for(1s);
  EXPECT_TRUE(written);
  while (got.size() < 2000) got += read(b, *c.server).value();
  EXPECT_EQ(got, pattern(2000));
}

TEST_F(NetworkTest, SendsFileRanges) {
  b.disk().put("x.log", as_bytes("0123456789"));
  auto c = connect();
  const auto sent = s.run(b, [](host& h, rt::connection& to) -> rt::task<result<void>> {
    std::shared_ptr<rt::file> f = h.core().files().open("x.log", rt::open_mode::read).value();
    auto parts = chunks("head ");
    parts.emplace_back(rt::file_range{f, 3, 4});
    co_return co_await to.write(std::move(parts));
  }(b, *c.server));
  EXPECT_TRUE(sent);
  s.run_for(1s);
  EXPECT_EQ(read(a, *c.client, 9), "head 3456");
}

TEST_F(NetworkTest, ClosingEndsWhatWaitsWithClosed) {
  auto c = connect();
  std::optional<errc> got;
  a.core().post([&] {
    rt::spawn([](rt::connection& from, std::optional<errc>& into) -> rt::task<void> {
      std::array<std::byte, 10> room{};
      into = (co_await from.read_some(room)).error().code;
    }(*c.client, got));
  });
  s.run_for(1s);
  c.client->close();
  s.run_for(1s);
  EXPECT_EQ(got, errc::closed);
  EXPECT_EQ(write(a, *c.client, "x").error().code, errc::closed);
  EXPECT_EQ(read(b, *c.server), "");
}

TEST_F(NetworkTest, WritingToAClosedPeerIsReset) {
  auto c = connect();
  c.server.reset();
  s.run_for(1s);
  EXPECT_TRUE(write(a, *c.client, "into the void"));
  s.run_for(1s);
  EXPECT_EQ(write(a, *c.client, "again").error().code, errc::network_exception);
}

TEST_F(NetworkTest, ACutReachesBothEnds) {
  auto c = connect();
  s.net().cut(a, b);
  EXPECT_EQ(read(a, *c.client).error().code, errc::network_exception);
  EXPECT_EQ(read(b, *c.server).error().code, errc::network_exception);
}

TEST_F(NetworkTest, ASilentCutIsFoundOutBySending) {
  auto c = connect();
  s.net().cut(a, b, true);
  EXPECT_TRUE(write(a, *c.client, "hello?"));
  const auto before = s.now();
  EXPECT_EQ(read(a, *c.client).error().code, errc::network_exception);
  EXPECT_GE(s.now() - before, 59s);
}

TEST_F(NetworkTest, APartitionHoldsBytesUntilItHeals) {
  auto c = connect();
  s.net().partition(a, b);
  EXPECT_TRUE(write(a, *c.client, "held"));
  s.run_for(30s);
  s.net().heal(a, b);
  EXPECT_EQ(read(b, *c.server, 4), "held");
  EXPECT_TRUE(write(b, *c.server, "answer"));
  EXPECT_EQ(read(a, *c.client, 6), "answer");
}

TEST_F(NetworkTest, APartitionThatLastsFailsTheSender) {
  auto c = connect();
  s.net().block(a, b);
  EXPECT_TRUE(write(a, *c.client, "lost"));
  EXPECT_EQ(read(a, *c.client).error().code, errc::network_exception);
}

TEST_F(NetworkTest, AOneWayPartitionLetsTheOtherWayThrough) {
  auto c = connect();
  s.net().block(a, b);
  EXPECT_TRUE(write(b, *c.server, "through"));
  EXPECT_EQ(read(a, *c.client, 7), "through");
  // But its acknowledgement doesn't get back.
  s.run_for(2min);
  EXPECT_EQ(write(b, *c.server, "more").error().code, errc::network_exception);
}

TEST_F(NetworkTest, APeerHearsOfAKillButNotOfAPowerCut) {
  auto c = connect();
  b.kill();
  EXPECT_EQ(read(a, *c.client), "");
  b.restart();
  auto d = connect();
  b.crash();
  bool ended = false;
  a.core().post([&] {
    rt::spawn([](rt::connection& from, bool& flag) -> rt::task<void> {
      std::array<std::byte, 10> into{};
      EXPECT_EQ((co_await from.read_some(into)).error().code, errc::network_exception);
      flag = true;
    }(*d.client, ended));
  });
  s.run_for(1h);
  EXPECT_FALSE(ended);
  b.restart();
  EXPECT_TRUE(write(a, *d.client, "still there?"));
  s.run_for(1s);
  EXPECT_TRUE(ended);
}

TEST_F(NetworkTest, ConnectionsOvertakeEachOther) {
  bool overtaken = false;
  for (std::uint64_t seed = 1; seed <= 20 && !overtaken; ++seed) {
    simulator run(seed);
    host& server = run.add_host("server");
    host& client = run.add_host("client");
    std::string order;
    server.start([&](host& h) -> rt::task<void> {
      auto listening = h.core().net().listen({"", 1}).value();
      while (true) {
        rt::spawn([](connection_ptr from, std::string& into) -> rt::task<void> {
          std::array<std::byte, 10> room{};
          const auto got = co_await from->read_some(room);
          if (got) into += as_text(bytes_view(room).first(*got));
        }((co_await listening->accept()).value(), order));
      }
    });
    client.start([&](host& h) -> rt::task<void> {
      co_await h.core().sleep_for(1s);
      auto first = (co_await h.core().net().connect({"server", 1}, 1000)).value();
      auto second = (co_await h.core().net().connect({"server", 1}, 1000)).value();
      (void)co_await first->write(chunks("1"));
      (void)co_await second->write(chunks("2"));
      co_await h.core().sleep_for(1s);
    });
    run.run_for(10s);
    EXPECT_EQ(order.size(), 2U);
    overtaken = order == "21";
  }
  EXPECT_TRUE(overtaken);
}

}  // namespace
}  // namespace moldau::testing::sim
