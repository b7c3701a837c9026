#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "rt_asio/socket.hpp"
#include "rt_asio/tests/support.hpp"

namespace moldau::rt_asio {
namespace {

using namespace std::chrono_literals;

/// A connected pair over loopback: the accepted end, and the one that connected.
struct pair {
  std::unique_ptr<rt::listener> listening;
  std::unique_ptr<rt::connection> server;
  std::unique_ptr<rt::connection> client;
};

rt::task<pair> make_pair(rt::world& w) {
  pair out;
  out.listening = *w.net().listen({.host = "127.0.0.1", .port = 0});
  out.client = *co_await w.net().connect(out.listening->local(), 5000);
  out.server = *co_await out.listening->accept();
  co_return out;
}

rt::task<void> echo(std::unique_ptr<rt::connection> peer) {
  shared_bytes buffer = shared_bytes::allocate(4096);
  while (true) {
    const auto n = co_await peer->read_some(buffer.writable());
    if (!n || *n == 0) co_return;
    std::vector<rt::chunk> back;
    back.emplace_back(shared_bytes::copy_of(buffer.view().first(*n)));
    if (!co_await peer->write(std::move(back))) co_return;
  }
}

TEST(Transport, EchoesOnAnotherCoreThanTheOneThatAccepted) {
  run_on_host(2, [](host& h) -> rt::task<void> {
    rt::world& w = h.core(0);
    auto listening = *w.net().listen({.host = "127.0.0.1", .port = 0});
    for (int round = 0; round < 20; ++round) {
      auto client = *co_await w.net().connect(listening->local(), 5000);
      auto accepted = *co_await listening->accept();
      EXPECT_EQ(accepted->remote(), client->local());
      EXPECT_EQ(accepted->local(), client->remote());
      rt::world& other = h.core(1);
      other.post(
          [&other, moved = std::move(accepted)]() mutable { rt::spawn(echo(other.net().adopt(std::move(moved)))); });
      const std::string sent = "hello " + std::to_string(round);
      EXPECT_TRUE(co_await client->write(one(sent)));
      EXPECT_EQ(co_await read_text(*client, sent.size()), sent);
      client->close();
    }
    co_await h.core(0).call_on(1, []() -> rt::task<void> { co_return; });
  });
}

TEST(Transport, GivesAcceptedConnectionsTheBuffersAskedFor) {
  run_on_host(1, [](host& h) -> rt::task<void> {
    rt::world& w = h.core(0);
    auto listening = *w.net().listen({.host = "127.0.0.1", .port = 0}, {.send_bytes = 40'000, .receive_bytes = 50'000});
    const auto client = *co_await w.net().connect(listening->local(), 5000);
    const auto accepted = *co_await listening->accept();
    const int fd = dynamic_cast<tcp_connection&>(*accepted).socket().descriptor();
    const auto option = [fd](int name) {
      int value = 0;
      socklen_t size = sizeof value;
      EXPECT_EQ(::getsockopt(fd, SOL_SOCKET, name, &value, &size), 0);
      return value;
    };
    // Linux doubles what is asked for, as its own bookkeeping is in it.
    EXPECT_EQ(option(SO_SNDBUF), 80'000);
    EXPECT_EQ(option(SO_RCVBUF), 100'000);
  });
}

TEST(Transport, DoesNotPaceWithinOneMachine) {
  run_on_host(1, [](host& h) -> rt::task<void> {
    rt::world& w = h.core(0);
    for (const char* address : {"127.0.0.1", "0.0.0.0"}) {
      auto listening = *w.net().listen({.host = address, .port = 0});
      const auto client = *co_await w.net().connect({.host = "127.0.0.1", .port = listening->local().port}, 5000);
      const auto accepted = *co_await listening->accept();
      std::array<char, 16> name{};
      socklen_t size = name.size();
      const int fd = dynamic_cast<tcp_connection&>(*accepted).socket().descriptor();
      EXPECT_EQ(::getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name.data(), &size), 0);
      EXPECT_STREQ(name.data(), "reno");
    }
  });
}

TEST(Transport, PeerThatEndsItsSideReadsAsZeroBytes) {
  run_on_host(1, [](host& h) -> rt::task<void> {
    auto p = co_await make_pair(h.core(0));
    p.client->close();
    std::byte byte;
    const auto n = co_await p.server->read_some({&byte, 1});
    EXPECT_TRUE(n);
    EXPECT_EQ(n.value_or(1), 0U);
  });
}

TEST(Transport, GathersMemoryAndFileRangesInOrder) {
  temporary_directory where;
  run_on_host(1, [&](host& h) -> rt::task<void> {
    rt::world& w = h.core(0);
    auto p = co_await make_pair(w);
    std::string content(5'000'000, '\0');
    for (std::size_t i = 0; i < content.size(); ++i) content[i] = static_cast<char>('a' + i * 7 % 23);
    std::shared_ptr<rt::file> source = *w.files().open(where / "data", rt::open_mode::create);
    EXPECT_TRUE(source->write_at(0, as_bytes(content)));

    std::vector<rt::chunk> chunks;
    std::string expected;
    for (int i = 0; i < 300; ++i) {
      chunks.push_back(text("head" + std::to_string(i)));
      expected += "head" + std::to_string(i);
      chunks.emplace_back(shared_bytes());
    }
    chunks.emplace_back(rt::file_range{.source = source, .position = 3, .size_bytes = content.size() - 10});
    expected += content.substr(3, content.size() - 10);
    chunks.push_back(text("tail"));
    chunks.emplace_back(rt::file_range{.source = source, .position = 100, .size_bytes = 5});
    expected += "tail" + content.substr(100, 5);
    chunks.emplace_back(shared_bytes());

    rt::gate running;
    running.spawn([](rt::connection& to, std::vector<rt::chunk> what) -> rt::task<void> {
      EXPECT_TRUE(co_await to.write(std::move(what)));
    }(*p.server, std::move(chunks)));
    const std::string got = co_await read_text(*p.client, expected.size());
    EXPECT_TRUE(got == expected);
    co_await running.drained();
  });
}

TEST(Transport, FileThatEndsBeforeTheRangeFailsTheWrite) {
  temporary_directory where;
  run_on_host(1, [&](host& h) -> rt::task<void> {
    auto p = co_await make_pair(h.core(0));
    std::shared_ptr<rt::file> source = *h.core(0).files().open(where / "data", rt::open_mode::create);
    EXPECT_TRUE(source->write_at(0, as_bytes("short")));
    std::vector<rt::chunk> chunks;
    chunks.emplace_back(rt::file_range{.source = source, .position = 0, .size_bytes = 10});
    const auto outcome = co_await p.server->write(std::move(chunks));
    EXPECT_EQ(outcome.error().code, errc::io_error);
  });
}

TEST(Transport, CloseEndsAWaitingReadButNotInsideTheCall) {
  run_on_host(1, [](host& h) -> rt::task<void> {
    auto p = co_await make_pair(h.core(0));
    bool ended = false;
    rt::gate running;
    running.spawn([](rt::connection& from, bool& done) -> rt::task<void> {
      std::byte byte;
      const auto n = co_await from.read_some({&byte, 1});
      EXPECT_FALSE(n);
      EXPECT_EQ(n.error().code, errc::closed);
      done = true;
    }(*p.server, ended));
    p.server->close();
    EXPECT_FALSE(ended);
    co_await running.drained();
    EXPECT_TRUE(ended);
  });
}

TEST(Transport, DestroyingTheConnectionEndsAWaitingWrite) {
  run_on_host(1, [](host& h) -> rt::task<void> {
    auto p = co_await make_pair(h.core(0));
    rt::gate running;
    running.spawn([](rt::connection& to) -> rt::task<void> {
      std::vector<rt::chunk> much;
      much.emplace_back(shared_bytes::copy_of(as_bytes(std::string(64 << 20, 'x'))));
      const auto outcome = co_await to.write(std::move(much));
      EXPECT_FALSE(outcome);
      EXPECT_EQ(outcome.error().code, errc::closed);
    }(*p.server));
    EXPECT_EQ(running.running(), 1U);
    p.server.reset();
    co_await running.drained();
  });
}

TEST(Transport, ResumedReaderMayDestroyItsConnection) {
  run_on_host(1, [](host& h) -> rt::task<void> {
    auto p = co_await make_pair(h.core(0));
    rt::gate running;
    running.spawn([](std::unique_ptr<rt::connection> own) -> rt::task<void> {
      std::byte byte;
      EXPECT_TRUE(co_await own->read_some({&byte, 1}));
      own.reset();
    }(std::move(p.server)));
    EXPECT_TRUE(co_await p.client->write(one("x")));
    co_await running.drained();
    std::byte byte;
    EXPECT_EQ((co_await p.client->read_some({&byte, 1})).value_or(7), 0U);
  });
}

TEST(Transport, WritingToAPeerThatIsGoneIsAnErrorAndNoSignal) {
  temporary_directory where;
  run_on_host(1, [&](host& h) -> rt::task<void> {
    auto p = co_await make_pair(h.core(0));
    std::shared_ptr<rt::file> source = *h.core(0).files().open(where / "data", rt::open_mode::create);
    EXPECT_TRUE(source->write_at(0, as_bytes(std::string(100, 'x'))));
    p.client->close();
    result<void> outcome;
    for (int i = 0; i < 1000 && outcome; ++i) {
      std::vector<rt::chunk> chunks;
      chunks.emplace_back(rt::file_range{.source = source, .position = 0, .size_bytes = 100});
      outcome = co_await p.server->write(std::move(chunks));
    }
    EXPECT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, errc::network_exception);
  });
}

TEST(Transport, ClosedConnectionRefusesReadsAndWrites) {
  run_on_host(1, [](host& h) -> rt::task<void> {
    auto p = co_await make_pair(h.core(0));
    p.client->close();
    std::byte byte;
    EXPECT_EQ((co_await p.client->read_some({&byte, 1})).error().code, errc::closed);
    EXPECT_EQ((co_await p.client->write(one("x"))).error().code, errc::closed);
  });
}

TEST(Transport, ConnectionToAPortThatNobodyListensAtIsRefused) {
  run_on_host(1, [](host& h) -> rt::task<void> {
    rt::world& w = h.core(0);
    auto listening = *w.net().listen({.host = "127.0.0.1", .port = 0});
    const rt::endpoint at = listening->local();
    listening.reset();
    const auto made = co_await w.net().connect(at, 5000);
    EXPECT_FALSE(made);
    EXPECT_EQ(made.error().code, errc::network_exception);
    EXPECT_NE(made.error().message.find("Connection refused"), std::string::npos) << made.error().message;
  });
}

TEST(Transport, ConnectResolvesNames) {
  run_on_host(1, [](host& h) -> rt::task<void> {
    rt::world& w = h.core(0);
    auto listening = *w.net().listen({.host = "", .port = 0});
    auto made = co_await w.net().connect({.host = "localhost", .port = listening->local().port}, 5000);
    EXPECT_TRUE(made) << made.error().message;
    auto accepted = co_await listening->accept();
    EXPECT_TRUE(accepted);
    const auto unknown = co_await w.net().connect({.host = "no-such-host.invalid", .port = 1}, 20000);
    EXPECT_FALSE(unknown);
  });
}

TEST(Transport, ConnectGivesUpAtItsDeadline) {
  run_on_host(1, [](host& h) -> rt::task<void> {
    rt::world& w = h.core(0);
    // A listener whose backlog is full drops what knocks, so connecting takes for ever.
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(fd, 0), 0);
    socklen_t size = sizeof address;
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
    const rt::endpoint at{.host = "127.0.0.1", .port = ntohs(address.sin_port)};
    std::vector<std::unique_ptr<rt::connection>> fillers;
    errc last = errc::none;
    for (int i = 0; i < 10 && last == errc::none; ++i) {
      auto made = co_await w.net().connect(at, 200);
      if (made) {
        fillers.push_back(*std::move(made));
      } else {
        last = made.error().code;
      }
    }
    EXPECT_EQ(last, errc::timed_out);
    ::close(fd);
  });
}

TEST(Transport, ListeningTwiceAtOnePortIsRefused) {
  run_on_host(1, [](host& h) -> rt::task<void> {
    auto first = *h.core(0).net().listen({.host = "127.0.0.1", .port = 0});
    const auto second = h.core(0).net().listen(first->local());
    EXPECT_FALSE(second);
    EXPECT_EQ(second.error().code, errc::already_exists);
    co_return;
  });
}

TEST(Transport, ListensOnEveryInterfaceForBothFamilies) {
  run_on_host(1, [](host& h) -> rt::task<void> {
    rt::world& w = h.core(0);
    auto listening = *w.net().listen({.host = "0.0.0.0", .port = 0});
    auto client = *co_await w.net().connect({.host = "127.0.0.1", .port = listening->local().port}, 5000);
    auto accepted = *co_await listening->accept();
    EXPECT_EQ(accepted->remote().host, "127.0.0.1");
  });
}

TEST(Transport, ClosingTheListenerEndsAWaitingAccept) {
  run_on_host(1, [](host& h) -> rt::task<void> {
    auto listening = *h.core(0).net().listen({.host = "127.0.0.1", .port = 0});
    rt::gate running;
    running.spawn([](rt::listener& from) -> rt::task<void> {
      const auto made = co_await from.accept();
      EXPECT_FALSE(made);
      EXPECT_EQ(made.error().code, errc::closed);
    }(*listening));
    listening.reset();
    co_await running.drained();
  });
}

// In a process of its own, since it uses up the descriptors.
TEST(TransportDeathTest, RunningOutOfDescriptorsRefusesThePendingClientAndGoesOn) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        run_on_host(1, [](host& h) -> rt::task<void> {
          rt::world& w = h.core(0);
          auto listening = *w.net().listen({.host = "127.0.0.1", .port = 0});
          auto client = *co_await w.net().connect(listening->local(), 5000);
          std::vector<int> hoard;
          const rlimit few{.rlim_cur = 64, .rlim_max = 64};
          EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
          for (int fd = ::dup(0); fd >= 0; fd = ::dup(0)) hoard.push_back(fd);
          const auto refused = co_await listening->accept();
          EXPECT_FALSE(refused);
          EXPECT_EQ(refused.error().code, errc::io_error);
          std::byte byte;
          EXPECT_EQ((co_await client->read_some({&byte, 1})).value_or(7), 0U);
          for (const int fd : hoard) ::close(fd);
          auto again = *co_await w.net().connect(listening->local(), 5000);
          EXPECT_TRUE(co_await listening->accept());
        });
        std::exit(testing::Test::HasFailure() ? 1 : 0);
      },
      testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace moldau::rt_asio
