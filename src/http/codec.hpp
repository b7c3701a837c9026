#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "http/message.hpp"
#include "moldau/core/bytes.hpp"

namespace moldau::http {

/// Reads one HTTP/1.x request from bytes, without knowing where they come from.
class request_parser {
 public:
  request_parser(std::uint32_t max_header_bytes, std::uint64_t max_body_bytes);
  ~request_parser();
  request_parser(const request_parser&) = delete;
  request_parser& operator=(const request_parser&) = delete;

  enum class state : unsigned char { need_more, done, failed };

  /// Takes what it can from the front of `input`; offer the rest again, with more behind it. Adds what it took to
  /// `consumed`.
  state feed(bytes_view input, std::size_t& consumed);

  /// Once: the client waits for "100 Continue" before it sends the body.
  [[nodiscard]] bool take_continue();
  /// After `failed`: the status to answer with (400, 413, 431, 505) and why.
  [[nodiscard]] int error_status() const;
  [[nodiscard]] const std::string& error_sentence() const;

  /// After `done`: everything but `path`, `query` and `parameters`, which `target_text` holds.
  [[nodiscard]] request take();
  [[nodiscard]] std::string target_text() const;
  /// After `done`: whether the client wants the connection kept.
  [[nodiscard]] bool keep_alive() const;
  [[nodiscard]] bool is_http_1_0() const;

 private:
  struct state_data;
  std::unique_ptr<state_data> data_;
};

/// Status line and headers, up to and with the empty line.
[[nodiscard]] std::string format_head(const response& answer, bool http_1_0, bool keep_alive);

}  // namespace moldau::http
