#include "moldau/client/producer.hpp"

#include "client/producer_impl.hpp"

namespace moldau::client {

result<producer> producer::make(producer_options options) {
  if (options.client.bootstrap_servers.empty()) {
    return fail(errc::invalid_argument, "bootstrap.servers is missing: name one broker at least, as host:port");
  }
  for (const std::string& server : options.client.bootstrap_servers) MOLDAU_TRY(parse_server(server));
  if (options.idempotence && options.acks != acks::all) {
    return fail(errc::invalid_argument, "enable.idempotence needs acks=all");
  }
  if (options.in_flight_max == 0 || (options.idempotence && options.in_flight_max > 5)) {
    return fail(errc::invalid_argument,
                "max.in.flight.requests.per.connection must be from 1 to 5: brokers keep the numbers of five batches");
  }
  if (options.codec_level) {
    const auto range = wire::levels_of(static_cast<wire::codec>(options.codec));
    if (!range.contains(*options.codec_level)) return fail(errc::invalid_argument, "the codec has no such level");
  }
  return producer(std::make_shared<impl>(std::move(options)));
}

producer::producer(std::shared_ptr<impl> body) : impl_(std::move(body)) {}
producer::producer(producer&&) noexcept = default;

producer& producer::operator=(producer&& other) noexcept {
  std::swap(impl_, other.impl_);
  return *this;
}

producer::~producer() {
  if (!impl_) return;
  if (!impl_->home().may_block()) {
    // On the client's own thread, or in a simulation: it ends by itself.
    close().then([](const result<void>&) {});
    return;
  }
  static_cast<void>(close().get());
  impl_->stop();
}

async<delivery> producer::send(const outgoing_record& record) {
  auto waiting = impl_->home().make_promise<delivery>();
  auto out = waiting.get_async();
  if (auto queued = impl_->enqueue(record, {.waiting = waiting}); !queued) {
    waiting.set(std::unexpected(std::move(queued).error()));
  }
  return out;
}

result<void> producer::send(const outgoing_record& record, std::uint64_t tag) {
  return impl_->enqueue(record, {.tag = tag});
}

async<void> producer::flush() {
  return impl_->home().start<void>([self = impl_] { return self->flush(); });
}

async<void> producer::purge() {
  return impl_->home().start<void>([self = impl_] { return self->purge(); });
}

async<std::vector<partition_id>> producer::partitions_of(std::string topic) {
  return impl_->home().start<std::vector<partition_id>>(
      [self = impl_, topic = std::move(topic)] { return self->partitions_of(topic); });
}

async<void> producer::close() {
  return impl_->home().start<void>([self = impl_] { return self->close(); });
}

}  // namespace moldau::client
