#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <mutex>
#include <set>

#include "cli/commands.hpp"
#include "cli/format.hpp"
#include "cli/io.hpp"
#include "cli/io_progress.hpp"
#include "cli/json_text.hpp"
#include "cli/timestamps.hpp"
#include "moldau/client/consumer.hpp"

namespace moldau::cli {

namespace {

json record_json(std::string_view topic, partition_id partition, const record_view& record) {
  json out = {{"topic", topic},
              {"partition", partition.value()},
              {"offset", record.offset.value()},
              {"timestamp", record.timestamp_ms},
              {"key", text_or_null(record.key)},
              {"value", text_or_null(record.value)}};
  json headers = json::array();
  for (const header_view& header : record.headers) {
    headers.push_back(json::array({header.key, text_or_null(header.value)}));
  }
  if (!headers.empty()) out["headers"] = std::move(headers);
  return out;
}

/// Where `-o` says to begin, for each partition.
result<std::map<topic_partition, offset>> positions(client::consumer& consumer, const std::string& from,
                                                    const std::vector<topic_partition>& partitions) {
  if (from == "beginning" || from == "earliest") return consumer.beginning_offsets(partitions).get();
  if (from == "end" || from == "latest") return consumer.end_offsets(partitions).get();
  if (from.starts_with('@') || from.starts_with("s@")) {
    MOLDAU_TRY_ASSIGN(const std::int64_t when, parse_timestamp(from.substr(from.find('@') + 1)));
    std::map<topic_partition, std::int64_t> times;
    for (const topic_partition& partition : partitions) times[partition] = when;
    MOLDAU_TRY_ASSIGN(auto found, consumer.offsets_for_times(std::move(times)).get());
    MOLDAU_TRY_ASSIGN(const auto ends, consumer.end_offsets(partitions).get());
    for (const auto& [partition, end] : ends) found.try_emplace(partition, end);
    return found;
  }
  std::int64_t number = 0;
  const char* last = from.data() + from.size();
  if (const auto [end, code] = std::from_chars(from.data(), last, number); code != std::errc() || end != last) {
    return fail(
        errc::invalid_argument,
        fmt::format("'{}' is no place to begin: write beginning, end, an offset, -n for the last n, or @time", from));
  }
  std::map<topic_partition, offset> out;
  if (number >= 0) {
    for (const topic_partition& partition : partitions) out[partition] = offset(number);
    return out;
  }
  MOLDAU_TRY_ASSIGN(out, consumer.end_offsets(partitions).get());
  MOLDAU_TRY_ASSIGN(const auto begins, consumer.beginning_offsets(partitions).get());
  for (auto& [partition, at] : out) at = std::max(begins.at(partition), at + number);
  return out;
}

class printer {
 public:
  printer(const consume_arguments& told, bool as_json) : told_(told), json_(as_json), work_("consuming") {}

  result<void> open() {
    MOLDAU_TRY_ASSIGN(auto parsed, record_format::parse(told_.format.value_or("%s\\n")));
    format_ = std::move(parsed);
    return {};
  }

  /// Prints a batch; false once there are as many as were asked for.
  result<bool> print(const client::record_batch& batch) {
    std::string text;
    for (const record_view& record : batch) {
      if (told_.count && printed_ >= *told_.count) break;
      ++printed_;
      if (json_) {
        text += to_line(record_json(batch.topic(), batch.partition(), record));
        text.push_back('\n');
      } else {
        format_.append(text, batch.topic(), batch.partition(), record);
      }
      last_[{batch.topic(), batch.partition()}] = record.offset;
    }
    MOLDAU_TRY(io::write_out(text));
    return !told_.count || printed_ < *told_.count;
  }

  [[nodiscard]] std::uint64_t printed() const { return printed_; }
  /// Commits what was printed and nothing else. When the group is dividing its partitions anew whoever gets them goes
  /// on from the commit before: some records are printed twice then, none is lost.
  result<void> commit(client::consumer& consumer) {
    std::map<topic_partition, client::committed_offset> offsets;
    for (const auto& [partition, at] : last_) offsets[partition] = {.offset = at + 1, .metadata = {}};
    last_.clear();
    auto done = consumer.commit(std::move(offsets)).get();
    if (!done && (done.error().code == errc::rebalance_in_progress || done.error().code == errc::illegal_generation ||
                  done.error().code == errc::unknown_member_id)) {
      return {};
    }
    return done;
  }

