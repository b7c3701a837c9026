#include "http/server.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

#include "testing/sim/simulator.hpp"

namespace moldau::http {
namespace {

/// A server on a host of its own, and what a client would do to it.
class fixture {
 public:
  explicit fixture(rt::world& w, server::options chosen = {}) : world(w), under_test(w, std::move(chosen)) {
    under_test.route(method::get, "/hello/{who}", [](const request& asked) -> rt::task<response> {
      response out;
      out.body = "hello " + std::string(asked.parameter("who")) + std::string(asked.query_value("mark").value_or(""));
      out.headers.emplace_back("X-Agent", std::string(asked.header("user-agent").value_or("none")));
      co_return out;
    });
    under_test.route(method::post, "/echo", [](const request& asked) -> rt::task<response> {
      response out;
      out.status = 201;
      out.content_type = "application/octet-stream";
      out.body = asked.body;
      co_return out;
    });
    under_test.route(method::get, "/broken", [](const request&) -> rt::task<response> {
      throw std::runtime_error("broken");
      co_return response{};
    });
    under_test.route(method::get, "/slow", [this](const request&) -> rt::task<response> {
      entered.set(true);
      co_await release;
      response out;
      out.body = "at last";
      co_return out;
    });
    EXPECT_TRUE(under_test.listen({.host = "", .port = 8080}));
  }

  rt::task<std::unique_ptr<rt::connection>> connect() {
    co_return *co_await world.net().connect({.host = "localhost", .port = 8080}, 5000);
  }
  static rt::task<void> send(rt::connection& to, std::string_view text) {
    std::vector<rt::chunk> chunks;
    chunks.emplace_back(shared_bytes::copy_of(as_bytes(text)));
    EXPECT_TRUE(co_await to.write(std::move(chunks)));
  }
  /// Until the server ends its side.
  static rt::task<std::string> read_all(rt::connection& from) {
    std::string out;
    std::array<std::byte, 4096> piece;
    while (true) {
      const auto n = co_await from.read_some(piece);
      if (!n || *n == 0) break;
      out += as_text(bytes_view(piece).first(*n));
    }
    co_return out;
  }
  /// Until what came ends so, or the server ends its side.
  static rt::task<std::string> read_until(rt::connection& from, std::string_view end) {
    std::string out;
    std::byte one;
    while (!out.ends_with(end)) {
      const auto n = co_await from.read_some({&one, 1});
      if (!n || *n == 0) break;
      out += static_cast<char>(one);
    }
    co_return out;
  }
  /// One exchange over a connection of its own.
  rt::task<std::string> exchange(std::string text) {
    auto peer = co_await connect();
    co_await send(*peer, text);
    co_return co_await read_all(*peer);
  }

  rt::world& world;
  server under_test;
  rt::completion<bool> entered;
  rt::completion<bool> release;
};

/// Runs `body` beside a server, with several orders of events and sizes of reads.
void serve(const server::options& chosen, const std::function<rt::task<void>(fixture&)>& body) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    SCOPED_TRACE(seed);
    testing::sim::options settings = testing::sim::calm();
    settings.network.short_read = 0.3;
    testing::sim::simulator s(seed, settings);
    auto& machine = s.add_host("machine");
    const auto main = [](rt::world& w, const server::options& with, const auto& inner) -> rt::task<void> {
      fixture f(w, with);
      co_await inner(f);
      co_await f.under_test.stop();
      EXPECT_EQ(f.under_test.connection_count(), 0U);
    };
    s.run(machine, main(machine.core(), chosen, body));
  }
}

bool is_status(const std::string& answer, std::string_view status) {
  return answer.starts_with("HTTP/1.1 " + std::string(status) + " ");
}

