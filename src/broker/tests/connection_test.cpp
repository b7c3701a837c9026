#include "broker/connection.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "broker/serve.hpp"
#include "broker/tests/test_client.hpp"
#include "testing/sim/simulator.hpp"
#include "wire/protocol/metadata_request.hpp"
#include "wire/protocol/produce_request.hpp"

namespace moldau::broker {
namespace {

using namespace std::chrono_literals;
namespace protocol = wire::protocol;
namespace sim = moldau::testing::sim;
using testing::test_client;

/// Answers when the test says so.
class held_handler final : public request_handler {
 public:
  explicit held_handler(std::size_t answer_bytes) : answer_bytes_(answer_bytes) {}

  rt::task<answer> handle(request& what) override {
    started.push_back(what.correlation_id);
    const std::int32_t id = what.correlation_id;
    if (settles_at_once) what.settle_order();
    while (!released.contains(id) && !all_released) co_await changed.wait();
    what.settle_order();
    if (released[id] == answer::kind::close) co_return answer::close_connection();
    if (released[id] == answer::kind::none) co_return answer::nothing();
    shared_bytes frame = shared_bytes::allocate(answer_bytes_);
    bytes::store_be(frame.writable().data(), static_cast<std::int32_t>(answer_bytes_ - 4));
    bytes::store_be(frame.writable().data() + 4, id);
    answer out;
    out.frame.chunks.emplace_back(std::move(frame));
    out.frame.size_bytes = answer_bytes_;
    co_return out;
  }
  void release(std::int32_t id, answer::kind how = answer::kind::send) {
    released[id] = how;
    changed.notify_all();
  }

  std::vector<std::int32_t> started;
  std::map<std::int32_t, answer::kind> released;
  bool all_released = false;
  bool settles_at_once = true;
  rt::event changed;

 private:
  std::size_t answer_bytes_;
};

using ids = std::vector<std::int32_t>;

/// A connection served by `held_handler`, and its client at the other end.
class ConnectionTest : public ::testing::Test {
 protected:
  ConnectionTest() : world_(5), server_(world_.add_host("server")), client_(world_.add_host("client")) {}

  void open(connection_limits limits = {}, std::size_t answer_bytes = 8, std::size_t memory_bytes = 1U << 20U) {
    handler_ = std::make_unique<held_handler>(answer_bytes);
    budget_ = std::make_unique<memory_budget>(memory_bytes);
    answers_ = std::make_unique<memory_budget>(memory_bytes);
    auto listener = server_.core().net().listen({"", 9092});
    ASSERT_TRUE(listener);
    listener_ = *std::move(listener);
    server_.spawn(serve_one(limits));
    peer_ = std::make_unique<test_client>(on_client(connect()));
    ASSERT_TRUE(world_.run_until([this] { return under_test_ != nullptr; }, 10s));
  }
  rt::task<void> serve_one(connection_limits limits) {
    auto socket = co_await listener_->accept();
    connection here(server_.core(), *std::move(socket), {}, *handler_, *budget_, *answers_, limits);
    under_test_ = &here;
    co_await here.run();
    under_test_ = nullptr;
    ended_ = true;
  }
  rt::task<test_client> connect() { co_return *co_await test_client::connect(client_.core(), {"server", 9092}); }

  template <typename T>
  T on_client(rt::task<T> what) {
    return world_.run(client_, std::move(what), 0, 60s);
  }
  void send(shared_bytes frame) { EXPECT_TRUE(on_client(peer_->send(std::move(frame)))); }
  /// A produce overlaps with others; a metadata request doesn't.
  void send_produce(std::int32_t id) { send(test_client::frame_of(protocol::produce_request{}, 9, id)); }
  void send_other(std::int32_t id) { send(test_client::frame_of(protocol::metadata_request{}, 9, id)); }
  std::int32_t receive_id() {
    auto frame = on_client(peer_->receive_frame());
    return frame ? bytes::load_be<std::int32_t>(frame->data()) : -1;
  }
  void settle() { world_.run_for(1s); }
  /// What resumes the connection's tasks must do so within their process.
  void on_server(std::function<void()> what) {
    world_.run(server_, [](std::function<void()> act) -> rt::task<void> {
      act();
      co_return;
    }(std::move(what)));
  }
  void release(std::int32_t id, answer::kind how = answer::kind::send) {
    on_server([this, id, how] { handler_->release(id, how); });
  }
  bool ends() {
    return world_.run_until([this] { return ended_; }, 10s);
  }
  static shared_bytes raw(std::vector<int> content) {
    shared_bytes out = shared_bytes::allocate(content.size());
    std::ranges::transform(content, out.writable().begin(), [](int b) { return static_cast<std::byte>(b); });
    return out;
  }

