#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "http/message.hpp"
#include "rt/task.hpp"

namespace moldau::http {

/// Answers one request. The request stays the server's until the task has ended.
using handler = std::function<rt::task<response>(const request&)>;

/// Finds the handler for a method and a path. Patterns are paths whose `{name}` segments match any one segment; where
/// several match, literal segments win over `{name}` ones, from the left.
class router {
 public:
  /// One pattern may carry several methods. GET answers HEAD too.
  void add(method verb, std::string_view pattern, handler what);

  struct match {
    /// Null if no route of this path has the method, or there is no such path.
    const handler* found = nullptr;
    std::vector<name_value> parameters;
    /// The methods of the path; empty if there is no such path.
    std::vector<method> allowed;
  };
  [[nodiscard]] match find(method verb, const std::vector<std::string>& segments) const;

 private:
  struct route {
    method verb;
    std::vector<std::string> segments;
    handler what;
  };
  std::vector<route> routes_;
};

}  // namespace moldau::http
