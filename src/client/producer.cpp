#include "moldau/client/producer.hpp"

#include "client/producer_impl.hpp"

namespace moldau::client {

result<producer> producer::make(producer_options options) {
  MOLDAU_TRY(options.validate());
  auto body = std::make_shared<impl>(std::move(options));
  body->report_statistics();
  return producer(std::move(body));
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
  if (auto queued = impl_->send(record, 0, &waiting); !queued) waiting.set(std::unexpected(std::move(queued).error()));
  return out;
}

result<void> producer::send(const outgoing_record& record, std::uint64_t tag) {
  return impl_->send(record, tag, nullptr);
}

async<void> producer::flush() {
  return impl_->home().start<void>([self = impl_] { return self->flush(); });
}

async<void> producer::purge(purge_options what) {
  return impl_->home().start<void>([self = impl_, what] { return self->purge(what); });
}

async<std::vector<partition_id>> producer::partitions_of(std::string topic) {
  return impl_->home().start<std::vector<partition_id>>(
      [self = impl_, topic = std::move(topic)] { return self->partitions_of(topic); });
}

async<client::statistics> producer::statistics() {
  return impl_->home().start<client::statistics>([self = impl_] { return self->statistics(); });
}

async<void> producer::close() {
  return impl_->home().start<void>([self = impl_] { return self->close(-1); });
}

async<void> producer::close(std::int64_t within_ms) {
  return impl_->home().start<void>([self = impl_, within_ms] { return self->close(within_ms); });
}

}  // namespace moldau::client
