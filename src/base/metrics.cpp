#include "base/metrics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <list>

#include "base/assert.hpp"

// The exposition format is a page, and prometheus-cpp would cost the binary a shared library and every scrape a copy of
// all labels in its own model; so the text is written here.
namespace moldau::base {
namespace {

constexpr std::array<double, 16> second_bounds{0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
                                               0.05,   0.1,     0.25,   0.5,   1,      2.5,   5,    10};

std::string number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  return fmt::format("{}", value);
}

std::string escaped(std::string_view text, bool quotes) {
  std::string out;
  for (const char c : text) {
    if (c == '\\') {
      out += "\\\\";
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '"' && quotes) {
      out += "\\\"";
    } else {
      out += c;
    }
  }
  return out;
}

/// `a="1",b="2"`.
std::string print(const labels& with) {
  std::string out;
  for (const auto& [name, value] : with) {
    fmt::format_to(std::back_inserter(out), "{}{}=\"{}\"", out.empty() ? "" : ",", name, escaped(value, true));
  }
  return out;
}

std::string braced(std::string_view inner) {
  return inner.empty() ? std::string() : fmt::format("{{{}}}", inner);
}

}  // namespace

/// All series of one name.
struct metrics::family {
  std::string help;
  kind what;
  /// By printed labels: the cores' parts.
  std::map<std::string, std::list<const detail::series*>> parts;

  void print_series(std::string& out, std::string_view name, std::string_view with,
                    const std::list<const detail::series*>& of) const {
    auto at = std::back_inserter(out);
    switch (what) {
      case kind::counter: {
        std::uint64_t sum = 0;
        for (const auto* each : of) sum += static_cast<const counter*>(each)->value();
        fmt::format_to(at, "{}{} {}\n", name, braced(with), sum);
        return;
      }
      case kind::gauge: {
        double sum = 0;
        for (const auto* each : of) sum += static_cast<const gauge*>(each)->value();
        fmt::format_to(at, "{}{} {}\n", name, braced(with), number(sum));
        return;
      }
      case kind::histogram:
        print_histogram(out, name, with, of);
    }
  }

  static void print_histogram(std::string& out, std::string_view name, std::string_view with,
                              const std::list<const detail::series*>& of) {
    auto at = std::back_inserter(out);
    const auto bounds = static_cast<const histogram*>(of.front())->bounds();
    const std::string_view comma = with.empty() ? "" : ",";
    std::uint64_t count = 0;
    for (std::size_t bucket = 0; bucket <= bounds.size(); ++bucket) {
      for (const auto* each : of) count += static_cast<const histogram*>(each)->in_bucket(bucket);
      const std::string bound = bucket < bounds.size() ? number(bounds[bucket]) : "+Inf";
      fmt::format_to(at, "{}_bucket{{{}{}le=\"{}\"}} {}\n", name, with, comma, bound, count);
    }
    double sum = 0;
    for (const auto* each : of) sum += static_cast<const histogram*>(each)->sum();
    fmt::format_to(at, "{}_sum{} {}\n{}_count{} {}\n", name, braced(with), number(sum), name, braced(with), count);
  }
};

struct detail::series::place {
  metrics* registry;
  metrics::family* of;
  decltype(metrics::family::parts)::iterator with;
  std::list<const series*>::iterator self;
};

detail::series::series() = default;
detail::series::~series() = default;

void detail::series::leave() {
  if (!place_) return;
  const std::lock_guard lock(place_->registry->mutex_);
  place_->with->second.erase(place_->self);
  // A name whose last series has gone stays, for its help text's sake; it prints nothing.
  if (place_->with->second.empty()) place_->of->parts.erase(place_->with);
}

std::span<const double> histogram::seconds() {
  return second_bounds;
}

histogram::histogram(std::span<const double> bounds)
    : bounds_(bounds), buckets_(std::make_unique<std::atomic<std::uint64_t>[]>(bounds.size() + 1)) {}

void histogram::observe(double value) {
  const auto bucket = std::ranges::lower_bound(bounds_, value) - bounds_.begin();
  detail::add(buckets_[static_cast<std::size_t>(bucket)], std::uint64_t{1});
  detail::add(sum_, value);
}

std::uint64_t histogram::count() const {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i <= bounds_.size(); ++i) sum += in_bucket(i);
  return sum;
}

metrics::metrics() = default;
metrics::~metrics() = default;

void metrics::enter(std::string_view name, std::string_view help, kind what, labels with, detail::series& part) {
  const std::lock_guard lock(mutex_);
  auto found = families_.find(name);
  if (found == families_.end()) {
    auto made = std::make_unique<family>(family{.help = std::string(help), .what = what, .parts = {}});
    found = families_.emplace(std::string(name), std::move(made)).first;
  }
  family& of = *found->second;
  MOLDAU_ASSERT(of.what == what);
  const auto series = of.parts.try_emplace(print(with)).first;
  series->second.push_back(&part);
  part.place_ = std::make_unique<detail::series::place>(
      detail::series::place{.registry = this, .of = &of, .with = series, .self = std::prev(series->second.end())});
}

std::unique_ptr<counter> metrics::make_counter(std::string_view name, std::string_view help, labels with) {
  auto made = std::make_unique<counter>();
  enter(name, help, kind::counter, std::move(with), *made);
  return made;
}

std::unique_ptr<gauge> metrics::make_gauge(std::string_view name, std::string_view help, labels with) {
  auto made = std::make_unique<gauge>();
  enter(name, help, kind::gauge, std::move(with), *made);
  return made;
}

std::unique_ptr<histogram> metrics::make_histogram(std::string_view name, std::string_view help,
                                                   std::span<const double> bounds, labels with) {
  auto made = std::make_unique<histogram>(bounds);
  enter(name, help, kind::histogram, std::move(with), *made);
  return made;
}

std::string metrics::text() const {
  static constexpr std::array<std::string_view, 3> kinds{"counter", "gauge", "histogram"};
  std::string out;
  const std::lock_guard lock(mutex_);
  for (const auto& [name, of] : families_) {
    if (of->parts.empty()) continue;
    fmt::format_to(std::back_inserter(out), "# HELP {} {}\n# TYPE {} {}\n", name, escaped(of->help, false), name,
                   kinds[static_cast<std::size_t>(of->what)]);
    for (const auto& [with, parts] : of->parts) of->print_series(out, name, with, parts);
  }
  return out;
}

}  // namespace moldau::base
