#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/system/error_code.hpp>
#include <chrono>
#include <memory>
#include <utility>

#include "moldau/core/executor.hpp"

namespace moldau::adapters {

/// Runs a client's handlers and resumptions on an Asio loop (Boost.Asio 1.81 or later): an `io_context`, a thread pool,
/// or a strand of one. The client's sockets stay on its own I/O thread.
///
///     boost::asio::io_context loop;
///     moldau::adapters::asio_executor here(loop.get_executor());
///     auto p = producer::make({.client = {.bootstrap_servers = {"localhost:9092"}, .handlers = &here}}).value();
///     p.send(record).then([](result<delivery> done) { … });   // runs inside loop.run()
///
/// It must outlive every client that was given it, and its loop must run until the last of them is destroyed. While
/// nothing else keeps the loop busy, a work guard must. Any thread may call it.
class asio_executor final : public executor {
 public:
  explicit asio_executor(boost::asio::any_io_executor on) : on_(std::move(on)) {}

  void post(work what) override { boost::asio::post(on_, std::move(what)); }
  void post_at(time_point at, work what) override {
    auto timer = std::make_shared<boost::asio::steady_timer>(
        on_, std::chrono::time_point_cast<std::chrono::steady_clock::duration>(at));
    timer->async_wait([timer, what = std::move(what)](const boost::system::error_code& failed) mutable {
      if (!failed) what();
    });
  }
  [[nodiscard]] time_point now() const override { return std::chrono::steady_clock::now(); }

 private:
  boost::asio::any_io_executor on_;
};

}  // namespace moldau::adapters
