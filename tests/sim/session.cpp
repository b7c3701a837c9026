#include "tests/sim/session.hpp"

#include <fmt/format.h>

namespace moldau::scenarios {
namespace {

/// No response of these scenarios comes near; a longer one is a mistake, not a reason to allocate.
constexpr std::int32_t response_bytes_max = 64 << 20;

}  // namespace

rt::task<result<void>> session::connect() {
  close();
  auto socket =
      co_await world_.net().connect(to_, std::chrono::duration_cast<std::chrono::milliseconds>(timeout_).count());
  if (!socket) co_return std::unexpected<error>(std::move(socket).error());
  socket_ = *std::move(socket);
  co_return result<void>{};
}

void session::close() {
  socket_.reset();
  expected_.clear();
}

std::unique_ptr<rt::timer> session::watchdog() {
  return world_.post_at(world_.now() + timeout_, [this] {
    if (socket_ != nullptr) socket_->close();
  });
}

rt::task<result<void>> session::write(shared_bytes frame) {
  const auto timer = watchdog();
  std::vector<rt::chunk> chunks;
  chunks.emplace_back(std::move(frame));
  auto done = co_await socket_->write(std::move(chunks));
  if (!done) close();
  co_return done;
}

rt::task<result<shared_bytes>> session::read_frame() {
  const auto timer = watchdog();
  std::byte length[4];
  auto got = co_await read_exactly(length);
  if (got) {
    const auto size = bytes::load_be<std::int32_t>(length);
    if (size < 4 || size > response_bytes_max) {
      co_return refuse({errc::malformed, fmt::format("a response of {} bytes", size)});
    }
    shared_bytes frame = shared_bytes::allocate(static_cast<std::size_t>(size));
    got = co_await read_exactly(frame.writable());
    if (got) co_return frame;
  }
  world_.log().debug("{}: no response: {}", name_, got.error().message);
  close();
  co_return std::unexpected<error>(std::move(got).error());
}

rt::task<result<void>> session::read_exactly(mutable_bytes into) {
  while (!into.empty()) {
    auto got = co_await socket_->read_some(into);
    if (!got) co_return std::unexpected<error>(std::move(got).error());
    if (*got == 0) co_return fail(errc::closed, "the broker has closed the connection");
    into = into.subspan(*got);
  }
  co_return result<void>{};
}

std::unexpected<error> session::refuse(const error& why) {
  out_.fail(fmt::format("a response can't be read: {}", why.message));
  close();
  return std::unexpected<error>(why);
}

void session::note(std::string_view what, std::int16_t api_key, std::int32_t correlation) const {
  world_.log().debug("{} {} {} #{}", name_, what, wire::protocol::find_api(api_key)->name, correlation);
}

void session::check_order(std::int32_t correlation) {
  if (expected_.empty() || expected_.front() != correlation) {
    out_.fail(
        fmt::format("response {} came where {} was due", correlation, expected_.empty() ? -1 : expected_.front()));
  }
  if (!expected_.empty()) expected_.pop_front();
}

}  // namespace moldau::scenarios
