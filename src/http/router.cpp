#include "http/router.hpp"

#include <algorithm>
#include <utility>

#include "http/target.hpp"

namespace moldau::http {
namespace {

bool is_parameter(std::string_view segment) {
  return segment.size() > 2 && segment.front() == '{' && segment.back() == '}';
}

bool matches(const std::vector<std::string>& pattern, const std::vector<std::string>& segments) {
  return std::ranges::equal(pattern, segments, [](const std::string& wanted, const std::string& given) {
    return is_parameter(wanted) ? !given.empty() : wanted == given;
  });
}

/// Whether `a` says more than `b`, both matching the same path.
bool more_literal(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (is_parameter(a[i]) != is_parameter(b[i])) return is_parameter(b[i]);
  }
  return false;
}

}  // namespace

void router::add(method verb, std::string_view pattern, handler what) {
  const auto parsed = parse_target(pattern);
  MOLDAU_ASSERT(parsed.has_value());
  routes_.push_back({.verb = verb, .segments = parsed->segments, .what = std::move(what)});
}

router::match router::find(method verb, const std::vector<std::string>& segments) const {
  const route* best = nullptr;
  for (const route& each : routes_) {
    if (matches(each.segments, segments) && (best == nullptr || more_literal(each.segments, best->segments))) {
      best = &each;
    }
  }
  if (best == nullptr) return {};

  match out;
  const route* head = nullptr;
  for (const route& each : routes_) {
    if (each.segments != best->segments) continue;
    out.allowed.push_back(each.verb);
    if (each.verb == method::get) head = &each;
    if (each.verb == verb) out.found = &each.what;
  }
  if (head != nullptr && std::ranges::find(out.allowed, method::head) == out.allowed.end()) {
    out.allowed.push_back(method::head);
    if (verb == method::head) out.found = &head->what;
  }
  for (std::size_t i = 0; i < segments.size(); ++i) {
    const std::string_view pattern = best->segments[i];
    if (is_parameter(pattern)) out.parameters.emplace_back(pattern.substr(1, pattern.size() - 2), segments[i]);
  }
  return out;
}

}  // namespace moldau::http
