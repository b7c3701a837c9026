#include "cli/mirror.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <memory>

#include "cli/io.hpp"
#include "cli/io_clock.hpp"
#include "cli/io_progress.hpp"
#include "cli/json_text.hpp"
#include "cli/table.hpp"
#include "cli/timestamps.hpp"
#include "moldau/client/producer.hpp"

namespace moldau::cli {

namespace {

using namespace mirroring;

constexpr std::chrono::milliseconds poll_time{200};

class copier {
 public:
  copier(const mirror_arguments& told, side& source, side& destination, const selection& chosen)
      : told_(told),
        source_(source),
        destination_(destination),
        chosen_(chosen),
        store_(destination.admin, told.group, source.cluster_id),
        work_("copying") {}

  result<void> open() {
    MOLDAU_TRY(open_producer());
    MOLDAU_TRY_ASSIGN(const auto topics, chosen_.prepare(source_, destination_));
    if (topics.empty() && told_.once) return fail(errc::invalid_argument, "no topic of the source matches");
    if (topics.empty()) note("no topic of the source matches yet");
    MOLDAU_TRY(take_up(topics));
    return open_consumer();
  }

  result<void> run(const std::atomic<bool>& interrupted) {
    std::int64_t committed = io::steady_ns();
    std::int64_t refreshed = committed;
    while (!interrupted && !has_failed_ && !is_done()) {
      MOLDAU_TRY(step());
      const std::int64_t now = io::steady_ns();
      if (now - committed >= told_.commit_ms * 1'000'000) {
        MOLDAU_TRY(commit());
        committed = io::steady_ns();
      }
      if (!told_.once && now - refreshed >= told_.refresh_ms * 1'000'000) {
        MOLDAU_TRY(refresh());
        refreshed = io::steady_ns();
      }
    }
    return {};
  }

  /// Sends what waits and keeps how far it came, also when something has failed.
  result<void> finish() {
    if (!producer_) return {};
    static_cast<void>(producer_->flush().get());
    static_cast<void>(producer_->close().get());
    MOLDAU_TRY(commit());
    const std::lock_guard held(mutex_);
    if (failure_) return std::unexpected(*failure_);
    return {};
  }

  /// From any thread: ends a `send` that waits for a destination that doesn't answer.
  void give_up() {
    if (producer_) static_cast<void>(producer_->purge());
  }

  void print(const context& in, double seconds) const;

 private:
  [[nodiscard]] client::properties source_properties() const {
    client::properties out = source_.properties;
    out["enable.auto.commit"] = "false";
    out["auto.offset.reset"] = "none";
    out.erase("group.id");
    // What a transaction hasn't committed can't be taken back at the destination.
    out.try_emplace("isolation.level", "read_committed");
    return out;
  }

  result<void> open_producer() {
    client::properties properties = destination_.properties;
    properties["enable.idempotence"] = "true";
    properties["acks"] = "all";
    if (told_.codec) properties["compression.type"] = *told_.codec;
    properties.try_emplace("batch.size", "262144");
    properties.try_emplace("linger.ms", "20");
    // How large a record may be is the destination's to say, and how long it may be away the operator's patience.
    properties.try_emplace("max.request.size", "104857600");
    properties.try_emplace("buffer.memory", "134217728");
    properties.try_emplace("delivery.timeout.ms", "600000");
    MOLDAU_TRY_ASSIGN(auto options, client::producer_options::from_properties(properties));
    options.on_delivery = [this](const client::delivery_report& done) { on_delivery(done); };
    MOLDAU_TRY_ASSIGN(auto made, client::producer::make(std::move(options)));
    producer_.emplace(std::move(made));
    return {};
  }

