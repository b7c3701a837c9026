#include "http/codec.hpp"

#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/serializer.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <sstream>

namespace moldau::http {

namespace beast = boost::beast::http;

namespace {

/// Whether `rest` of a chunked body has to wait: behind the line of a last chunk the parser asserts that it is given as
/// much as ends a body at the least ("0", two line ends), and more than that follows in any case.
bool too_short_for_last_chunk(bytes_view rest) {
  return rest.size() < 5 && as_text(rest).starts_with('0');
}

method to_method(beast::verb verb) {
  switch (verb) {
    case beast::verb::get:
      return method::get;
    case beast::verb::head:
      return method::head;
    case beast::verb::post:
      return method::post;
    case beast::verb::put:
      return method::put;
    case beast::verb::delete_:
      return method::del;
    case beast::verb::patch:
      return method::patch;
    case beast::verb::options:
      return method::options;
    default:
      return method::other;
  }
}

int status_of(const boost::system::error_code& failed) {
  if (failed == beast::error::header_limit) return 431;
  if (failed == beast::error::body_limit) return 413;
  if (failed == beast::error::bad_version) return 505;
  return 400;
}

}  // namespace

struct request_parser::state_data {
  /// What is wrong with `rest`, of which the parser could make nothing yet: it doesn't see everything by itself.
  [[nodiscard]] boost::system::error_code why_not_wait(bytes_view rest) const {
    // It misses a header's end that comes before the first line is whole.
    if (!parser.is_header_done() && as_text(rest).contains("\r\n\r\n")) return beast::error::partial_message;
    // What stands between chunks and behind the last one has no bound in it.
    if (parser.is_header_done() && rest.size() > header_bytes_max) return beast::error::header_limit;
    return {};
  }

  beast::request_parser<beast::string_body> parser;
  std::uint32_t header_bytes_max = 0;
  bool continue_asked = false;
  int error_status = 0;
  std::string error_sentence;
};

request_parser::request_parser(std::uint32_t max_header_bytes, std::uint64_t max_body_bytes)
    : data_(std::make_unique<state_data>()) {
  data_->header_bytes_max = max_header_bytes;
  data_->parser.header_limit(max_header_bytes);
  data_->parser.body_limit(max_body_bytes);
  data_->parser.eager(true);
}

request_parser::~request_parser() = default;

request_parser::state request_parser::feed(bytes_view input, std::size_t& consumed) {
  auto& parser = data_->parser;
  while (!parser.is_done()) {
    bytes_view rest = input.subspan(consumed);
    if (parser.is_header_done() && parser.chunked() && too_short_for_last_chunk(rest)) return state::need_more;
    boost::system::error_code failed;
    const std::size_t took = parser.put(boost::asio::const_buffer(rest.data(), rest.size()), failed);
    consumed += took;
    rest = rest.subspan(took);
    if (failed == beast::error::need_more) {
      failed = data_->why_not_wait(rest);
      if (!failed) return state::need_more;
    }
    if (failed) {
      data_->error_status = status_of(failed);
      data_->error_sentence = failed.message();
      return state::failed;
    }
    if (took == 0 || consumed == input.size()) break;
  }
  return parser.is_done() ? state::done : state::need_more;
}

bool request_parser::take_continue() {
  const auto& parser = data_->parser;
  if (data_->continue_asked || !parser.is_header_done() || parser.is_done()) return false;
  const auto& message = parser.get();
  const auto expect = message.find(beast::field::expect);
  if (expect == message.end() || !boost::beast::iequals(expect->value(), "100-continue")) return false;
  data_->continue_asked = true;
  return true;
}

int request_parser::error_status() const {
  return data_->error_status;
}

const std::string& request_parser::error_sentence() const {
  return data_->error_sentence;
}

request request_parser::take() {
  auto& message = data_->parser.get();
  request out;
  out.verb = to_method(message.method());
  for (const auto& field : message) {
    out.headers.emplace_back(std::string(field.name_string()), std::string(field.value()));
  }
  out.body = std::move(message.body());
  return out;
}

std::string request_parser::target_text() const {
  return std::string(data_->parser.get().target());
}

bool request_parser::keep_alive() const {
  return data_->parser.get().keep_alive();
}

bool request_parser::is_http_1_0() const {
  return data_->parser.get().version() == 10;
}

std::string format_head(const response& answer, bool http_1_0, bool keep_alive) {
  beast::response<beast::string_body> message(static_cast<beast::status>(answer.status), http_1_0 ? 10 : 11);
  for (const auto& [name, value] : answer.headers) message.insert(name, value);
  if (!answer.content_type.empty()) message.set(beast::field::content_type, answer.content_type);
  // 1xx, 204 and 304 have no body, and 204 no length either.
  if (answer.status != 204 && answer.status != 304) message.content_length(answer.body.size());
  message.keep_alive(keep_alive);
  std::ostringstream out;
  out << message.base();
  return out.str();
}

}  // namespace moldau::http
