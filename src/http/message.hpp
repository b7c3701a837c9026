#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace moldau::http {

enum class method : unsigned char { get, head, post, put, del, patch, options, other };

/// "GET"; `method::del` is "DELETE".
[[nodiscard]] std::string_view name(method verb);

using name_value = std::pair<std::string, std::string>;

struct request {
  method verb = method::get;
  /// Decoded, without the query.
  std::string path;
  /// Decoded pairs of the query, in order.
  std::vector<name_value> query;
  /// As they came; names compare without case, see `header`.
  std::vector<name_value> headers;
  /// What the route's `{name}` segments matched, decoded.
  std::vector<name_value> parameters;
  std::string body;

  /// The first of that name, if any.
  [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const;
  [[nodiscard]] std::optional<std::string_view> query_value(std::string_view name) const;
  /// A parameter of the route; empty if the route has none of that name.
  [[nodiscard]] std::string_view parameter(std::string_view name) const;
};

struct response {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
  /// Beside Content-Type, Content-Length and Connection, which the server writes.
  std::vector<name_value> headers;
};

}  // namespace moldau::http