  /// Reads every lane on from where it is.
  result<void> open_consumer() {
    consumer_.reset();
    if (lanes_.empty()) return {};
    MOLDAU_TRY_ASSIGN(auto options, client::consumer_options::from_properties(source_properties()));
    // A topic that has been deleted isn't to be there again because it was asked for.
    options.allow_auto_create_topics = false;
    MOLDAU_TRY_ASSIGN(auto made, client::consumer::make(std::move(options)));
    std::map<topic_partition, offset> positions;
    for (const auto& [partition, of] : lanes_) {
      if (!of->is_done) positions[partition] = of->position();
    }
    MOLDAU_TRY(made.assign(std::move(positions)).get());
    consumer_.emplace(std::move(made));
    return {};
  }

  result<std::map<topic_partition, offset>> beginnings(const std::vector<topic_partition>& of,
                                                       const std::map<topic_partition, offset>& first,
                                                       const std::map<topic_partition, offset>& ends);
  result<void> take_up(const std::vector<copied_topic>& topics);
  result<void> keep_within(lane& of, offset first, offset end);
  result<void> step();
  result<void> forward(const client::record_batch& batch);
  result<void> recover(const error& why);
  result<void> refresh();
  result<void> commit();
  void on_delivery(const client::delivery_report& done);
  void show();

  [[nodiscard]] bool is_done() const {
    return told_.once && std::ranges::all_of(lanes_, [](const auto& entry) { return entry.second->is_done; });
  }

