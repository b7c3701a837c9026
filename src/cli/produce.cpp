#include <fmt/format.h>

#include <atomic>
#include <mutex>

#include "cli/commands.hpp"
#include "cli/escapes.hpp"
#include "cli/io.hpp"
#include "cli/io_progress.hpp"
#include "cli/json_text.hpp"
#include "moldau/client/producer.hpp"

namespace moldau::cli {

namespace {

/// A record as the input gives it.
struct parsed_record {
  std::optional<std::string> key;
  std::optional<std::string> value;
  std::vector<std::pair<std::string, std::optional<std::string>>> headers;
  std::optional<std::int32_t> partition;
  std::optional<std::int64_t> timestamp_ms;
};

result<std::optional<std::string>> text_member(const json& from, const char* member) {
  const auto found = from.find(member);
  if (found == from.end() || found->is_null()) return std::nullopt;
  if (found->is_string()) return std::optional(found->get<std::string>());
  return std::optional(to_line(*found));
}

/// {"key": …, "value": …, "headers": {name: text}, "partition": n, "timestamp": ms}; what is no text goes as JSON.
result<parsed_record> parse_json(const std::string& line) {
  const json from = json::parse(line, nullptr, false);
  if (from.is_discarded() || !from.is_object()) return fail(errc::invalid_argument, "no JSON object");
  parsed_record out;
  MOLDAU_TRY_ASSIGN(out.key, text_member(from, "key"));
  MOLDAU_TRY_ASSIGN(out.value, text_member(from, "value"));
  if (const auto found = from.find("partition"); found != from.end() && !found->is_null()) {
    if (!found->is_number_integer()) return fail(errc::invalid_argument, "\"partition\" is no number");
    out.partition = found->get<std::int32_t>();
  }
  if (const auto found = from.find("timestamp"); found != from.end() && !found->is_null()) {
    if (!found->is_number_integer()) return fail(errc::invalid_argument, "\"timestamp\" is no number");
    out.timestamp_ms = found->get<std::int64_t>();
  }
  if (const auto found = from.find("headers"); found != from.end() && !found->is_null()) {
    // As an object, or as `consume --json` writes them, which keeps order and repeats: [[name, value], …].
    if (found->is_object()) {
      for (const auto& [name, value] : found->items()) {
        out.headers.emplace_back(name, value.is_null()     ? std::nullopt
                                       : value.is_string() ? std::optional(value.get<std::string>())
                                                           : std::optional(to_line(value)));
      }
    } else if (found->is_array()) {
      for (const json& pair : *found) {
        if (!pair.is_array() || pair.size() != 2 || !pair[0].is_string()) {
          return fail(errc::invalid_argument, "\"headers\" should be [[name, value], ...]");
        }
        out.headers.emplace_back(pair[0].get<std::string>(), pair[1].is_null() ? std::nullopt
                                                             : pair[1].is_string()
                                                                 ? std::optional(pair[1].get<std::string>())
                                                                 : std::optional(to_line(pair[1])));
      }
    } else {
      return fail(errc::invalid_argument, "\"headers\" is no object");
    }
  }
  return out;
}

class sender {
 public:
  sender(const produce_arguments& told) : told_(told), work_("producing") {}

  result<void> open(const context& in) {
    MOLDAU_TRY_ASSIGN(auto properties, in.client_properties());
    properties.try_emplace("compression.type", told_.codec);
    properties.try_emplace("acks", told_.acks);
    properties.try_emplace("delivery.timeout.ms", std::to_string(in.timeout_ms));
    properties.try_emplace("max.block.ms", std::to_string(in.timeout_ms));
    properties.try_emplace("batch.size", "65536");
    MOLDAU_TRY_ASSIGN(auto options, client::producer_options::from_properties(properties));
    options.on_delivery = [this](const client::delivery_report& done) { on_delivery(done); };
    MOLDAU_TRY_ASSIGN(auto made, client::producer::make(std::move(options)));
    producer_.emplace(std::move(made));
    for (const std::string& header : told_.headers) {
      const std::size_t at = header.find('=');
      if (at == 0) return fail(errc::invalid_argument, fmt::format("'{}' should be a header as name=value", header));
      headers_.emplace_back(header.substr(0, at),
                            at == std::string::npos ? std::nullopt : std::optional(header.substr(at + 1)));
    }
    if (told_.key_delimiter) key_delimiter_ = unescape(*told_.key_delimiter);
    return {};
  }

