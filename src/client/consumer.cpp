#include "moldau/client/consumer.hpp"

#include "client/consumer_impl.hpp"

namespace moldau::client {

result<consumer> consumer::make(consumer_options options) {
  if (options.client.bootstrap_servers.empty()) {
    return fail(errc::invalid_argument, "bootstrap.servers is missing: name one broker at least, as host:port");
  }
  for (const std::string& server : options.client.bootstrap_servers) MOLDAU_TRY(parse_server(server));
  if (options.heartbeat_interval_ms >= options.session_timeout_ms) {
    return fail(errc::invalid_argument, "heartbeat.interval.ms must be below session.timeout.ms");
  }
  return consumer(std::make_shared<impl>(std::move(options)));
}

consumer::consumer(std::shared_ptr<impl> body) : impl_(std::move(body)) {}
consumer::consumer(consumer&&) noexcept = default;

consumer& consumer::operator=(consumer&& other) noexcept {
  std::swap(impl_, other.impl_);
  return *this;
}

consumer::~consumer() {
  if (!impl_) return;
  if (!impl_->home().may_block()) {
    // On the client's own thread, or in a simulation: it ends by itself.
    close().then([](const result<void>&) {});
    return;
  }
  static_cast<void>(close().get());
  impl_->stop();
}

async<void> consumer::assign(std::vector<topic_partition> partitions) {
  std::map<topic_partition, std::optional<offset>> positions;
  for (topic_partition& partition : partitions) positions[std::move(partition)] = std::nullopt;
  return impl_->home().start<void>([self = impl_, positions] { return self->assign(positions); });
}

async<void> consumer::assign(std::map<topic_partition, moldau::offset> from) {
  const std::map<topic_partition, std::optional<offset>> positions(from.begin(), from.end());
  return impl_->home().start<void>([self = impl_, positions] { return self->assign(positions); });
}

async<void> consumer::subscribe(std::vector<std::string> topics, rebalance_listener listener) {
  return impl_->home().start<void>([self = impl_, topics = std::move(topics), listener = std::move(listener)] {
    return self->subscribe(topics, listener);
  });
}

async<std::vector<topic_partition>> consumer::assignment() {
  return impl_->home().start<std::vector<topic_partition>>([self = impl_] { return self->assignment(); });
}

async<polled> consumer::poll(std::chrono::milliseconds timeout) {
  return impl_->home().start<polled>([self = impl_, timeout] { return self->poll(timeout); });
}

void consumer::wakeup() {
  impl_->wakeup();
}

async<void> consumer::seek(topic_partition partition, moldau::offset to) {
  return impl_->home().start<void>([self = impl_, partition, to] { return self->seek(partition, to); });
}

async<void> consumer::pause(std::vector<topic_partition> partitions) {
  return impl_->home().start<void>([self = impl_, partitions] { return self->pause(partitions, true); });
}

async<void> consumer::resume(std::vector<topic_partition> partitions) {
  return impl_->home().start<void>([self = impl_, partitions] { return self->pause(partitions, false); });
}

async<moldau::offset> consumer::position(topic_partition partition) {
  return impl_->home().start<moldau::offset>([self = impl_, partition] { return self->position(partition); });
}

async<void> consumer::commit() {
  return impl_->home().start<void>([self = impl_] { return self->commit_positions(); });
}

async<void> consumer::commit(std::map<topic_partition, committed_offset> offsets) {
  return impl_->home().start<void>([self = impl_, offsets] { return self->commit(offsets); });
}

async<std::map<topic_partition, committed_offset>> consumer::committed(std::vector<topic_partition> partitions) {
  return impl_->home().start<std::map<topic_partition, committed_offset>>(
      [self = impl_, partitions] { return self->committed(partitions); });
}

namespace {

std::map<topic_partition, std::int64_t> all_at(const std::vector<topic_partition>& partitions, std::int64_t time) {
  std::map<topic_partition, std::int64_t> out;
  for (const topic_partition& partition : partitions) out[partition] = time;
  return out;
}

}  // namespace

async<std::map<topic_partition, moldau::offset>> consumer::beginning_offsets(std::vector<topic_partition> partitions) {
  return offsets_for_times(all_at(partitions, -2));
}

async<std::map<topic_partition, moldau::offset>> consumer::end_offsets(std::vector<topic_partition> partitions) {
  return offsets_for_times(all_at(partitions, -1));
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

async<void> consumer::close() {
  return impl_->home().start<void>([self = impl_] { return self->close(); });
}

}  // namespace moldau::client
