#include "cli/perf.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "cli/escapes.hpp"
#include "cli/io.hpp"
#include "cli/io_clock.hpp"
#include "cli/table.hpp"
#include "moldau/client/admin.hpp"

namespace moldau::cli::perf {

namespace {

constexpr std::size_t text_size = 1 << 20;

/// Capital letters of a generator that begins the same in every run (xorshift64).
std::string letters(std::size_t size) {
  std::string out(size, 'A');
  std::uint64_t state = 0x9e3779b97f4a7c15;
  for (char& c : out) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    c = static_cast<char>('A' + (state >> 33) % 26);
  }
  return out;
}

std::string ms(double ns) {
  return fmt::format("{:.3f}", ns / 1e6);
}

/// To a thousandth of a millisecond.
double rounded_ms(double ns) {
  return static_cast<double>(static_cast<std::int64_t>(ns / 1e3 + 0.5)) / 1e3;
}

constexpr std::pair<const char*, double> percentiles[] = {
    {"p50", 50}, {"p95", 95}, {"p99", 99}, {"p99.9", 99.9}, {"p99.99", 99.99}};

}  // namespace

result<payloads> payloads::make(const perf_arguments& told) {
  payloads out;
  out.size_ = told.record_size;
  if (!told.payload_file) {
    out.text_ = letters(text_size + told.record_size);
    return out;
  }
  const std::string delimiter = unescape(told.payload_delimiter);
  if (delimiter.size() != 1) return fail(errc::invalid_argument, "the delimiter of payloads must be one byte");
  MOLDAU_TRY_ASSIGN(const auto input, io::open_input(*told.payload_file));
  std::string line;
  while (true) {
    MOLDAU_TRY_ASSIGN(const bool more, input->next(delimiter.front(), line));
    if (!more) break;
    out.lines_.push_back(line);
  }
  if (out.lines_.empty()) return fail(errc::invalid_argument, fmt::format("{} holds no payload", *told.payload_file));
  return out;
}

bytes_view payloads::next() {
  if (!lines_.empty()) {
    const std::string& line = lines_[at_];
    at_ = at_ + 1 == lines_.size() ? 0 : at_ + 1;
    return as_bytes(line);
  }
  // A step without a factor in common with the text's size: neighbours differ, and all places get their turn.
  at_ = (at_ + 7919) % text_size;
  return as_bytes(std::string_view(text_).substr(at_, size_));
}

pace::pace(std::optional<double> per_second, std::int64_t begin_ns)
    : begin_ns_(begin_ns), period_ns_(per_second ? 1e9 / *per_second : 0) {}

std::int64_t pace::due_ns(std::uint64_t number) const {
  return begin_ns_ + static_cast<std::int64_t>(period_ns_ * static_cast<double>(number));
}

void pace::wait_for(std::uint64_t number, const std::function<bool()>& interrupted) const {
  if (period_ns_ <= 0) return;
  constexpr std::int64_t step_ns = 50'000'000;
  const std::int64_t due = due_ns(number);
  for (std::int64_t now = io::steady_ns(); now < due && !interrupted(); now = io::steady_ns()) {
    io::sleep_until_ns(std::min(due, now + step_ns));
  }
}

result<void> ensure_topic(const context& in, const perf_arguments& told, const std::string& topic) {
  MOLDAU_TRY_ASSIGN(auto options, in.client_options());
  MOLDAU_TRY_ASSIGN(auto admin, client::admin::make(std::move(options)));
  MOLDAU_TRY_ASSIGN(const auto found, admin.describe_topics({topic}).get());
  const auto& about = found.at(topic);
  if (about) {
    const auto has = static_cast<std::int64_t>(about->partitions.size());
    if (!told.partitions || *told.partitions == has) return {};
    return fail(errc::invalid_argument,
                fmt::format("topic '{}' is there already and has {} partitions, not {}", topic, has, *told.partitions));
  }
  if (about.error().code != errc::unknown_topic_or_partition) return std::unexpected(about.error());
  if (!told.partitions) {
    return fail(errc::unknown_topic_or_partition,
                fmt::format("there is no topic '{}'; --partitions makes it with so many", topic));
  }
  MOLDAU_TRY_ASSIGN(const auto made, admin
                                         .create_topics({{.name = topic,
                                                          .partitions = *told.partitions,
                                                          .replication_factor = told.replication_factor.value_or(-1),
                                                          .assignments = {},
                                                          .configs = {}}})
                                         .get());
  return client::without_values(made).at(topic);
}

void print(const context& in, const figures& of, const json& more) {
  const double seconds = std::max(of.seconds, 1e-9);
  const double rate = static_cast<double>(of.records) / seconds;
  const double bytes_rate = static_cast<double>(of.bytes) / seconds;
  if (in.output == output_form::json) {
    json out = {{"records", of.records},
                {"bytes", of.bytes},
                {"seconds", of.seconds},
                {"records_per_second", rate},
                {"bytes_per_second", bytes_rate},
                {"cpu_seconds", io::cpu_seconds()},
                {"peak_memory_bytes", io::peak_memory_bytes()}};
    if (of.latency != nullptr) {
      json latency = {{"mean", rounded_ms(of.latency->mean_ns())}};
      for (const auto& [name, percent] : percentiles) {
        latency[name] = rounded_ms(static_cast<double>(of.latency->percentile_ns(percent)));
      }
      latency["max"] = rounded_ms(static_cast<double>(of.latency->max_ns()));
      out["latency_ms"] = std::move(latency);
    }
    out.update(more);
    print_json(out);
    return;
  }
  table speed({"RECORDS", "BYTES", "SECONDS", "RECORDS/S", "MB/S", "CPU-SECONDS", "PEAK-MB"});
  speed.add({std::to_string(of.records), std::to_string(of.bytes), fmt::format("{:.3f}", of.seconds),
             fmt::format("{:.0f}", rate), fmt::format("{:.2f}", bytes_rate / 1e6),
             fmt::format("{:.2f}", io::cpu_seconds()),
             fmt::format("{:.0f}", static_cast<double>(io::peak_memory_bytes()) / 1e6)});
  fmt::print("{}", speed.to_text());
  if (of.latency == nullptr) return;
  std::vector<std::string> names = {"MS", "MEAN"};
  std::vector<std::string> values = {"latency", ms(of.latency->mean_ns())};
  for (const auto& [name, percent] : percentiles) {
    names.push_back("P" + std::string(name + 1));
    values.push_back(ms(static_cast<double>(of.latency->percentile_ns(percent))));
  }
  names.emplace_back("MAX");
  values.push_back(ms(static_cast<double>(of.latency->max_ns())));
  table latency(names);
  latency.add(values);
  fmt::print("\n{}", latency.to_text());
}

}  // namespace moldau::cli::perf