  result<void> send(const std::string& line, std::uint64_t number) {
    parsed_record record;
    if (told_.json) {
      auto parsed = parse_json(line);
      if (!parsed) return fail(errc::invalid_argument, fmt::format("line {}: {}", number, parsed.error().message));
      record = *std::move(parsed);
    } else {
      record.value = line;
      if (!key_delimiter_.empty()) {
        if (const std::size_t at = line.find(key_delimiter_); at != std::string::npos) {
          record.key = line.substr(0, at);
          record.value = line.substr(at + key_delimiter_.size());
        }
      }
    }
    if (!record.key && told_.key) record.key = told_.key;
    if (told_.empty_is_null) {
      if (record.key && record.key->empty()) record.key.reset();
      if (record.value && record.value->empty()) record.value.reset();
    }
    std::vector<header_view> headers;
    for (const auto* from : {&headers_, &record.headers}) {
      for (const auto& [name, value] : *from) {
        headers.push_back({name, value ? std::optional(as_bytes(*value)) : std::nullopt});
      }
    }
    client::outgoing_record out{.topic = told_.topic, .headers = headers, .timestamp_ms = record.timestamp_ms};
    if (record.key) out.key = as_bytes(*record.key);
    if (record.value) out.value = as_bytes(*record.value);
    const auto partition = record.partition ? record.partition : told_.partition;
    if (partition) out.partition = partition_id(*partition);
    ++sent_;
    return producer_->send(out, number);
  }

  /// Waits for the reports; nothing, or the first failure.
  result<void> finish() {
    MOLDAU_TRY(producer_->flush().get());
    producer_.reset();
    const std::lock_guard held(mutex_);
    if (failure_) return std::unexpected(*failure_);
    return {};
  }

  void show(const io::input& from) { work_.show(from.read_bytes(), from.total_bytes(), sent_); }
  [[nodiscard]] bool has_failed() const { return failed_ > 0; }
  [[nodiscard]] std::uint64_t sent() const { return sent_; }
  [[nodiscard]] std::uint64_t failed() const { return failed_; }

 private:
  void on_delivery(const client::delivery_report& done) {
    if (done.error == nullptr) return;
    ++failed_;
    const std::lock_guard held(mutex_);
    if (!failure_) failure_ = *done.error;
  }

  const produce_arguments& told_;
  io::progress work_;
  std::vector<std::pair<std::string, std::optional<std::string>>> headers_;
  std::string key_delimiter_;
  std::uint64_t sent_ = 0;
  std::atomic<std::uint64_t> failed_ = 0;
  std::mutex mutex_;
  std::optional<error> failure_;
  std::optional<client::producer> producer_;
};

}  // namespace

int produce(const context& in, const produce_arguments& told) {
  const std::string delimiter = unescape(told.delimiter);
  if (delimiter.size() != 1) return report_usage("the delimiter of records must be one byte");
  sender to(told);
  if (auto opened = to.open(in); !opened) return report(opened.error());
  std::uint64_t number = 0;
  const std::vector<std::string> files = told.files.empty() ? std::vector<std::string>{"-"} : told.files;
  for (const std::string& path : files) {
    if (told.whole_files) {
      const auto content = io::read_file(path);
      if (!content) return report(content.error());
      if (auto sent = to.send(*content, ++number); !sent) return report(sent.error(), path);
      continue;
    }
    const auto input = io::open_input(path);
    if (!input) return report(input.error());
    std::string line;
    while (!to.has_failed()) {
      const auto more = (*input)->next(delimiter.front(), line);
      if (!more) return report(more.error());
      if (!*more) break;
      ++number;
      if (told.json && line.empty()) continue;
      if (auto sent = to.send(line, number); !sent) return report(sent.error(), path);
      to.show(**input);
    }
  }
  if (auto done = to.finish(); !done) {
    const int code = report(done.error(), fmt::format("producing to '{}'", told.topic));
    fmt::print(stderr, "  {} of {} records were not delivered\n", to.failed(), to.sent());
    return code;
  }
  if (in.output == output_form::json) print_json({{"topic", told.topic}, {"delivered", to.sent()}});
  return exit_ok;
}

}  // namespace moldau::cli
