#include "rt_asio/socket.hpp"

#include <fmt/format.h>
#include <netinet/tcp.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>
#include <utility>

#include "rt_asio/posix_file.hpp"
#include "rt_asio/system_error.hpp"

namespace moldau::rt_asio {

namespace asio = boost::asio;

namespace {

/// How often one connection may read without the loop's turn, and how much it may write: others wait meanwhile.
constexpr unsigned max_reads_in_a_row = 16;
constexpr std::uint64_t max_bytes_in_a_row = 4ULL << 20U;
constexpr std::size_t sendfile_step = 1U << 20U;
/// Below IOV_MAX; more than a response has pieces, as a rule.
constexpr std::size_t max_vectors = 128;

std::uint64_t size_of(const rt::chunk& piece) {
  const auto* memory = std::get_if<shared_bytes>(&piece);
  return memory != nullptr ? memory->size() : std::get<rt::file_range>(piece).size_bytes;
}

}  // namespace

rt::endpoint to_endpoint(const tcp_address& address) {
  asio::ip::address ip = address.address();
  if (ip.is_v6() && ip.to_v6().is_v4_mapped()) ip = asio::ip::make_address_v4(asio::ip::v4_mapped, ip.to_v6());
  return {.host = ip.to_string(), .port = address.port()};
}

void forgo_pacing(int fd, const tcp_address& remote) {
  const asio::ip::address host = remote.address();
  const bool local = host.is_v6() && host.to_v6().is_v4_mapped()
                         ? asio::ip::make_address_v4(asio::ip::v4_mapped, host.to_v6()).is_loopback()
                         : host.is_loopback();
  if (!local) return;
  constexpr std::string_view plain = "reno";
  // Where it can't be had, what the system gives serves as well.
  (void)::setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, plain.data(), plain.size());
}

rt::endpoint local_endpoint(int fd) {
  tcp_address address;
  auto size = static_cast<socklen_t>(address.capacity());
  if (::getsockname(fd, address.data(), &size) != 0) return {};
  return to_endpoint(address);
}

socket_state::socket_state(asio::io_context& context, unique_fd fd, const tcp_address& remote)
    : socket_(context), remote_(remote), fd_(fd.release()) {}

socket_state::~socket_state() {
  close();
}

void socket_state::register_descriptor() {
  if (std::exchange(registered_, true)) return;
  const auto family = remote_.protocol();
  boost::system::error_code failed;
  socket_.assign(family, fd_, failed);
  if (failed) registered_ = false;
}

void socket_state::close() {
  if (fd_ < 0) return;
  const int fd = std::exchange(fd_, -1);
  if (registered_) {
    boost::system::error_code ignored;
    socket_.close(ignored);
  } else {
    ::close(fd);
  }
}

unique_fd socket_state::release() {
  MOLDAU_ASSERT(!registered_);
  return unique_fd(std::exchange(fd_, -1));
}

error socket_state::closed_error(std::string_view doing) const {
  return {errc::closed,
          fmt::format("cannot {} {}: the connection was closed", doing, to_endpoint(remote_).to_string())};
}

std::unexpected<error> socket_state::system_error(std::string_view doing, int number) const {
  return socket_error(doing, to_endpoint(remote_).to_string(), number);
}

void socket_state::read(mutable_bytes into, rt::completion<result<std::size_t>>& done) {
  MOLDAU_ASSERT(!reading_ && !into.empty());
  if (fd_ < 0) return done.set(std::unexpected(closed_error("read from")));
  if (more_likely_ && reads_in_a_row_ < max_reads_in_a_row) {
    const auto got = ::recv(fd_, into.data(), into.size(), MSG_DONTWAIT);
    if (got >= 0) {
      more_likely_ = static_cast<std::size_t>(got) == into.size();
      ++reads_in_a_row_;
      return done.set(static_cast<std::size_t>(got));
    }
    if (errno != EAGAIN && errno != EINTR) {
      return done.set(system_error("read from", errno));
    }
  }
  read_later(into, done);
}

void socket_state::read_later(mutable_bytes into, rt::completion<result<std::size_t>>& done) {
  register_descriptor();
  reading_ = true;
  socket_.async_receive(asio::buffer(into.data(), into.size()), [self = socket_ptr(this), &done, wanted = into.size()](
                                                                    boost::system::error_code failed, std::size_t got) {
    self->reading_ = false;
    self->reads_in_a_row_ = 0;
    if (self->is_closed()) return done.set(std::unexpected(self->closed_error("read from")));
    if (failed && failed != asio::error::eof) {
      return done.set(self->system_error("read from", failed.value()));
    }
    self->more_likely_ = got == wanted;
    done.set(got);
  });
}

void socket_state::write(std::vector<rt::chunk>& chunks, rt::completion<result<void>>& done) {
  MOLDAU_ASSERT(write_done_ == nullptr);
  if (fd_ < 0) return done.set(std::unexpected(closed_error("write to")));
  // An empty last piece would leave the one before waiting for it in the kernel (MSG_MORE).
  while (!chunks.empty() && size_of(chunks.back()) == 0) chunks.pop_back();
  write_done_ = &done;
  // The caller gets the memory of the write before.
  chunks_.clear();
  chunks_.swap(chunks);
  chunk_ = 0;
  chunk_done_ = 0;
  advance(0);
  pump();
}

