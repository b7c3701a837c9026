#include "broker/connection.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <utility>

#include "bytes/endian.hpp"
#include "wire/protocol/api_keys.hpp"
#include "wire/protocol/produce_request.hpp"
#include "wire/protocol/request_header.hpp"
#include "wire/reader.hpp"

namespace moldau::broker {
namespace {

/// A length that a peer claims is believed only this far before its bytes arrive.
constexpr std::size_t trusted_length_bytes = 1024 * 1024;

/// Memory taken for a request that begins while little is left; while there is plenty, as far as its length is
/// believed.
constexpr std::size_t first_bytes = 4 * 1024;

/// A request that comes in more slowly than this, for so long, is stalled.
constexpr auto stalled_after = std::chrono::seconds(2);
constexpr double least_bytes_per_second = 16.0 * 1024;

/// A large answer is written so much at a time.
constexpr std::size_t piece_bytes = 64U * 1024;

}  // namespace

connection::connection(rt::world& world, std::unique_ptr<rt::connection> socket, peer_info peer,
                       request_handler& handler, memory_budget& budget, memory_budget& answers,
                       connection_limits limits)
    : world_(world),
      socket_(std::move(socket)),
      peer_(std::move(peer)),
      handler_(handler),
      budget_(budget),
      answers_(answers),
      limits_(limits),
      last_active_(world.now()) {}

rt::task<void> connection::run() {
  running_.spawn(write_loop());
  while (reading_) {
    auto what = std::make_unique<request>();
    auto frame = co_await next_frame(what->memory);
    if (!frame) break;
    const std::size_t frame_bytes = frame->size();
    if (!parse_header(*std::move(frame), *what)) {
      budget_.give_back(what->memory);
      break;
    }
    what->peer = &peer_;
    what->received = last_active_;
    const bool overlaps = what->api_key == wire::protocol::produce_request::api_key;
    while (!closed_ && !slots_.empty() &&
           (!overlaps || !slots_.back().overlaps || queueing_ || slots_.size() >= limits_.in_flight_max ||
            in_flight_bytes_ >= limits_.in_flight_max_bytes)) {
      co_await progressed_.wait();
    }
    if (closed_) {
      budget_.give_back(what->memory);
      break;
    }
    in_flight_bytes_ += frame_bytes;
    slot& place = slots_.emplace_back();
    place.request_bytes = frame_bytes;
    place.overlaps = overlaps;
    if (overlaps) {
      queueing_ = true;
      what->on_order_settled = [this] {
        queueing_ = false;
        progressed_.notify_all();
      };
    }
    running_.spawn(serve(std::move(what), place));
  }
  reading_ = false;
  peer_.gone = true;
  peer_.on_gone.call_all();
  answered_.notify_all();
  co_await running_.drained();
}

rt::task<void> connection::serve(std::unique_ptr<request> what, slot& place) {
  answer done = co_await handler_.handle(*what);
  what->settle_order();
  const memory_budget::share held = what->memory;
  const memory_budget::share made_in = what->answer_memory;
  what.reset();
  if (done.frame.message_bytes >= large_response_bytes) answers_.charge(done.frame.message_bytes, place.memory);
  if (made_in.bytes > 0) answers_.give_back(made_in);
  budget_.give_back(held);
  place.done = std::move(done);
  answered_.notify_all();
}

rt::task<void> connection::write_loop() {
  std::vector<rt::chunk> out;
  for (;;) {
    out.clear();
    std::size_t written = 0;
    bool cut = false;
    bool large = false;
    while (written < slots_.size() && slots_[written].done) {
      answer& done = *slots_[written].done;
      if (done.what == answer::kind::close) {
        cut = true;
        break;
      }
      std::move(done.frame.chunks.begin(), done.frame.chunks.end(), std::back_inserter(out));
      done.frame.chunks.clear();
      large |= slots_[written].memory.bytes > 0;
      ++written;
    }
    if (!out.empty() && !closed_) {
      last_active_ = world_.now();
      auto sent = co_await write(std::move(out), large);
      out = {};
      if (!sent) close();
    }
    if (written > 0) {
      for (std::size_t i = 0; i < written; ++i) pop_answered();
      last_active_ = world_.now();
      progressed_.notify_all();
    }
    if (cut) {
      close();
      for (;;) {
        while (!slots_.empty() && slots_.front().done) pop_answered();
        if (slots_.empty()) co_return;
        co_await answered_.wait();
      }
    }
    if (written > 0) continue;
    if (slots_.empty() && !reading_) {
      close();
      co_return;
    }
    co_await answered_.wait();
  }
}

void connection::pop_answered() {
  in_flight_bytes_ -= slots_.front().request_bytes;
  const memory_budget::share held = slots_.front().memory;
  slots_.pop_front();
  if (held.bytes > 0) answers_.give_back(held);
}

rt::task<result<void>> connection::write(std::vector<rt::chunk> out, bool large) {
  if (!large) co_return co_await socket_->write(std::move(out));
  sending_.done_bytes = 0;
  sending_.begin(world_.now());
  result<void> sent;
  for (rt::chunk& one : out) {
    const auto* bytes = std::get_if<shared_bytes>(&one);
    const std::size_t size = bytes == nullptr ? 0 : bytes->size();
    std::size_t from = 0;
    do {
      std::vector<rt::chunk> piece;
      const std::size_t part = std::min(size - from, piece_bytes);
      piece.push_back(bytes == nullptr ? std::move(one) : rt::chunk(bytes->slice(from, part)));
      sent = co_await socket_->write(std::move(piece));
      from += part;
      sending_.done_bytes += part;
      last_active_ = world_.now();
    } while (sent && from < size);
    if (!sent) break;
  }
  sending_.under_way = false;
  co_return sent;
}

bool connection::parse_header(shared_bytes frame, request& into) const {
  if (frame.size() < 4) return false;
  into.api_key = bytes::load_be<std::int16_t>(frame.data());
  into.api_version = bytes::load_be<std::int16_t>(frame.data() + 2);
  const auto* api = wire::protocol::find_api(into.api_key);
  if (api == nullptr) return false;
  into.frame = std::move(frame);
  wire::reader from(into.frame.view());
  auto header =
      wire::protocol::request_header::decode(from, wire::protocol::request_header_version(api->key, into.api_version));
  if (!header) return false;
  into.correlation_id = header->correlation_id;
  into.client_id = header->client_id.value_or(std::string_view{});
  into.body = from.rest();
  return true;
}

rt::task<std::optional<shared_bytes>> connection::next_frame(memory_budget::share& held) {
  while (ahead_to_ - ahead_from_ < 4) {
    if (ahead_from_ > 0) {
      std::memmove(ahead_, ahead_ + ahead_from_, ahead_to_ - ahead_from_);
      ahead_to_ -= ahead_from_;
      ahead_from_ = 0;
    }
    auto got = co_await socket_->read_some(mutable_bytes(ahead_ + ahead_to_, sizeof ahead_ - ahead_to_));
    if (!got || *got == 0) co_return std::nullopt;
    ahead_to_ += *got;
    last_active_ = world_.now();
  }
  const auto claimed = bytes::load_be<std::int32_t>(ahead_ + ahead_from_);
  if (claimed < 0 || static_cast<std::size_t>(claimed) > limits_.request_max_bytes) co_return std::nullopt;
  ahead_from_ += 4;
  const auto size = static_cast<std::size_t>(claimed);
  const std::size_t believed = std::min(size, trusted_length_bytes);
  co_await budget_.take(budget_.is_ample() ? believed : std::min(size, first_bytes), held);

  shared_bytes frame = shared_bytes::allocate(believed);
  std::size_t have = std::min(ahead_to_ - ahead_from_, size);
  std::memcpy(frame.writable().data(), ahead_ + ahead_from_, have);
  ahead_from_ += have;
  receiving_.done_bytes = have;
  receiving_.begin(world_.now());
  while (have < size) {
    if (have == frame.size()) {
      shared_bytes larger = shared_bytes::allocate(std::min(size, frame.size() * 2));
      std::memcpy(larger.writable().data(), frame.data(), have);
      frame = std::move(larger);
    }
    if (have >= held.bytes) {
      const std::size_t more = std::min(size, have * 2) - held.bytes;
      if (!budget_.try_grow(more, held)) {
        receiving_.under_way = false;
        co_await budget_.grow(more, held);
        receiving_.begin(world_.now());
      }
    }
    const std::size_t room = std::min(frame.size(), held.bytes) - have;
    auto got = co_await socket_->read_some(frame.writable().subspan(have, room));
    if (!got || *got == 0) {
      receiving_.under_way = false;
      budget_.give_back(std::exchange(held, {}));
      co_return std::nullopt;
    }
    have += *got;
    receiving_.done_bytes = have;
    last_active_ = world_.now();
  }
  receiving_.under_way = false;
  co_return frame;
}

void connection::progress::begin(rt::time_point now) {
  under_way = true;
  looked_at_bytes = done_bytes;
  looked_at = now;
}

bool connection::progress::is_stalled(rt::time_point now) {
  const rt::duration since = now - looked_at;
  if (!under_way || since < stalled_after) return false;
  const auto went = static_cast<double>(done_bytes - looked_at_bytes);
  begin(now);
  return went < std::chrono::duration<double>(since).count() * least_bytes_per_second;
}

bool connection::is_stalled() {
  const bool in = receiving_.is_stalled(world_.now());
  const bool out = sending_.is_stalled(world_.now());
  return in || out;
}

void connection::stop_reading() {
  reading_ = false;
  if (slots_.empty()) close();
}

void connection::close() {
  if (closed_) return;
  closed_ = true;
  reading_ = false;
  socket_->close();
  progressed_.notify_all();
}

}  // namespace moldau::broker