  sim::simulator world_;
  sim::host& server_;
  sim::host& client_;
  std::unique_ptr<held_handler> handler_;
  std::unique_ptr<memory_budget> budget_;
  std::unique_ptr<memory_budget> answers_;
  std::unique_ptr<rt::listener> listener_;
  std::unique_ptr<test_client> peer_;
  connection* under_test_ = nullptr;
  bool ended_ = false;
};

TEST_F(ConnectionTest, AnswersInTheOrderOfTheRequests) {
  open();
  for (std::int32_t id = 1; id <= 3; ++id) send_produce(id);
  settle();
  ASSERT_EQ(handler_->started, (ids{1, 2, 3}));
  for (const std::int32_t id : {3, 2, 1}) release(id);
  EXPECT_EQ(receive_id(), 1);
  EXPECT_EQ(receive_id(), 2);
  EXPECT_EQ(receive_id(), 3);
}

TEST_F(ConnectionTest, StartsAProduceOnceTheAppendsBeforeItStandInTheirQueues) {
  open();
  handler_->settles_at_once = false;
  send_produce(1);
  send_produce(2);
  settle();
  EXPECT_EQ(handler_->started, ids{1});
  release(1);
  settle();
  EXPECT_EQ(handler_->started, (ids{1, 2}));
}

TEST_F(ConnectionTest, StartsAnyOtherRequestOnceAllBeforeItAreAnswered) {
  open();
  send_produce(1);
  send_other(2);
  send_produce(3);
  settle();
  EXPECT_EQ(handler_->started, ids{1});
  release(1);
  settle();
  EXPECT_EQ(handler_->started, (ids{1, 2})) << "a produce overtakes nothing but the sync of other produces";
  release(2);
  settle();
  EXPECT_EQ(handler_->started, (ids{1, 2, 3}));
}

TEST_F(ConnectionTest, SendsNothingForWhatExpectsNoAnswer) {
  open();
  send_produce(1);
  send_produce(2);
  settle();
  release(1, answer::kind::none);
  release(2);
  EXPECT_EQ(receive_id(), 2);
}

TEST_F(ConnectionTest, ClosesInTheTurnOfTheAnswerThatCloses) {
  open();
  for (std::int32_t id = 1; id <= 3; ++id) send_produce(id);
  settle();
  release(3);
  release(2, answer::kind::close);
  release(1);
  EXPECT_EQ(receive_id(), 1);
  EXPECT_EQ(receive_id(), -1);
  EXPECT_TRUE(ends());
  EXPECT_EQ(budget_->left_bytes(), budget_->limit_bytes());
}

TEST_F(ConnectionTest, BoundsTheRequestsUnderWay) {
  open({.in_flight_max = 4});
  for (std::int32_t id = 1; id <= 10; ++id) send_produce(id);
  settle();
  EXPECT_EQ(handler_->started.size(), 4U);
  release(1);
  settle();
  EXPECT_EQ(handler_->started.size(), 5U);
}

TEST_F(ConnectionTest, BoundsTheBytesOfRequestsUnderWay) {
  open({.in_flight_max_bytes = 100});
  const std::size_t request_bytes = test_client::frame_of(protocol::produce_request{}, 9, 1).size() - 4;
  for (std::int32_t id = 1; id <= 20; ++id) send_produce(id);
  settle();
  EXPECT_EQ(handler_->started.size(), (100 + request_bytes - 1) / request_bytes);
}

TEST_F(ConnectionTest, ReadsNoFurtherForAClientThatReadsNothing) {
  constexpr std::size_t answer_bytes = 1U << 20U;
  open({}, answer_bytes);
  handler_->all_released = true;
  constexpr std::int32_t sent = 20;
  client_.spawn([](test_client& peer) -> rt::task<void> {
    for (std::int32_t id = 1; id <= sent; ++id) {
      if (!co_await peer.send(test_client::frame_of(protocol::metadata_request{}, 9, id))) co_return;
    }
  }(*peer_));
  world_.run_for(30s);
  // One answer is on its way into the socket, and none is made beyond it.
  EXPECT_LE(handler_->started.size(), 2U);
  for (std::int32_t id = 1; id <= sent; ++id) ASSERT_EQ(receive_id(), id);
}

TEST_F(ConnectionTest, BoundsTheAnswersToProducesOfAClientThatReadsNothing) {
  constexpr std::size_t answer_bytes = 256U << 10U;
  open({.in_flight_max = 8}, answer_bytes);
  handler_->all_released = true;
  client_.spawn([](test_client& peer) -> rt::task<void> {
    for (std::int32_t id = 1; id <= 200; ++id) {
      if (!co_await peer.send(test_client::frame_of(protocol::produce_request{}, 9, id))) co_return;
    }
  }(*peer_));
  world_.run_for(30s);
  EXPECT_LE(handler_->started.size(), 16U);
}

TEST_F(ConnectionTest, ClosesOnAFrameThatIsTooLong) {
  open({.request_max_bytes = 1000});
  send(raw({0, 0, 3, 233}));
  EXPECT_TRUE(ends());
  EXPECT_TRUE(handler_->started.empty());
}

TEST_F(ConnectionTest, ClosesOnANegativeLength) {
  open();
  send(raw({255, 255, 255, 255}));
  EXPECT_TRUE(ends());
}

TEST_F(ConnectionTest, ClosesOnAFrameWithoutAHeader) {
  open();
  send(raw({0, 0, 0, 2, 0, 3}));
  EXPECT_TRUE(ends());
  EXPECT_EQ(budget_->left_bytes(), budget_->limit_bytes());
}

TEST_F(ConnectionTest, ClosesOnAnApiThatDoesNotExist) {
  open();
  send(raw({0, 0, 0, 10, 127, 0, 0, 0, 0, 0, 0, 1, 0, 0}));
  EXPECT_TRUE(ends());
  EXPECT_EQ(budget_->left_bytes(), budget_->limit_bytes());
}

TEST_F(ConnectionTest, GivesTheMemoryOfARequestBackThatNeverCame) {
  open();
  send(raw({0, 0, 100, 0, 1, 2, 3}));
  settle();
  EXPECT_LT(budget_->left_bytes(), budget_->limit_bytes());
  peer_->socket().close();
  EXPECT_TRUE(ends());
  EXPECT_EQ(budget_->left_bytes(), budget_->limit_bytes());
}

TEST_F(ConnectionTest, DoesNotAllocateWhatALengthMerelyClaims) {
  open({.request_max_bytes = 100U << 20U}, 8, 200U << 20U);
  send(raw({6, 0, 0, 0}));
  settle();
  EXPECT_FALSE(ended_);
}

TEST_F(ConnectionTest, WaitsForMemoryBeforeItReadsARequest) {
  open({}, 8, 10);
  memory_budget::share others;
  server_.spawn([](memory_budget& budget, memory_budget::share& of) -> rt::task<void> { co_await budget.take(10, of); }(
                                                                        *budget_, others));
  settle();
  send_other(1);
  settle();
  EXPECT_TRUE(handler_->started.empty());
  on_server([&] { budget_->give_back(others); });
  settle();
  EXPECT_EQ(handler_->started, ids{1});
}

TEST_F(ConnectionTest, IsStalledWhenARequestHardlyComesIn) {
  open();
  EXPECT_FALSE(under_test_->is_stalled());
  send(raw({0, 0, 100, 0, 1, 2, 3}));
  settle();
  EXPECT_FALSE(under_test_->is_stalled()) << "it may yet come";
  world_.run_for(10s);
  EXPECT_TRUE(under_test_->is_stalled());
}

TEST_F(ConnectionTest, AnswersWhatIsUnderWayBeforeItEnds) {
  open();
  send_produce(1);
  settle();
  on_server([this] { under_test_->stop_reading(); });
  settle();
  ASSERT_FALSE(ended_);
  release(1);
  EXPECT_EQ(receive_id(), 1);
  EXPECT_TRUE(ends());
}

TEST_F(ConnectionTest, EndsAtOnceWithoutAnythingUnderWay) {
  open();
  on_server([this] { under_test_->stop_reading(); });
  EXPECT_TRUE(ends());
}

TEST_F(ConnectionTest, EndsAfterTheAnswersWhenThePeerHasEnded) {
  open();
  send_produce(1);
  settle();
  peer_->socket().close();
  settle();
  release(1);
  EXPECT_TRUE(ends());
  EXPECT_EQ(budget_->left_bytes(), budget_->limit_bytes());
}

}  // namespace
}  // namespace moldau::broker
