#include "testing/sim/log_book.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace moldau::testing::sim {
namespace {

class host_sink final : public base::log_sink {
 public:
  host_sink(log_book& book, std::string host) : book_(book), host_(std::move(host)) {}
  void write(base::log_level level, std::string_view component, std::string_view message) override {
    book_.add(host_, level, component, message);
  }

 private:
  log_book& book_;
  std::string host_;
};

}  // namespace

std::string log_line::to_string() const {
  return fmt::format("{:>14.6f} s  {:<10} {:<5} {}: {}", static_cast<double>(at.count()) / 1e9, host, base::name(level),
                     component, message);
}

base::log_sink& log_book::sink_for(std::string host) {
  return *sinks_.emplace_back(std::make_unique<host_sink>(*this, std::move(host)));
}

void log_book::add(std::string host, base::log_level level, std::string_view component, std::string_view message) {
  clock_.trace(message);
  lines_.push_back({clock_.now(), std::move(host), level, std::string(component), std::string(message)});
  if (lines_.size() > lines_max_) lines_.pop_front();
}

bool log_book::contains(std::string_view host, std::string_view text) const {
  return std::ranges::any_of(
      lines_, [&](const log_line& line) { return line.host == host && line.message.find(text) != std::string::npos; });
}

std::string log_book::tail(std::size_t count) const {
  std::string out;
  const std::size_t from = lines_.size() > count ? lines_.size() - count : 0;
  for (std::size_t i = from; i < lines_.size(); ++i) out += lines_[i].to_string() + '\n';
  return out;
}

}  // namespace moldau::testing::sim