void socket_state::pump() {
  std::uint64_t budget = max_bytes_in_a_row;
  while (chunk_ < chunks_.size()) {
    if (budget == 0) return pump_when_writable();
    const bool is_file = std::holds_alternative<rt::file_range>(chunks_[chunk_]);
    switch (is_file ? send_file() : send_memory()) {
      case step::progress:
        if (is_file) budget -= std::min<std::uint64_t>(budget, sendfile_step);
        break;
      case step::blocked:
        return pump_when_writable();
      case step::failed:
        return finish_write(std::unexpected(std::exchange(write_error_, {})));
    }
  }
  finish_write({});
}

void socket_state::pump_when_writable() {
  register_descriptor();
  socket_.async_wait(asio::socket_base::wait_write, [self = socket_ptr(this)](boost::system::error_code failed) {
    if (self->is_closed()) return self->finish_write(std::unexpected(self->closed_error("write to")));
    if (failed) return self->finish_write(self->system_error("write to", failed.value()));
    self->pump();
  });
}

socket_state::step socket_state::send_memory() {
  std::array<iovec, max_vectors> vectors;
  std::size_t count = 0;
  std::size_t at = chunk_;
  for (; at < chunks_.size() && count < max_vectors; ++at) {
    const auto* memory = std::get_if<shared_bytes>(&chunks_[at]);
    if (memory == nullptr) break;
    const std::size_t skip = at == chunk_ ? chunk_done_ : 0;
    if (memory->size() == skip) continue;
    vectors[count++] = {.iov_base = const_cast<std::byte*>(memory->data() + skip), .iov_len = memory->size() - skip};
  }
  msghdr message{};
  message.msg_iov = vectors.data();
  message.msg_iovlen = count;
  // More is to follow: let the kernel fill its segments.
  const int more = at < chunks_.size() ? MSG_MORE : 0;
  const auto sent = ::sendmsg(fd_, &message, MSG_NOSIGNAL | MSG_DONTWAIT | more);
  if (sent >= 0) {
    advance(static_cast<std::size_t>(sent));
    return step::progress;
  }
  if (errno == EINTR) return step::progress;
  if (errno == EAGAIN) return step::blocked;
  write_error_ = system_error("write to", errno).error();
  return step::failed;
}

socket_state::step socket_state::send_file() {
  const auto& range = std::get<rt::file_range>(chunks_[chunk_]);
  const auto* source = dynamic_cast<const posix_file*>(range.source.get());
  MOLDAU_ASSERT(source != nullptr);
  auto position = static_cast<off_t>(range.position + chunk_done_);
  const std::uint64_t left = range.size_bytes - chunk_done_;
  const std::uint64_t wanted = std::min<std::uint64_t>(left, sendfile_step);
  const auto sent = ::sendfile(fd_, source->descriptor(), &position, wanted);
  if (sent > 0) {
    advance(static_cast<std::size_t>(sent));
    // Less than asked for: the send buffer is full. Asking again at once would race with the peer for single pages.
    return static_cast<std::uint64_t>(sent) < wanted ? step::blocked : step::progress;
  }
  if (sent == 0) {
    write_error_ = {errc::io_error, fmt::format("cannot send {} bytes of {} from {} on: the file ends before", left,
                                                source->path(), range.position + chunk_done_)};
    return step::failed;
  }
  if (errno == EINTR) return step::progress;
  if (errno == EAGAIN) return step::blocked;
  write_error_ = system_error("write to", errno).error();
  return step::failed;
}

void socket_state::advance(std::size_t bytes) {
  chunk_done_ += bytes;
  while (chunk_ < chunks_.size()) {
    const auto* memory = std::get_if<shared_bytes>(&chunks_[chunk_]);
    const std::uint64_t size =
        memory != nullptr ? memory->size() : std::get<rt::file_range>(chunks_[chunk_]).size_bytes;
    if (chunk_done_ < size) return;
    chunk_done_ -= size;
    ++chunk_;
  }
}

void socket_state::finish_write(result<void> outcome) {
  chunks_.clear();
  // Last: whoever waits runs inside, may write again, and may drop the connection.
  std::exchange(write_done_, nullptr)->set(std::move(outcome));
}

void socket_state::wait_readable(rt::completion<boost::system::error_code>& done) {
  register_descriptor();
  socket_.async_wait(asio::socket_base::wait_read,
                     [self = socket_ptr(this), &done](boost::system::error_code failed) { done.set(failed); });
}

void socket_state::wait_writable(rt::completion<boost::system::error_code>& done) {
  register_descriptor();
  socket_.async_wait(asio::socket_base::wait_write,
                     [self = socket_ptr(this), &done](boost::system::error_code failed) { done.set(failed); });
}

}  // namespace moldau::rt_asio