 private:
  const consume_arguments& told_;
  bool json_;
  io::progress work_;
  record_format format_;
  std::uint64_t printed_ = 0;
  std::map<topic_partition, offset> last_;
};

/// Wakes a consumer as long as there is one; from any thread.
class waker {
 public:
  class scope {
   public:
    scope(waker& of, client::consumer& whom) : of_(of) { of_.set(&whom); }
    scope(const scope&) = delete;
    scope& operator=(const scope&) = delete;
    ~scope() { of_.set(nullptr); }

   private:
    waker& of_;
  };

  void call() {
    const std::lock_guard held(mutex_);
    if (whom_ != nullptr) whom_->wakeup();
  }

 private:
  void set(client::consumer* whom) {
    const std::lock_guard held(mutex_);
    whom_ = whom;
  }

  std::mutex mutex_;
  client::consumer* whom_ = nullptr;
};

result<std::vector<topic_partition>> chosen_partitions(client::consumer& consumer, const consume_arguments& told) {
  std::vector<topic_partition> out;
  for (const std::string& topic : told.topics) {
    if (!told.partitions.empty()) {
      for (const std::int32_t id : told.partitions) out.push_back({topic, partition_id(id)});
      continue;
    }
    MOLDAU_TRY_ASSIGN(const auto all, consumer.partitions_of(topic).get());
    for (const partition_id id : all) out.push_back({topic, id});
  }
  return out;
}

result<void> read_on(client::consumer& consumer, const consume_arguments& told, printer& out,
                     const std::atomic<bool>& interrupted) {
  std::set<topic_partition> ended;
  std::vector<topic_partition> assigned;
  while (!interrupted) {
    MOLDAU_TRY_ASSIGN(const auto got, consumer.poll(std::chrono::milliseconds(1000)).get());
    for (const client::record_batch& batch : got.batches) {
      MOLDAU_TRY_ASSIGN(const bool more, out.print(batch));
      if (!more) return told.group ? out.commit(consumer) : result<void>();
      ended.erase({batch.topic(), batch.partition()});
    }
    MOLDAU_TRY(io::flush_out());
    if (told.group && !got.batches.empty()) MOLDAU_TRY(out.commit(consumer));
    ended.insert(got.ends.begin(), got.ends.end());
    if (!told.exit_at_end || ended.empty()) continue;
    MOLDAU_TRY_ASSIGN(assigned, consumer.assignment().get());
    const bool all =
        !assigned.empty() && std::ranges::all_of(assigned, [&](const auto& p) { return ended.contains(p); });
    if (all) return {};
  }
  return {};
}

}  // namespace

int consume(const context& in, const consume_arguments& told) {
  if (told.group && (!told.partitions.empty())) {
    return report_usage("--group and -p exclude each other: a group divides the partitions by itself");
  }
  if (told.count && *told.count == 0) return exit_ok;
  printer out(told, told.json || in.output == output_form::json);
  if (auto opened = out.open(); !opened) return report(opened.error());

  auto properties = in.client_properties();
  if (!properties) return report(properties.error());
  properties->try_emplace("enable.auto.commit", "false");
  if (told.committed_only) properties->try_emplace("isolation.level", "read_committed");
  if (told.group) (*properties)["group.id"] = *told.group;
  const std::string from = told.from.value_or(told.group ? "end" : "beginning");
  if (told.group) {
    if (from != "beginning" && from != "earliest" && from != "end" && from != "latest") {
      return report_usage("with --group, -o may be beginning or end: it counts where the group has committed nothing");
    }
    properties->try_emplace("auto.offset.reset", from == "end" || from == "latest" ? "latest" : "earliest");
  }
  auto options = client::consumer_options::from_properties(*properties);
  if (!options) return report(options.error());
  // Before the client's thread starts, so that the signals are held back on it too.
  std::atomic<bool> interrupted = false;
  waker wake;
  const io::on_interrupt stop([&] {
    interrupted = true;
    wake.call();
  });
  auto consumer = client::consumer::make(*std::move(options));
  if (!consumer) return report(consumer.error());
  const waker::scope woken(wake, *consumer);
  if (told.group) {
    if (auto joined = consumer->subscribe(told.topics).get(); !joined) return report(joined.error());
  } else {
    const auto partitions = chosen_partitions(*consumer, told);
    if (!partitions) return report(partitions.error());
    auto begin = positions(*consumer, from, *partitions);
    if (!begin) return report(begin.error());
    if (auto assigned = consumer->assign(*std::move(begin)).get(); !assigned) return report(assigned.error());
  }
  const auto done = read_on(*consumer, told, out, interrupted);
  static_cast<void>(io::flush_out());
  // A reader such as `head` that has seen enough is no failure.
  if (!done && done.error().code != errc::closed) return report(done.error(), "consuming");
  return exit_ok;
}

}  // namespace moldau::cli
