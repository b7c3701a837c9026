#include "moldau/client/consumer.hpp"

#include <fmt/format.h>

#include "client/consumer_impl.hpp"
#include "client/property_reader.hpp"

namespace moldau::client {

/// Where a loop over a consumer stands: on the application's thread.
struct consumer::cursor {
  explicit cursor(consumer& of) : on(&of) {}

  consumer* on;
  polled got;
  std::size_t batch = 0;
  std::size_t record = 0;
  consumed_record current;
  bool at_end = true;
  result<void> status;

  /// Polls until there is something, or the loop is over.
  void fill() {
    constexpr std::chrono::hours as_long_as_it_takes(1);
    while (batch >= got.batches.size()) {
      auto next = on->poll(as_long_as_it_takes).get();
      at_end = !next || next->empty();
      if (!next) status = std::unexpected(next.error());
      if (at_end) return;
      got = *std::move(next);
      batch = record = 0;
    }
    const record_batch& in = got.batches[batch];
    static_cast<record_view&>(current) = in.records()[record];
    current.topic = in.topic();
    current.partition = in.partition();
  }
  void advance() {
    if (batch < got.batches.size() && ++record >= got.batches[batch].size()) {
      ++batch;
      record = 0;
    }
    fill();
  }
  /// By partition, where the records stand that the loop hasn't come to.
  [[nodiscard]] committed_offsets unread() const {
    committed_offsets out;
    for (std::size_t b = batch; b < got.batches.size(); ++b) {
      const record_batch& in = got.batches[b];
      const std::size_t first = b == batch ? record + 1 : 0;
      if (first >= in.size()) continue;
      committed_offset at{.offset = in.records()[first].offset, .metadata = {}};
      if (first > 0) at.leader_epoch = in.records()[first - 1].leader_epoch;
      out.try_emplace({in.topic(), in.partition()}, at);
    }
    return out;
  }
};

const consumed_record& consumer::record_iterator::operator*() const {
  return on_->current;
}

consumer::record_iterator& consumer::record_iterator::operator++() {
  on_->advance();
  return *this;
}

bool consumer::record_iterator::is_at_end() const {
  return on_->at_end;
}

consumer::record_iterator consumer::begin() {
  if (!cursor_) cursor_ = std::make_unique<cursor>(*this);
  cursor_->on = this;
  cursor_->status = {};
  cursor_->at_end = false;
  // A loop that was left goes on behind the record that it was left at.
  cursor_->advance();
  return record_iterator(*cursor_);
}

result<void> consumer::loop_status() const {
  return cursor_ ? cursor_->status : result<void>();
}

/// Gives up what a loop has been given and hasn't come to; the caller has it taken back.
committed_offsets consumer::take_unread() {
  if (!cursor_) return {};
  committed_offsets out = cursor_->unread();
  cursor_->got = {};
  cursor_->batch = cursor_->record = 0;
  return out;
}

namespace {

/// All mistakes at once, a line each.
result<void> check_consumer(const consumer_options& options) {
  std::string wrong;
  const auto add = [&](std::string_view what) { wrong += (wrong.empty() ? "" : "\n") + std::string(what); };
  if (const auto common = check(options.client); !common) add(common.error().message);
  if (options.auto_commit_interval_ms < 0) add("auto.commit.interval.ms can't be below 0");
  if (options.heartbeat_interval_ms < 1) add("heartbeat.interval.ms must be 1 at least");
  if (options.max_poll_interval_ms < 1) add("max.poll.interval.ms must be 1 at least");
  if (options.fetch_min_bytes < 0 || options.fetch_max_bytes < 0 || options.fetch_max_wait_ms < 0) {
    add("fetch.min.bytes, fetch.max.bytes and fetch.max.wait.ms can't be below 0");
  }
  if (options.heartbeat_interval_ms >= options.session_timeout_ms) {
    add("heartbeat.interval.ms must be below session.timeout.ms");
  }
  if (options.group_id && options.group_id->empty()) add("group.id mustn't be empty");
  if (options.instance_id && options.instance_id->empty()) add("group.instance.id mustn't be empty");
  if (options.partition_fetch_max_bytes < 1) add("max.partition.fetch.bytes must be 1 at least");
  if (options.prefetch_bytes_max == 0) add("prefetch_bytes_max must be 1 at least");
  if (std::ranges::find(options.interceptors, nullptr) != options.interceptors.end()) add("an interceptor is null");
  std::set<std::string_view> names;
  for (const auto& each : options.assignors) {
    if (each == nullptr) {
      add("an assignor is null");
    } else if (!names.insert(each->name()).second) {
      add(fmt::format("partition.assignment.strategy names '{}' twice", each->name()));
    }
  }
  if (!wrong.empty()) return fail(errc::invalid_argument, wrong);
  return {};
}

std::map<topic_partition, std::int64_t> all_at(const std::vector<topic_partition>& partitions, std::int64_t time) {
  std::map<topic_partition, std::int64_t> out;
  for (const topic_partition& partition : partitions) out[partition] = time;
  return out;
}

/// Waits forever as well as the clock can.
std::chrono::milliseconds within_reason(std::chrono::milliseconds time) {
  constexpr std::chrono::hours longest(24 * 365);
  return std::clamp<std::chrono::milliseconds>(time, std::chrono::milliseconds(0), longest);
}

}  // namespace

result<consumer> consumer::make(consumer_options options) {
  MOLDAU_TRY(check_consumer(options));
  auto body = std::make_shared<impl>(std::move(options));
  body->report_statistics();
  return consumer(std::move(body));
}

consumer::consumer(std::shared_ptr<impl> body) : impl_(std::move(body)) {}
consumer::consumer(consumer&&) noexcept = default;

consumer& consumer::operator=(consumer&& other) noexcept {
  std::swap(impl_, other.impl_);
  std::swap(cursor_, other.cursor_);
  return *this;
}

consumer::~consumer() {
  if (!impl_) return;
  if (!impl_->home().may_block()) {
    // On the client's own thread, or in a simulation: it ends by itself.
    static_cast<void>(close());
    return;
  }
  static_cast<void>(close().get());
  impl_->stop();
}

async<void> consumer::assign(std::vector<topic_partition> partitions) {
  std::map<topic_partition, std::optional<offset>> positions;
  for (topic_partition& partition : partitions) positions[std::move(partition)] = std::nullopt;
  return impl_->home().start<void>([self = impl_, positions, unread = take_unread()] {
    self->rewind(unread);
    return self->assign(positions);
  });
}

async<void> consumer::assign(std::map<topic_partition, moldau::offset> from) {
  const std::map<topic_partition, std::optional<offset>> positions(from.begin(), from.end());
  return impl_->home().start<void>([self = impl_, positions, unread = take_unread()] {
    self->rewind(unread);
    return self->assign(positions);
  });
}

async<void> consumer::subscribe(std::vector<std::string> topics, rebalance_listener listener) {
  return impl_->home().start<void>([self = impl_, topics = std::move(topics), listener = std::move(listener)] {
    return self->subscribe(topics, std::nullopt, listener);
  });
}

async<void> consumer::subscribe_matching(std::string expression, rebalance_listener listener) {
  std::optional<std::regex> compiled;
  try {
    compiled.emplace(expression, std::regex::ECMAScript | std::regex::optimize);
  } catch (const std::regex_error& why) {
    return ready<void>(
        fail(errc::invalid_argument, fmt::format("'{}' is no pattern of topics: {}", expression, why.what())));
  }
  return impl_->home().start<void>(
      [self = impl_, compiled, listener = std::move(listener)] { return self->subscribe({}, compiled, listener); });
}

async<void> consumer::unsubscribe() {
  return impl_->home().start<void>([self = impl_, unread = take_unread()] {
    self->rewind(unread);
    return self->unsubscribe();
  });
}

async<std::vector<topic_partition>> consumer::assignment() {
  return impl_->home().start<std::vector<topic_partition>>([self = impl_] { return self->assignment(); });
}

async<std::vector<std::string>> consumer::subscription() {
  return impl_->home().start<std::vector<std::string>>([self = impl_] { return self->subscription(); });
}

async<polled> consumer::poll(std::chrono::milliseconds timeout) {
  return impl_->home().start<polled>([self = impl_, timeout = within_reason(timeout), unread = take_unread()] {
    self->rewind(unread);
    return self->poll(timeout);
  });
}

void consumer::wakeup() {
  impl_->wakeup();
}

async<void> consumer::seek(topic_partition partition, moldau::offset to, moldau::leader_epoch epoch) {
  return impl_->home().start<void>([self = impl_, partition, to, epoch, unread = take_unread()] {
    self->rewind(unread);
    return self->seek(partition, {to, epoch});
  });
}

async<void> consumer::seek_to_beginning(std::vector<topic_partition> partitions) {
  return seek_to_time(all_at(partitions, earliest_time));
}

async<void> consumer::seek_to_end(std::vector<topic_partition> partitions) {
  return seek_to_time(all_at(partitions, latest_time));
}

async<void> consumer::seek_to_time(std::map<topic_partition, std::int64_t> times_ms) {
  return impl_->home().start<void>([self = impl_, times_ms, unread = take_unread()] {
    self->rewind(unread);
    return self->seek_to_times(times_ms);
  });
}

async<void> consumer::pause(std::vector<topic_partition> partitions) {
  return impl_->home().start<void>([self = impl_, partitions] { return self->pause(partitions, true); });
}

async<void> consumer::resume(std::vector<topic_partition> partitions) {
  return impl_->home().start<void>([self = impl_, partitions] { return self->pause(partitions, false); });
}

async<std::vector<topic_partition>> consumer::paused() {
  return impl_->home().start<std::vector<topic_partition>>([self = impl_] { return self->paused(); });
}

async<moldau::offset> consumer::position(topic_partition partition) {
  return impl_->home().start<moldau::offset>([self = impl_, partition] { return self->position(partition); });
}

async<std::optional<std::int64_t>> consumer::current_lag(topic_partition partition) {
  return impl_->home().start<std::optional<std::int64_t>>(
      [self = impl_, partition] { return self->current_lag(partition); });
}

async<std::map<topic_partition, std::int64_t>> consumer::lag() {
  return impl_->home().start<std::map<topic_partition, std::int64_t>>([self = impl_] { return self->lag(); });
}

async<void> consumer::commit() {
  committed_offsets unread;
  if (cursor_) unread = cursor_->unread();
  return impl_->home().start<void>([self = impl_, unread] { return self->commit_positions(unread); });
}

async<void> consumer::commit(std::map<topic_partition, committed_offset> offsets) {
  return impl_->home().start<void>([self = impl_, offsets] { return self->commit(offsets); });
}

async<void> consumer::commit(const consumed_record& record) {
  return commit({{topic_partition{std::string(record.topic), record.partition},
                  committed_offset{.offset = record.offset + 1, .leader_epoch = record.leader_epoch, .metadata = {}}}});
}

async<void> consumer::commit(const record_batch& batch, const record_view& record) {
  return commit({{topic_partition{batch.topic(), batch.partition()},
                  committed_offset{.offset = record.offset + 1, .leader_epoch = record.leader_epoch, .metadata = {}}}});
}

async<void> consumer::commit(const record_batch& batch) {
  return commit({{topic_partition{batch.topic(), batch.partition()}, batch.position()}});
}

async<std::map<topic_partition, committed_offset>> consumer::committed(std::vector<topic_partition> partitions) {
  return impl_->home().start<std::map<topic_partition, committed_offset>>(
      [self = impl_, partitions] { return self->committed(partitions); });
}

async<std::map<topic_partition, moldau::offset>> consumer::beginning_offsets(std::vector<topic_partition> partitions) {
  return offsets_for_times(all_at(partitions, earliest_time));
}

async<std::map<topic_partition, moldau::offset>> consumer::end_offsets(std::vector<topic_partition> partitions) {
  return offsets_for_times(all_at(partitions, latest_time));
}

async<std::map<topic_partition, moldau::offset>> consumer::offsets_for_times(
    std::map<topic_partition, std::int64_t> times_ms) {
  return impl_->home().start<std::map<topic_partition, moldau::offset>>(
      [self = impl_, times_ms] { return self->offsets_at(times_ms); });
}

async<std::vector<partition_id>> consumer::partitions_of(std::string topic) {
  return impl_->home().start<std::vector<partition_id>>([self = impl_, topic] { return self->partitions_of(topic); });
}

async<client::group_metadata> consumer::group_metadata() {
  return impl_->home().start<client::group_metadata>([self = impl_] { return self->group_metadata(); });
}

async<void> consumer::enforce_rebalance(std::string reason) {
  return impl_->home().start<void>([self = impl_, reason] { return self->enforce_rebalance(reason); });
}

async<client::statistics> consumer::statistics() {
  return impl_->home().start<client::statistics>([self = impl_] { return self->statistics(); });
}

async<void> consumer::close(close_options how) {
  return impl_->home().start<void>([self = impl_, how, unread = take_unread()] {
    self->rewind(unread);
    return self->close(how);
  });
}

}  // namespace moldau::client
