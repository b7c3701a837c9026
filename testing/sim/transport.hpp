#pragma once

#include <memory>

#include "rt/transport.hpp"
#include "testing/sim/link.hpp"
#include "testing/sim/network.hpp"

namespace moldau::testing::sim {

/// One end of a link, as the program that owns it sees it.
class simulated_connection final : public rt::connection {
 public:
  simulated_connection(std::shared_ptr<link> through, std::size_t end) : link_(std::move(through)), end_(end) {}
  ~simulated_connection() override { link_->close(end_); }

  void close() override { link_->close(end_); }
  [[nodiscard]] rt::endpoint local() const override { return link_->address(end_); }
  [[nodiscard]] rt::endpoint remote() const override { return link_->address(1 - end_); }
  void move_to(rt::world& home) { link_->move_to(end_, home); }

 protected:
  void start_read(mutable_bytes into, rt::completion<result<std::size_t>>& done) override {
    link_->read(end_, into, done);
  }
  void start_write(std::vector<rt::chunk>& chunks, rt::completion<result<void>>& done) override {
    link_->write(end_, std::move(chunks), done);
  }

 private:
  std::shared_ptr<link> link_;
  std::size_t end_;
};

/// One core's way to the simulated network.
class simulated_transport final : public rt::transport {
 public:
  simulated_transport(network& net, host_index host, rt::world& home, actor& who)
      : net_(net), host_(host), home_(home), who_(who) {}

  [[nodiscard]] result<std::unique_ptr<rt::listener>> listen(const rt::endpoint& at,
                                                             const rt::socket_buffers& buffers) override;
  [[nodiscard]] rt::task<result<std::unique_ptr<rt::connection>>> connect(rt::endpoint to, std::int64_t timeout_ms,
                                                                          rt::socket_buffers buffers) override;
  [[nodiscard]] std::unique_ptr<rt::connection> adopt(std::unique_ptr<rt::connection> from_other_core) override;

 private:
  network& net_;
  host_index host_;
  rt::world& home_;
  actor& who_;
};

}  // namespace moldau::testing::sim
