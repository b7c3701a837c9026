#include "moldau/client/group_member.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "client/await_on.hpp"
#include "client/group_session.hpp"
#include "client/offset_calls.hpp"
#include "client/property_reader.hpp"
#include "client/runtime.hpp"
#include "moldau/client/consumer.hpp"

namespace moldau::client {

async<void> group_work::revoke(const group_metadata&) {
  return ready<void>({});
}

class group_member::impl final : public group_user, public std::enable_shared_from_this<group_member::impl> {
 public:
  impl(group_member_options options, std::shared_ptr<group_work> work)
      : options_(std::move(options)),
        runtime_(options_.client),
        cluster_(std::make_shared<cluster>(runtime_.world(), options_.client)),
        work_(std::move(work)) {}

  rt::task<result<void>> join() {
    const auto self = shared_from_this();
    if (closed_) co_return fail(errc::closed, "the member has been closed");
    failure_.reset();
    if (!session_) {
      session_ = std::make_shared<group_session>(
          cluster_,
          group_session::options{.group_id = options_.group_id,
                                 .instance_id = options_.instance_id,
                                 .protocol_type = options_.protocol_type,
                                 .session_timeout_ms = options_.session_timeout_ms,
                                 .rebalance_timeout_ms = options_.rebalance_timeout_ms,
                                 .heartbeat_interval_ms = options_.heartbeat_interval_ms,
                                 // Whoever holds a member has nothing to poll.
                                 .poll_interval_max_ms = std::int64_t{1000} * 60 * 60 * 24 * 365},
          *this);
    }
    while (!session_->start(self)) co_await session_->stopped();
    while (!closed_ && !failure_ && !session_->membership().is_stable()) co_await news_.wait();
    if (failure_) co_return std::unexpected(*failure_);
    if (closed_) co_return fail(errc::closed, "the member has been closed");
    co_return result<void>();
  }

  rt::task<result<void>> rejoin(std::string reason) {
    if (!session_ || closed_) co_return fail(errc::invalid_argument, "the member hasn't joined");
    session_->rejoin(std::move(reason));
    co_return result<void>();
  }

  rt::task<result<group_metadata>> metadata() {
    if (session_) co_return session_->metadata();
    co_return group_metadata{.group_id = options_.group_id, .member_id = {}, .instance_id = options_.instance_id};
  }

  rt::task<result<void>> commit(std::map<topic_partition, committed_offset> offsets) {
    const auto self = shared_from_this();
    if (!session_ || session_->membership().generation() < 0) {
      co_return fail(errc::unknown_member_id, "only a member of the group commits in its name");
    }
    const auto who = session_->membership().who();
    MOLDAU_CO_TRY_ASSIGN(const auto done, co_await commit_offsets(cluster_, session_->metadata(), std::move(offsets)));
    for (const auto& [partition, outcome] : done) {
      if (outcome) continue;
      session_->on_commit_refused(outcome.error().code, who);
      co_return std::unexpected(outcome.error());
    }
    co_return result<void>();
  }

  rt::task<result<void>> close() {
    const auto self = shared_from_this();
    if (!std::exchange(closed_, true)) {
      if (session_) {
        session_->stop();
        co_await session_->leave("the member is being closed", false);
      }
      cluster_->close();
      news_.notify_all();
    }
    if (session_) co_await session_->stopped();
    co_return result<void>();
  }

  rt::task<result<client::statistics>> statistics() {
    client::statistics out = cluster_->count("member");
    add_to(out);
    co_return out;
  }
  void report_statistics() {
    cluster_->report_statistics("member", [weak = weak_from_this()](client::statistics& into) {
      if (const auto self = weak.lock()) self->add_to(into);
    });
  }

  [[nodiscard]] const runtime& home() const { return runtime_; }
  void stop() { runtime_.stop(); }