  const mirror_arguments& told_;
  side& source_;
  side& destination_;
  const selection& chosen_;
  resume_store store_;
  io::progress work_;
  std::map<topic_partition, std::unique_ptr<lane>> lanes_;
  std::map<topic_partition, resume_point> kept_;
  /// Of topics that went; their records may still be under way.
  std::vector<std::unique_ptr<lane>> gone_;
  std::optional<client::consumer> consumer_;
  std::optional<client::producer> producer_;
  std::atomic<bool> has_failed_ = false;
  std::mutex mutex_;
  std::optional<error> failure_;
};

/// Where partitions without a resume point begin.
result<std::map<topic_partition, offset>> copier::beginnings(const std::vector<topic_partition>& of,
                                                             const std::map<topic_partition, offset>& first,
                                                             const std::map<topic_partition, offset>& ends) {
  if (told_.from == "beginning" || told_.from == "earliest") return first;
  if (told_.from == "end" || told_.from == "latest") return ends;
  if (!told_.from.starts_with('@')) {
    return fail(errc::invalid_argument,
                fmt::format("'{}' is no place to begin: write beginning, end or @time", told_.from));
  }
  MOLDAU_TRY_ASSIGN(const std::int64_t when, parse_timestamp(std::string_view(told_.from).substr(1)));
  std::map<topic_partition, client::offset_spec> asked;
  for (const topic_partition& partition : of) asked[partition] = client::offset_spec::at(when);
  MOLDAU_TRY_ASSIGN(const auto found, source_.admin.list_offsets(std::move(asked)).get());
  std::map<topic_partition, offset> out;
  for (const auto& [partition, at] : found) {
    if (!at) return std::unexpected(at.error());
    out[partition] = at->offset < offset(0) ? ends.at(partition) : at->offset;
  }
  return out;
}

/// A lane whose place the source doesn't have (any more).
result<void> copier::keep_within(lane& of, offset first, offset end) {
  if (of.position() > end) {
    return fail(errc::offset_out_of_range,
                fmt::format("partition {} of '{}' ends at {}, before offset {} that was to be copied next: the source "
                            "has lost records, or isn't what it was; --restart begins anew",
                            of.source().partition.value(), of.source().topic, end.value(), of.position().value()));
  }
  if (of.position() < first) {
    note(fmt::format("the source has deleted offsets {} to {} of partition {} of '{}' before they were copied",
                     of.position().value(), first.value() - 1, of.source().partition.value(), of.source().topic));
    of.move_to(first);
  }
  return {};
}

result<std::map<topic_partition, offset>> all_offsets(client::admin& of, const std::vector<topic_partition>& partitions,
                                                      client::offset_spec where) {
  std::map<topic_partition, client::offset_spec> asked;
  for (const topic_partition& partition : partitions) asked[partition] = where;
  MOLDAU_TRY_ASSIGN(const auto found, of.list_offsets(std::move(asked)).get());
  std::map<topic_partition, offset> out;
  for (const auto& [partition, at] : found) {
    if (!at) return std::unexpected(at.error());
    out[partition] = at->offset;
  }
  return out;
}

/// Makes the lanes that there aren't yet. Before anything is copied every partition has a resume point.
result<void> copier::take_up(const std::vector<copied_topic>& topics) {
  std::vector<topic_partition> sources;
  std::vector<topic_partition> targets;
  std::vector<topic_id> ids;
  for (const copied_topic& topic : topics) {
    for (std::size_t i = 0; i < topic.partitions; ++i) {
      const partition_id id(static_cast<std::int32_t>(i));
      if (lanes_.contains({topic.source, id})) continue;
      sources.push_back({topic.source, id});
      targets.push_back({topic.target, id});
      ids.push_back(topic.source_id);
    }
  }
  if (sources.empty()) return {};
  std::map<topic_partition, resume_point> kept;
  if (!told_.restart) {
    MOLDAU_TRY_ASSIGN(kept, store_.read(topics));
  }
  MOLDAU_TRY_ASSIGN(const auto first, all_offsets(source_.admin, sources, client::offset_spec::earliest()));
  MOLDAU_TRY_ASSIGN(const auto ends, all_offsets(source_.admin, sources, client::offset_spec::latest()));
  MOLDAU_TRY_ASSIGN(const auto target_ends, all_offsets(destination_.admin, targets, client::offset_spec::latest()));
  MOLDAU_TRY_ASSIGN(const auto target_first, all_offsets(destination_.admin, targets, client::offset_spec::earliest()));
  MOLDAU_TRY_ASSIGN(const auto fresh, beginnings(sources, first, ends));

  std::map<topic_partition, resume_point> begun;
  std::map<topic_partition, offset> behind;
  std::vector<std::unique_ptr<lane>> made;
  for (std::size_t i = 0; i < sources.size(); ++i) {
    const auto found = kept.find(targets[i]);
    if (found == kept.end()) {
      begun[targets[i]] = {
          .source_next = fresh.at(sources[i]), .target_end = target_ends.at(targets[i]), .source_id = ids[i]};
    } else {
      behind[targets[i]] = std::max(found->second.target_end, target_first.at(targets[i]));
    }
    auto& of = made.emplace_back(
        std::make_unique<lane>(sources[i], targets[i], found == kept.end() ? begun.at(targets[i]) : found->second));
    of->source_end = ends.at(sources[i]);
    if (told_.once) of->stop_at = of->source_end;
    MOLDAU_TRY(keep_within(*of, first.at(sources[i]), of->source_end));
    if (of->stop_at && of->position() >= *of->stop_at) of->is_done = true;
  }
  MOLDAU_TRY(store_.write(begun));
  MOLDAU_TRY_ASSIGN(auto tails, read_tails(destination_, behind, target_ends));
  for (auto& of : made) {
    kept_[of->target()] = of->reached();
    if (const auto tail = tails.find(of->target()); tail != tails.end()) {
      of->set_tail(std::move(tail->second), target_ends.at(of->target()), of->source_end);
    }
    const topic_partition key = of->source();
    lanes_[key] = std::move(of);
  }
  return {};
}

result<void> copier::step() {
  show();
  if (!consumer_) {
    io::sleep_until_ns(io::steady_ns() + std::chrono::nanoseconds(poll_time).count());
    return {};
  }
  auto got = consumer_->poll(poll_time).get();
  if (!got) return recover(got.error());
  for (const client::record_batch& batch : got->batches) MOLDAU_TRY(forward(batch));
  for (const topic_partition& partition : got->ends) {
    const auto found = lanes_.find(partition);
    if (found != lanes_.end() && found->second->stop_at) found->second->is_done = true;
  }
  return {};
}

result<void> copier::forward(const client::record_batch& batch) {
  const auto found = lanes_.find({batch.topic(), batch.partition()});
  if (found == lanes_.end()) return {};
  lane& of = *found->second;
  const auto tag = static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(&of));
  for (const record_view& record : batch) {
    if (has_failed_) return {};
    if (of.stop_at && record.offset >= *of.stop_at) break;
    if (of.is_copied(record)) {
      of.skipped();
      continue;
    }
    MOLDAU_TRY(producer_->send({.topic = of.target().topic,
                                .partition = of.target().partition,
                                .key = record.key,
                                .value = record.value,
                                .headers = record.headers,
                                .timestamp_ms = record.timestamp_ms},
                               tag));
    of.sent((record.key ? record.key->size() : 0) + (record.value ? record.value->size() : 0));
  }
  of.source_end = std::max(of.source_end, batch.high_watermark());
  of.finished_batch(of.stop_at ? std::min(*of.stop_at, batch.next_offset()) : batch.next_offset());
  if (of.stop_at && of.position() >= *of.stop_at) of.is_done = true;
  return {};
}

/// What ended a poll: topics or records that have gone are no reason to stop.
result<void> copier::recover(const error& why) {
  if (why.code != errc::offset_out_of_range && why.code != errc::unknown_topic_or_partition &&
      why.code != errc::unknown_topic_id) {
    return std::unexpected(why);
  }
  consumer_.reset();
  io::sleep_until_ns(io::steady_ns() + std::chrono::nanoseconds(poll_time).count());
  return refresh();
}

/// Looks for topics and partitions that are new or have gone.
result<void> copier::refresh() {
  auto topics = chosen_.prepare(source_, destination_);
  if (!topics) {
    // A topic that was named has gone, or the cluster can't be asked just now.
    if (topics.error().retriable() && consumer_) return {};
    return std::unexpected(topics.error());
  }
  std::map<std::string, std::size_t> there;
  for (const copied_topic& topic : *topics) there[topic.source] = topic.partitions;
  const std::size_t before = lanes_.size();
  for (auto at = lanes_.begin(); at != lanes_.end();) {
    if (there.contains(at->first.topic)) {
      ++at;
      continue;
    }
    if (at->first.partition == partition_id(0)) note(fmt::format("the source has deleted topic '{}'", at->first.topic));
    kept_.erase(at->second->target());
    gone_.push_back(std::move(at->second));
    at = lanes_.erase(at);
  }
  const bool fewer = lanes_.size() != before;
  const std::size_t left = lanes_.size();
  MOLDAU_TRY(take_up(*topics));
  if (consumer_ && !fewer && lanes_.size() == left) return {};
  std::vector<topic_partition> partitions;
  for (const auto& [partition, of] : lanes_) partitions.push_back(partition);
  if (!partitions.empty()) {
    MOLDAU_TRY_ASSIGN(const auto first, all_offsets(source_.admin, partitions, client::offset_spec::earliest()));
    MOLDAU_TRY_ASSIGN(const auto ends, all_offsets(source_.admin, partitions, client::offset_spec::latest()));
    for (const auto& [partition, of] : lanes_) MOLDAU_TRY(keep_within(*of, first.at(partition), ends.at(partition)));
  }
  return open_consumer();
}

result<void> copier::commit() {
  std::map<topic_partition, resume_point> news;
  for (const auto& [partition, of] : lanes_) {
    const resume_point now = of->reached();
    resume_point& kept = kept_[of->target()];
    if (now.source_next == kept.source_next && now.target_end == kept.target_end) continue;
    news[of->target()] = now;
  }
  if (auto done = store_.write(news); !done) {
    if (done.error().code == errc::fenced_instance_id) return done;
    note(fmt::format("how far the copying has come couldn't be kept: {}", done.error().message));
    return {};
  }
  for (const auto& [target, point] : news) kept_[target] = point;
  return {};
}

void copier::on_delivery(const client::delivery_report& done) {
  if (done.error == nullptr) {
    reinterpret_cast<lane*>(static_cast<std::uintptr_t>(done.tag))->delivered(done.offset);
    return;
  }
  const std::lock_guard held(mutex_);
  if (!failure_) {
    failure_ = error{done.error->code, fmt::format("writing to partition {} of '{}': {}", done.partition.value(),
                                                   done.topic, done.error->message)};
  }
  has_failed_ = true;
}

void copier::show() {
  if (!work_.is_due()) return;
  std::uint64_t left = 0;
  std::uint64_t records = 0;
  for (const auto& [partition, of] : lanes_) {
    records += of->records();
    const offset end = of->stop_at.value_or(of->source_end);
    if (end > of->position()) left += static_cast<std::uint64_t>(end - of->position());
  }
  if (told_.once) {
    work_.show(records, records + left, records, fmt::format(", {} left", left));
  } else {
    work_.show(records, std::nullopt, records, fmt::format(", {} behind", left));
  }
}

void copier::print(const context& in, double seconds) const {
  struct sums {
    std::string target;
    std::uint64_t partitions = 0;
    std::uint64_t records = 0;
    std::uint64_t bytes = 0;
    std::uint64_t already_there = 0;
  };
  std::map<std::string, sums> by_topic;
  for (const auto& [partition, of] : lanes_) {
    sums& to = by_topic[partition.topic];
    to.target = of->target().topic;
    ++to.partitions;
    to.records += of->records();
    to.bytes += of->bytes();
    to.already_there += of->already_there();
  }
  if (in.output == output_form::json) {
    json topics = json::array();
    for (const auto& [name, of] : by_topic) {
      topics.push_back({{"topic", name},
                        {"copy", of.target},
                        {"partitions", of.partitions},
                        {"records", of.records},
                        {"bytes", of.bytes},
                        {"already_there", of.already_there}});
    }
    print_json({{"seconds", seconds}, {"topics", std::move(topics)}});
    return;
  }
  table out({"TOPIC", "COPY", "PARTITIONS", "RECORDS", "BYTES", "ALREADY-THERE"});
  for (const auto& [name, of] : by_topic) {
    out.add({name, of.target, std::to_string(of.partitions), std::to_string(of.records), std::to_string(of.bytes),
             std::to_string(of.already_there)});
  }
  fmt::print("{}", out.to_text());
}

}  // namespace

