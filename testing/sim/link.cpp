#include "testing/sim/link.hpp"

#include <fmt/format.h>

#include <utility>

#include "bytes/crc32c.hpp"

namespace moldau::testing::sim {

link::link(scheduler& queue, random_source random, const network_options& settings, paths& routes, end first,
           end second)
    : queue_(queue),
      random_(random),
      settings_(settings),
      routes_(routes),
      ends_{std::move(first), std::move(second)} {}

template <typename T>
void link::finish(std::size_t i, rt::completion<T>& done, T value, bool waited) {
  if (!waited && random_.chance(settings_.immediate)) {
    done.set(std::move(value));
  } else {
    ends_[i].home->post([&done, v = std::move(value)]() mutable { done.set(std::move(v)); });
  }
}

rt::duration link::latency() {
  const bool local = ends_[0].host == ends_[1].host;
  rt::duration out = random_.within(local ? settings_.loopback_latency : settings_.latency);
  if (!local && random_.chance(settings_.slow)) out += random_.within(settings_.slow_latency);
  return out;
}

bool link::between(host_index a, host_index b) const {
  return (ends_[0].host == a && ends_[1].host == b) || (ends_[0].host == b && ends_[1].host == a);
}

// Reading.

void link::read(std::size_t i, mutable_bytes into, rt::completion<result<std::size_t>>& done) {
  if (ends_[i].home == nullptr) return done.set(fail(errc::closed, "the connection is closed"));
  MOLDAU_ASSERT(!incoming(i).reading);
  incoming(i).reading = pending_read{into, &done};
  give_to_reader(i, false);
}

void link::give_to_reader(std::size_t i, bool waited) {
  stream& in = incoming(i);
  if (!in.reading) return;
  const pending_read reading = *in.reading;
  if (!in.received.empty()) {
    std::size_t size = std::min(in.received.size(), reading.into.size());
    if (size > 1 && random_.chance(settings_.short_read)) size = 1 + random_.below(size);
    in.reading.reset();
    in.received.pop(reading.into.first(size));
    finish(i, *reading.done, result<std::size_t>(size), waited);
    pump(1 - i);  // The window has opened.
  } else if (failed_[i]) {
    in.reading.reset();
    finish(i, *reading.done, result<std::size_t>(std::unexpected(*failed_[i])), waited);
  } else if (in.end_received) {
    in.reading.reset();
    finish(i, *reading.done, result<std::size_t>(0), waited);
  }
}

// Writing.

void link::write(std::size_t i, std::vector<rt::chunk> chunks, rt::completion<result<void>>& done) {
  if (ends_[i].home == nullptr) return done.set(fail(errc::closed, "the connection is closed"));
  if (failed_[i]) return finish(i, done, result<void>(std::unexpected(*failed_[i])), false);
  stream& out = outgoing(i);
  MOLDAU_ASSERT(!out.writing);
  out.writing = pending_write{.chunks = std::move(chunks), .done = &done};
  const result<void> filled = fill(i);
  if (!filled || out.writing->index == out.writing->chunks.size()) {
    out.writing.reset();
    finish(i, done, filled, false);
  }
  pump(i);
}

result<void> link::fill(std::size_t i) {
  stream& out = outgoing(i);
  pending_write& writing = *out.writing;
  while (writing.index < writing.chunks.size()) {
    const rt::chunk& chunk = writing.chunks[writing.index];
    const auto* memory = std::get_if<shared_bytes>(&chunk);
    const auto* range = std::get_if<rt::file_range>(&chunk);
    const std::uint64_t total = memory != nullptr ? memory->size() : range->size_bytes;
    if (writing.offset == total) {
      ++writing.index;
      writing.offset = 0;
      continue;
    }
    const std::size_t used = out.unsent.size() + out.unacknowledged;
    if (used >= settings_.send_buffer_bytes) return {};
    const std::size_t size = std::min<std::uint64_t>(total - writing.offset, settings_.send_buffer_bytes - used);
    // Copied, as a kernel does: what the program does to its buffer later isn't sent.
    shared_bytes copy = shared_bytes::allocate(size);
    if (memory != nullptr) {
      std::memcpy(copy.writable().data(), memory->data() + writing.offset, size);
    } else {
      MOLDAU_TRY_ASSIGN(const std::size_t got,
                        range->source->read_at(range->position + writing.offset, copy.writable()));
      if (got < size) return fail(errc::io_error, "the file ends within the range to be sent");
    }
    writing.offset += size;
    out.unsent.push(std::move(copy));
  }
  return {};
}

void link::go_on_writing(std::size_t i) {
  stream& out = outgoing(i);
  if (out.writing) {
    const result<void> filled = fill(i);
    if (!filled || out.writing->index == out.writing->chunks.size()) {
      auto& done = *out.writing->done;
      out.writing.reset();
      finish(i, done, filled, true);
    }
  }
  pump(i);
}

// The way through the network.

void link::pump(std::size_t i) {
  stream& out = outgoing(i);
  if (severed_ && !out.unsent.empty() && ends_[i].home != nullptr && !failed_[i] && !out.stalled) begin_stall(i);
  if (severed_ || failed_[i]) return;
  while (!out.unsent.empty()) {
    const std::size_t taken = out.received.size() + out.bytes_in_flight;
    if (taken >= settings_.receive_buffer_bytes) return;
    const std::size_t most = std::min({out.unsent.size(), settings_.receive_buffer_bytes - taken,
                                       static_cast<std::size_t>(settings_.segment_bytes_max)});
    if (random_.chance(settings_.cut)) {
      const bool both = random_.chance(0.7);
      const bool first = random_.chance(0.5);
      return cut(both || first, both || !first);
    }
    segment next = segment::allocate(random_.between(std::min<std::size_t>(most, 1 + most / 4), most));
    out.unsent.pop(next.writable());
    out.unacknowledged += next.size();
    depart(i, std::move(next));
  }
  if (out.end_wanted && !out.end_sent) {
    out.end_sent = true;
    depart(i, {});
  }
}

void link::depart(std::size_t i, segment what) {
  stream& out = outgoing(i);
  const rt::duration on_the_wire(static_cast<std::int64_t>(what.size() * 1'000'000'000 / settings_.bytes_per_second));
  out.last_arrival = std::max(out.last_arrival + on_the_wire, queue_.now() + on_the_wire + latency());
  out.bytes_in_flight += what.size();
  out.in_flight.push_back(std::move(what));
  queue_.at(out.last_arrival, nullptr, [self = shared_from_this(), i] { self->arrive(i); });
}

void link::arrive(std::size_t i) {
  stream& out = outgoing(i);
  if (severed_ || out.in_flight.empty()) return;
  if (out.held > 0 || !routes_.open(ends_[i].host, ends_[1 - i].host)) {
    ++out.held;
    if (!out.stalled) begin_stall(i);
    return;
  }
  segment what = std::move(out.in_flight.front());
  out.in_flight.pop_front();
  out.bytes_in_flight -= what.size();
  deliver(i, std::move(what));
}

void link::deliver(std::size_t i, segment what) {
  stream& out = outgoing(i);
  queue_.trace(bytes::crc32c(what) + (what.size() << 32U));
  if (ends_[1 - i].home == nullptr || failed_[1 - i]) {
    // Nobody is there any more: the other system answers with a reset. The end of the stream needs no answer.
    if (what.empty()) return;
    if (routes_.open(ends_[1 - i].host, ends_[i].host)) {
      fail_end_later(i, "connection reset by peer");
    } else if (!out.stalled) {
      begin_stall(i);
    }
    return;
  }
  const std::size_t bytes = what.size();
  if (bytes == 0) {
    out.end_received = true;
  } else {
    out.received.push(std::move(what));
  }
  give_to_reader(1 - i, true);
  acknowledge(i, bytes);
}

void link::acknowledge(std::size_t i, std::size_t bytes) {
  stream& out = outgoing(i);
  if (!routes_.open(ends_[1 - i].host, ends_[i].host)) {
    out.unconfirmed += bytes;
    if (!out.stalled) begin_stall(i);
    return;
  }
  out.unacknowledged -= bytes;
  if (ends_[i].home != nullptr) go_on_writing(i);
}

void link::begin_stall(std::size_t i) {
  stream& out = outgoing(i);
  out.stalled = true;
  queue_.at(queue_.now() + settings_.retransmission_timeout, nullptr,
            [self = shared_from_this(), i, stall = ++out.stall] {
              const stream& late = self->outgoing(i);
              if (late.stalled && late.stall == stall) self->fail_end(i, "the peer doesn't answer");
            });
}

void link::retry() {
  for (std::size_t i = 0; i < 2; ++i) {
    stream& out = outgoing(i);
    if (severed_ || !out.stalled) continue;
    const bool forth = routes_.open(ends_[i].host, ends_[1 - i].host);
    const bool back = routes_.open(ends_[1 - i].host, ends_[i].host);
    if (forth && back) out.stalled = false;
    for (std::size_t n = forth ? std::exchange(out.held, 0) : 0; n > 0; --n) {
      out.last_arrival = std::max(out.last_arrival, queue_.now() + latency());
      queue_.at(out.last_arrival, nullptr, [self = shared_from_this(), i] { self->arrive(i); });
    }
    if (const std::size_t bytes = back ? std::exchange(out.unconfirmed, 0) : 0; bytes > 0) acknowledge(i, bytes);
  }
}

// Ends.

void link::release(std::size_t i, const error& why) {
  if (auto writing = std::exchange(outgoing(i).writing, std::nullopt)) {
    finish(i, *writing->done, result<void>(std::unexpected(why)), true);
  }
  if (auto reading = std::exchange(incoming(i).reading, std::nullopt)) {
    finish(i, *reading->done, result<std::size_t>(std::unexpected(why)), true);
  }
}

void link::fail_end(std::size_t i, std::string why) {
  if (failed_[i]) return;
  failed_[i] = error{errc::network_exception, std::move(why)};
  outgoing(i).unsent.clear();
  outgoing(i).stalled = false;
  if (ends_[i].home == nullptr) return;
  give_to_reader(i, true);
  if (ends_[i].home != nullptr) release(i, *failed_[i]);
}

void link::fail_end_later(std::size_t i, std::string why) {
  queue_.at(queue_.now() + latency(), nullptr,
            [self = shared_from_this(), i, w = std::move(why)]() mutable { self->fail_end(i, std::move(w)); });
}

void link::close(std::size_t i) {
  if (ends_[i].home == nullptr) return;
  release(i, error{errc::closed, "the connection was closed"});
  const bool unread = !incoming(i).received.empty();
  ends_[i].home = nullptr;
  incoming(i).received.clear();
  if (unread && !severed_ && routes_.open(ends_[i].host, ends_[1 - i].host)) {
    fail_end_later(1 - i, "connection reset by peer");
  }
  outgoing(i).end_wanted = true;
  pump(i);
}

void link::abandon(std::size_t i, bool power) {
  if (ends_[i].home == nullptr) return;
  outgoing(i).writing.reset();
  incoming(i).reading.reset();
  if (power) return close(i);
  ends_[i].home = nullptr;
  outgoing(i).unsent.clear();
  incoming(i).received.clear();
}

void link::cut(bool told_first, bool told_second) {
  severed_ = true;
  if (told_first) fail_end_later(0, "connection reset by peer");
  if (told_second) fail_end_later(1, "connection reset by peer");
  for (std::size_t i = 0; i < 2; ++i) {
    // Who isn't told finds out by what it has sent.
    if (outgoing(i).unacknowledged + outgoing(i).unsent.size() > 0 && !outgoing(i).stalled) begin_stall(i);
  }
}

}  // namespace moldau::testing::sim