 private:
  void add_to(client::statistics& into) const {
    into.group_id = options_.group_id;
    into.rebalances = rebalances_;
    if (session_) into.group_state = name(session_->membership().current());
  }
  rt::task<void> prepare() override {
    static_cast<void>(co_await await_on(runtime_.world(), work_->revoke(session_->metadata())));
  }
  rt::task<void> lost() override {
    if (!closed_) work_->lost(session_->metadata());
    co_return;
  }
  [[nodiscard]] std::vector<group_protocol> protocols() override { return work_->protocols(); }
  rt::task<result<std::map<std::string, shared_bytes>>> lead(std::string protocol,
                                                             std::vector<group_peer> members) override {
    co_return work_->lead(protocol, members);
  }
  rt::task<result<void>> joined(std::string protocol, bool is_leader, shared_bytes part) override {
    ++rebalances_;
    const auto done = work_->joined({.protocol = std::move(protocol),
                                     .is_leader = is_leader,
                                     .bytes = std::move(part),
                                     .of = session_->metadata()});
    news_.notify_all();
    co_return done;
  }
  void failed(const error& why) override {
    failure_ = why;
    work_->failed(why);
    news_.notify_all();
  }

  const group_member_options options_;
  runtime runtime_;
  std::shared_ptr<cluster> cluster_;
  std::shared_ptr<group_work> work_;
  std::shared_ptr<group_session> session_;
  std::optional<error> failure_;
  rt::event news_;
  std::uint64_t rebalances_ = 0;
  bool closed_ = false;
};

result<group_member> group_member::make(group_member_options options, std::shared_ptr<group_work> work) {
  std::vector<std::string> mistakes;
  const auto need = [&](bool holds, std::string_view otherwise) {
    if (!holds) mistakes.emplace_back(otherwise);
  };
  if (const auto common = check(options.client); !common) mistakes.push_back(common.error().message);
  need(!options.group_id.empty(), "group.id is missing");
  need(!options.instance_id || !options.instance_id->empty(), "group.instance.id mustn't be empty");
  need(!options.protocol_type.empty(), "the group's protocol type is missing");
  need(work != nullptr, "a member needs work");
  need(options.heartbeat_interval_ms > 0, "heartbeat.interval.ms must be above 0");
  need(options.heartbeat_interval_ms < options.session_timeout_ms,
       "heartbeat.interval.ms must be below session.timeout.ms");
  if (!mistakes.empty()) return fail(errc::invalid_argument, fmt::format("{}", fmt::join(mistakes, "\n")));
  auto body = std::make_shared<impl>(std::move(options), std::move(work));
  body->report_statistics();
  return group_member(std::move(body));
}

group_member::group_member(std::shared_ptr<impl> body) : impl_(std::move(body)) {}
group_member::group_member(group_member&&) noexcept = default;

group_member& group_member::operator=(group_member&& other) noexcept {
  std::swap(impl_, other.impl_);
  return *this;
}

group_member::~group_member() {
  if (!impl_) return;
  if (!impl_->home().may_block()) {
    // On the client's own thread, or in a simulation: it ends by itself.
    static_cast<void>(close());
    return;
  }
  static_cast<void>(close().get());
  impl_->stop();
}

async<void> group_member::join() {
  return impl_->home().start<void>([self = impl_] { return self->join(); });
}
async<void> group_member::rejoin(std::string reason) {
  return impl_->home().start<void>([self = impl_, reason] { return self->rejoin(reason); });
}
async<group_metadata> group_member::metadata() {
  return impl_->home().start<group_metadata>([self = impl_] { return self->metadata(); });
}
async<void> group_member::commit(std::map<topic_partition, committed_offset> offsets) {
  return impl_->home().start<void>([self = impl_, offsets] { return self->commit(offsets); });
}
async<client::statistics> group_member::statistics() {
  return impl_->home().start<client::statistics>([self = impl_] { return self->statistics(); });
}
async<void> group_member::close() {
  return impl_->home().start<void>([self = impl_] { return self->close(); });
}

}  // namespace moldau::client