int mirror(const context& in, const mirror_arguments& told) {
  const auto chosen = selection::make(told);
  if (!chosen) return report(chosen.error());
  // Before the clients' threads start, so that the signals are held back on them too. The second gives up waiting.
  std::atomic<int> interrupts = 0;
  std::atomic<bool> interrupted = false;
  std::mutex mutex;
  copier* running = nullptr;
  const io::on_interrupt stop([&] {
    interrupted = true;
    if (++interrupts < 2) return;
    const std::lock_guard held(mutex);
    if (running != nullptr) running->give_up();
  });
  auto source = side::connect(in, told.source, told.source_properties);
  if (!source) return report(source.error(), "source");
  auto destination = side::connect(in, told.destination, told.destination_properties);
  if (!destination) return report(destination.error(), "destination");
  const std::int64_t began = io::steady_ns();
  copier work(told, *source, *destination, *chosen);
  if (auto opened = work.open(); !opened) return report(opened.error());
  {
    const std::lock_guard held(mutex);
    running = &work;
  }
  auto done = work.run(interrupted);
  const auto finished = work.finish();
  {
    const std::lock_guard held(mutex);
    running = nullptr;
  }
  work.print(in, static_cast<double>(io::steady_ns() - began) / 1e9);
  if (!finished && interrupts < 2) return report(finished.error(), "copying");
  if (!done) return report(done.error(), "copying");
  return exit_ok;
}

}  // namespace moldau::cli
