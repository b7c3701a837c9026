// HTTP requests as the admin port reads them: the same requests come out however the bytes were cut on their way, and
// the same one is refused; what comes out fits its bounds, and its target is taken apart without surprise.

#include <algorithm>
#include <string>
#include <vector>

#include "fuzz.hpp"
#include "http/codec.hpp"
#include "http/target.hpp"

namespace {

using namespace moldau;        // NOLINT: this is all about it
using namespace moldau::http;  // NOLINT

struct bounds {
  std::uint32_t header_bytes;
  std::uint64_t body_bytes;
};
constexpr bounds wide{.header_bytes = 1U << 20U, .body_bytes = 1U << 20U};
constexpr bounds narrow{.header_bytes = 128, .body_bytes = 64};

/// Every byte is a chunk of its own once, so long inputs would take long.
constexpr std::size_t max_input = 1024;

struct parsed {
  request what;
  std::string target;
  bool keep_alive = false;
  bool http_1_0 = false;

  friend bool operator==(const parsed& a, const parsed& b) {
    return a.what.verb == b.what.verb && a.what.headers == b.what.headers && a.what.body == b.what.body &&
           a.target == b.target && a.keep_alive == b.keep_alive && a.http_1_0 == b.http_1_0;
  }
};

struct outcome {
  std::vector<parsed> requests;
  /// What follows them is no request. Otherwise the bytes end inside of one, of which this is left.
  bool failed = false;
  std::string rest;
};

/// A mistake in a header that isn't whole may be noticed at once or only with its end.
bool same(const outcome& a, const outcome& b) {
  if (a.requests != b.requests) return false;
  if (a.failed == b.failed) return true;
  const std::string& waiting = a.failed ? b.rest : a.rest;
  return !waiting.empty() && !waiting.contains("\r\n\r\n");
}

/// Reads requests one after another, as a connection does, from chunks whose sizes are those of `cuts` in turn.
outcome read_all(bytes_view stream, bytes_view cuts, bounds limits) {
  outcome out;
  std::string received;
  std::size_t turn = 0;
  auto parser = std::make_unique<request_parser>(limits.header_bytes, limits.body_bytes);
  while (true) {
    if (!received.empty()) {
      // In a block of just that size.
      const std::vector<char> block(received.begin(), received.end());
      std::size_t consumed = 0;
      const auto state = parser->feed(as_bytes({block.data(), block.size()}), consumed);
      MOLDAU_ASSERT(consumed <= received.size());
      received.erase(0, consumed);
      if (state == request_parser::state::failed) {
        const int status = parser->error_status();
        MOLDAU_ASSERT(status == 400 || status == 413 || status == 431 || status == 505);
        MOLDAU_ASSERT(!parser->error_sentence().empty());
        out.failed = true;
        return out;
      }
      if (state == request_parser::state::done) {
        parsed one;
        one.keep_alive = parser->keep_alive();
        one.http_1_0 = parser->is_http_1_0();
        one.target = parser->target_text();
        one.what = parser->take();
        const bool last = !one.keep_alive;
        out.requests.push_back(std::move(one));
        if (last) return out;
        parser = std::make_unique<request_parser>(limits.header_bytes, limits.body_bytes);
        continue;
      }
      MOLDAU_ASSERT(received.size() <= limits.header_bytes + limits.body_bytes);
      static_cast<void>(parser->take_continue());
    }
    if (stream.empty()) {
      out.rest = std::move(received);
      return out;
    }
    const std::size_t cut = cuts.empty() ? stream.size() : std::to_integer<std::size_t>(cuts[turn++ % cuts.size()]) + 1;
    const bytes_view chunk = stream.first(std::min(cut, stream.size()));
    received += as_text(chunk);
    stream = stream.subspan(chunk.size());
  }
}

void check_target(const parsed& one) {
  const auto where = parse_target(one.target);
  if (!where) return;
  MOLDAU_ASSERT(where->path.starts_with('/'));
  std::string joined;
  for (const std::string& segment : where->segments) joined += "/" + segment;
  MOLDAU_ASSERT(joined == where->path || joined + "/" == where->path);
}

/// The parser bounds the first line and the rest of a header each.
void check_bounds(const parsed& one) {
  MOLDAU_ASSERT(one.what.body.size() <= narrow.body_bytes);
  std::size_t header_bytes = one.target.size();
  for (const auto& [name, value] : one.what.headers) {
    header_bytes += name.size() + value.size();
    MOLDAU_ASSERT(one.what.header(name).has_value());
    MOLDAU_ASSERT(!value.contains('\n'));
  }
  MOLDAU_ASSERT(header_bytes <= std::size_t{2} * narrow.header_bytes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > max_input) return -1;
  fuzz::input in(data, size);
  const auto cuts = in.bytes(in.u8() % 8U);
  const auto stream = in.rest();
  const outcome whole = read_all(stream, {}, wide);
  for (const parsed& one : whole.requests) check_target(one);
  const std::byte single{0};
  MOLDAU_ASSERT(same(read_all(stream, {&single, 1}, wide), whole));
  MOLDAU_ASSERT(same(read_all(stream, cuts, wide), whole));
  const outcome bounded = read_all(stream, cuts, narrow);
  MOLDAU_ASSERT(bounded.requests.size() <= whole.requests.size());
  for (std::size_t i = 0; i < bounded.requests.size(); ++i) {
    MOLDAU_ASSERT(bounded.requests[i] == whole.requests[i]);
    check_bounds(bounded.requests[i]);
  }
  // Any text is a target or it isn't.
  static_cast<void>(parse_target(as_text(stream)));
  if (const auto text = percent_decode(as_text(stream), true)) MOLDAU_ASSERT(text->size() <= stream.size());
  return 0;
}