TEST(HttpServer, AnswersWithTheHandlersResponse) {
  serve({}, [](fixture& f) -> rt::task<void> {
    const auto got = co_await f.exchange(
        "GET /hello/you%20all?mark=%21 HTTP/1.1\r\nHost: x\r\nUser-Agent: test\r\nConnection: close\r\n\r\n");
    EXPECT_TRUE(is_status(got, "200")) << got;
    EXPECT_NE(got.find("X-Agent: test\r\n"), std::string::npos) << got;
    EXPECT_NE(got.find("Content-Type: text/plain; charset=utf-8\r\n"), std::string::npos) << got;
    EXPECT_NE(got.find("Content-Length: 14\r\n"), std::string::npos) << got;
    EXPECT_TRUE(got.ends_with("\r\n\r\nhello you all!")) << got;
  });
}

TEST(HttpServer, KeepsTheConnectionAndAnswersPipelinedRequestsInOrder) {
  serve({}, [](fixture& f) -> rt::task<void> {
    auto peer = co_await f.connect();
    co_await f.send(*peer,
                    "GET /hello/1 HTTP/1.1\r\nHost: x\r\n\r\n"
                    "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
                    "GET /hello/2 HT");
    EXPECT_TRUE(is_status(co_await f.read_until(*peer, "hello 1"), "200"));
    EXPECT_TRUE(is_status(co_await f.read_until(*peer, "abc"), "201"));
    co_await f.send(*peer, "TP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    EXPECT_TRUE((co_await f.read_all(*peer)).ends_with("hello 2"));
  });
}

TEST(HttpServer, ReadsChunkedBodies) {
  serve({}, [](fixture& f) -> rt::task<void> {
    const auto got = co_await f.exchange(
        "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
        "3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n");
    EXPECT_TRUE(got.ends_with("\r\n\r\nabcdefg")) << got;
  });
}

TEST(HttpServer, AsksForTheBodyThatWaitsForContinue) {
  serve({}, [](fixture& f) -> rt::task<void> {
    auto peer = co_await f.connect();
    co_await f.send(*peer,
                    "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n"
                    "Connection: close\r\n\r\n");
    EXPECT_EQ(co_await f.read_until(*peer, "\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
    co_await f.send(*peer, "abc");
    EXPECT_TRUE((co_await f.read_all(*peer)).ends_with("abc"));
  });
}

TEST(HttpServer, HeadHasTheLengthButNoBody) {
  serve({}, [](fixture& f) -> rt::task<void> {
    const auto got = co_await f.exchange("HEAD /hello/x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    EXPECT_NE(got.find("Content-Length: 7\r\n"), std::string::npos) << got;
    EXPECT_TRUE(got.ends_with("\r\n\r\n")) << got;
  });
}

TEST(HttpServer, Http10ClosesUnlessAskedNotTo) {
  serve({}, [](fixture& f) -> rt::task<void> {
    const auto got = co_await f.exchange("GET /hello/x HTTP/1.0\r\n\r\n");
    EXPECT_TRUE(got.starts_with("HTTP/1.0 200 ")) << got;
  });
}

TEST(HttpServer, UnknownPathAndMethodAreTold) {
  serve({}, [](fixture& f) -> rt::task<void> {
    EXPECT_TRUE(is_status(co_await f.exchange("GET /none HTTP/1.1\r\nConnection: close\r\n\r\n"), "404"));
    const auto got = co_await f.exchange("DELETE /echo HTTP/1.1\r\nConnection: close\r\n\r\n");
    EXPECT_TRUE(is_status(got, "405")) << got;
    EXPECT_NE(got.find("Allow: POST\r\n"), std::string::npos) << got;
    EXPECT_TRUE(is_status(co_await f.exchange("BREW /echo HTTP/1.1\r\nConnection: close\r\n\r\n"), "405"));
  });
}

TEST(HttpServer, TooLargeHeadersAndBodiesAreRefused) {
  serve({.max_header_bytes = 1000, .max_body_bytes = 1000}, [](fixture& f) -> rt::task<void> {
    const std::string much(5000, 'x');
    EXPECT_TRUE(is_status(co_await f.exchange("GET /hello/x HTTP/1.1\r\nX: " + much + "\r\n\r\n"), "431"));
    EXPECT_TRUE(is_status(co_await f.exchange("GET /" + much), "431"));
    EXPECT_TRUE(is_status(co_await f.exchange("POST /echo HTTP/1.1\r\nContent-Length: 5000\r\n\r\n" + much), "413"));
    EXPECT_TRUE(is_status(
        co_await f.exchange("POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1388\r\n" + much + "\r\n"),
        "413"));
    EXPECT_TRUE(
        is_status(co_await f.exchange("POST /echo HTTP/1.1\r\nContent-Length: 18446744073709551615\r\n\r\n"), "413"));
  });
}

TEST(HttpServer, MalformedRequestsAreRefused) {
  serve({}, [](fixture& f) -> rt::task<void> {
    for (const auto* bad : {"\r\n\r\nnonsense\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n",
                            "GET /%zz HTTP/1.1\r\nConnection: close\r\n\r\n", "GET / HTTP/1.1\r\nbad header\r\n\r\n",
                            "POST /echo HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
                            "POST /echo HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
                            "POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"}) {
      const auto got = co_await f.exchange(bad);
      EXPECT_TRUE(is_status(got, "400") || is_status(got, "505")) << bad << " -> " << got;
    }
  });
}

TEST(HttpServer, HandlersExceptionIsAnswered500AndTheConnectionLives) {
  serve({}, [](fixture& f) -> rt::task<void> {
    auto peer = co_await f.connect();
    co_await f.send(*peer, "GET /broken HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_TRUE(is_status(co_await f.read_until(*peer, "log\n"), "500"));
    co_await f.send(*peer, "GET /hello/again HTTP/1.1\r\nConnection: close\r\n\r\n");
    EXPECT_TRUE((co_await f.read_all(*peer)).ends_with("hello again"));
  });
}

TEST(HttpServer, ErrorsLookAsTheOwnerWants) {
  server::options chosen;
  chosen.error_response = [](int status, std::string_view) {
    response out;
    out.status = status;
    out.content_type = "application/json";
    out.body = "{}";
    return out;
  };
  serve(chosen, [](fixture& f) -> rt::task<void> {
    const auto got = co_await f.exchange("GET /none HTTP/1.1\r\nConnection: close\r\n\r\n");
    EXPECT_TRUE(is_status(got, "404")) << got;
    EXPECT_TRUE(got.ends_with("\r\n\r\n{}")) << got;
  });
}

TEST(HttpServer, IdleAndSlowConnectionsAreClosed) {
  serve({.idle_timeout_ms = 50, .transfer_timeout_ms = 50}, [](fixture& f) -> rt::task<void> {
    EXPECT_EQ(co_await f.exchange(""), "");
    EXPECT_EQ(co_await f.exchange("GET /hello/x HTTP/1.1\r\nX-Slow:"), "");
  });
}

TEST(HttpServer, ConnectionsBeyondTheLimitAreClosed) {
  serve({.max_connections = 1}, [](fixture& f) -> rt::task<void> {
    auto first = co_await f.connect();
    co_await f.send(*first, "GET /hello/1 HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_TRUE(is_status(co_await f.read_until(*first, "hello 1"), "200"));
    EXPECT_EQ(co_await f.exchange(""), "");
  });
}

TEST(HttpServer, StopClosesIdleConnectionsAndFinishesResponses) {
  serve({}, [](fixture& f) -> rt::task<void> {
    auto idle = co_await f.connect();
    auto busy = co_await f.connect();
    co_await f.send(*busy, "GET /slow HTTP/1.1\r\nHost: x\r\n\r\n");
    co_await f.entered;
    rt::gate stopping;
    stopping.spawn(f.under_test.stop());
    EXPECT_EQ(co_await f.read_all(*idle), "");
    f.release.set(true);
    const auto got = co_await f.read_all(*busy);
    EXPECT_TRUE(got.ends_with("at last")) << got;
    EXPECT_NE(got.find("Connection: close"), std::string::npos) << got;
    co_await stopping.drained();
    EXPECT_FALSE(co_await f.world.net().connect({.host = "localhost", .port = 8080}, 1000));
  });
}

}  // namespace
}  // namespace moldau::http
