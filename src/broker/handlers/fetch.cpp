#include <algorithm>
#include <chrono>
#include <deque>
#include <list>
#include <memory>

#include "broker/handlers.hpp"
#include "broker/long_poll.hpp"
#include "broker/serve.hpp"
#include "broker/shard.hpp"
#include "rt/callback_list.hpp"
#include "wire/protocol/fetch_request.hpp"
#include "wire/protocol/fetch_response.hpp"

namespace moldau::broker {
namespace {

using wire::protocol::fetch_request;
using wire::protocol::fetch_response;

/// One partition of a fetch and what reading it came to.
struct item {
  /// The session's own, so good only as long as no other request has changed the session (`superseded`).
  std::list<fetch_target>::iterator target;
  // What it asked for, as other cores read it.
  offset fetch_offset;
  std::int32_t max_bytes = 0;
  leader_epoch current_leader_epoch = no_leader_epoch;
  leader_epoch last_fetched_epoch = no_leader_epoch;
  topic_id_partition id;
  unsigned core = 0;
  errc error = errc::none;
  offset high_watermark = no_offset;
  offset last_stable = no_offset;
  offset log_start = no_offset;
  /// The readable end when it was read: more than that is news.
  offset seen_end = no_offset;
  storage::read_result records;
  std::optional<std::vector<storage::aborted_transaction>> aborted;
  std::optional<storage::epoch_end> diverging;
};

class fetch_call {
 public:
  fetch_call(shard& at, request& what, fetch_request& message)
      : shard_(at),
        what_(what),
        message_(message),
        level_(static_cast<replica::isolation>(message.isolation_level)),
        deadline_(what.received + std::chrono::milliseconds(std::max(message.max_wait_ms, 0))) {}

  rt::task<result<response>> run() {
    auto begun = shard_.sessions().begin(message_, what_.api_version, shard_.world());
    if (!begun) {
      fetch_response out;
      out.error_code = begun.error().code;
      co_return encode_response(what_, out);
    }
    context_ = *std::move(begun);
    session_epoch_ = context_.session->epoch();
    for (;;) {
      resolve();
      co_await read_all();
      if (superseded() || must_answer_now()) break;
      forget_partitions();
      co_await sleep();
      if (superseded()) break;
    }
    if (superseded()) {
      fetch_response out;
      out.error_code = errc::invalid_fetch_session_epoch;
      co_return encode_response(what_, out);
    }
    co_return encode();
  }

 private:
  void resolve();
  rt::task<void> read_all();
  rt::task<void> read_on(unsigned core);
  rt::task<void> read(shard& there, item& one);
  [[nodiscard]] bool must_answer_now() const;
  /// A client that gave this request up goes on with its session over another connection.
  [[nodiscard]] bool superseded() const { return context_.session->epoch() != session_epoch_; }
  /// The session has them. Consumers of many partitions sleep most of the time, and must not take the memory that
  /// producers need.
  void forget_partitions() {
    message_.topics = decltype(message_.topics)();
    message_.forgotten_topics_data = decltype(message_.forgotten_topics_data)();
    release_decoded(shard_, what_);
  }
  rt::task<void> sleep();
  rt::task<bool> listen_on(unsigned core, std::shared_ptr<long_poll> poll, std::deque<rt::callback>& hooks);
  result<response> encode();

  shard& shard_;
  request& what_;
  fetch_request& message_;
  replica::isolation level_;
  rt::time_point deadline_;
  fetch_sessions::context context_;
  std::int32_t session_epoch_ = 0;
  std::vector<item> items_;
  std::vector<bool> cores_;
  std::uint64_t bytes_left_ = 0;
  bool have_bytes_ = false;
};

void fetch_call::resolve() {
  items_.clear();
  cores_.assign(shard_.world().core_count(), false);
  auto& targets = context_.session->targets();
  items_.reserve(targets.size());
  for (auto target = targets.begin(); target != targets.end(); ++target) {
    item& one = items_.emplace_back();
    one.target = target;
    one.fetch_offset = target->fetch_offset;
    one.max_bytes = target->max_bytes;
    one.current_leader_epoch = target->current_leader_epoch;
    one.last_fetched_epoch = target->last_fetched_epoch;
    const bool by_id = context_.session->by_topic_id();
    const topic_view* topic =
        by_id ? shard_.find_topic(target->id) : shard_.find_topic(std::string_view(target->topic));
    if (topic == nullptr || !topic->has_partition(target->partition)) {
      one.error = by_id && topic == nullptr ? errc::unknown_topic_id : errc::unknown_topic_or_partition;
      continue;
    }
    one.id = {topic->id, target->partition};
    one.core = shard_.core_of(one.id);
    cores_[one.core] = true;
  }
}

rt::task<void> fetch_call::read_all() {
  const auto wanted = static_cast<std::uint32_t>(std::max(message_.max_bytes, 0));
  bytes_left_ = std::min<std::uint64_t>(wanted, static_cast<std::uint64_t>(shard_.config().int32("fetch.max.bytes")));
  have_bytes_ = false;
  for (unsigned core = 0; core < cores_.size(); ++core) {
    if (cores_[core]) co_await read_on(core);
  }
}

rt::task<void> fetch_call::read_on(unsigned core) {
  co_await shard_.world().call_on(core, [this, core]() -> rt::task<void> {
    shard& there = shard_.on_core(core);
    for (item& one : items_) {
      if (one.error == errc::none && one.core == core) co_await read(there, one);
    }
  });
}

rt::task<void> fetch_call::read(shard& there, item& one) {
  replica::partition* found = there.find_partition(one.id);
  if (found == nullptr) {
    one.error = errc::not_leader_or_follower;
    co_return;
  }
  const replica::partition::use partition(*found);
  if (auto known = partition->check_epoch(one.current_leader_epoch); !known) {
    one.error = known.error().code;
    co_return;
  }
  storage::log& log = partition->log();
  one.high_watermark = partition->high_watermark();
  one.last_stable = log.last_stable_offset();
  one.log_start = log.log_start();
  one.seen_end = partition->readable_end(level_);
  if (one.last_fetched_epoch != no_leader_epoch) {
    // KIP-595: a reader whose last epoch ends earlier here than where it wants to go on has diverged.
    const storage::epoch_end end = log.end_offset_for_epoch(one.last_fetched_epoch);
    if (end.epoch < one.last_fetched_epoch || end.end_offset < one.fetch_offset) {
      one.diverging = end;
      co_return;
    }
  }
  const storage::read_options wanted{
      .from = one.fetch_offset,
      .max_bytes = static_cast<std::uint32_t>(
          std::min<std::uint64_t>(static_cast<std::uint32_t>(std::max(one.max_bytes, 0)), bytes_left_)),
      // KIP-74: the first batch of a response comes whole, or a reader of a large one would never get past it.
      .min_one_batch = !have_bytes_,
      .upper_bound = one.seen_end};
  auto records = log.try_read(wanted);
  if (!records && records.error().code == errc::would_block) records = co_await log.read(wanted);
  if (!records) {
    one.error = records.error().code;
    co_return;
  }
  one.records = *std::move(records);
  bytes_left_ -= std::min(bytes_left_, one.records.size_bytes);
  have_bytes_ = have_bytes_ || one.records.size_bytes > 0;
  if (level_ == replica::isolation::read_committed) {
    one.aborted.emplace();
    if (one.records.size_bytes > 0) {
      auto aborted = co_await log.aborted_transactions(one.fetch_offset, one.seen_end);
      if (!aborted) {
        one.error = aborted.error().code;
        one.records = {};
        co_return;
      }
      one.aborted = *std::move(aborted);
    }
  }
}

bool fetch_call::must_answer_now() const {
  if (items_.empty() || shard_.stopping() || what_.peer->gone || shard_.world().now() >= deadline_) return true;
  std::uint64_t bytes = 0;
  for (const item& one : items_) {
    if (one.error != errc::none || one.diverging) return true;
    bytes += one.records.size_bytes;
  }
  return bytes >= static_cast<std::uint64_t>(std::max(message_.min_bytes, 0));
}

rt::task<void> fetch_call::sleep() {
  auto poll = std::make_shared<long_poll>();
  // Each core's hooks are made and destroyed on that core.
  std::vector<std::deque<rt::callback>> hooks(cores_.size());
  bool news = false;
  for (unsigned core = 0; core < cores_.size(); ++core) {
    if (cores_[core] && !news) news = co_await listen_on(core, poll, hooks[core]);
  }
  if (!news) co_await long_poll::sleep(poll, shard_, what_, deadline_);
  poll->woken = true;
  for (unsigned core = 0; core < cores_.size(); ++core) {
    if (hooks[core].empty()) continue;
    co_await shard_.world().call_on(core, [&hooks, core]() -> rt::task<void> {
      hooks[core].clear();
      co_return;
    });
  }
}

rt::task<bool> fetch_call::listen_on(unsigned core, std::shared_ptr<long_poll> poll, std::deque<rt::callback>& hooks) {
  co_return co_await shard_.world().call_on(core, [&]() -> rt::task<bool> {
    shard& there = shard_.on_core(core);
    rt::world& home = shard_.world();
    for (const item& one : items_) {
      if (one.core != core) continue;
      replica::partition* partition = there.find_partition(one.id);
      // What has come since it was read would wake nobody.
      if (partition == nullptr || partition->readable_end(level_) != one.seen_end) co_return true;
      partition->add_reader(hooks.emplace_back([&home, poll] { home.post([poll] { poll->wake(); }); }));
    }
    co_return false;
  });
}

result<response> fetch_call::encode() {
  fetch_response out;
  out.session_id = context_.response_session_id();
  std::vector<std::vector<rt::chunk>> externals;
  externals.reserve(items_.size());
  fetch_response::fetchable_topic_response* topic = nullptr;
  for (item& one : items_) {
    fetch_target& target = *one.target;
    const fetch_outcome outcome{.error = one.error,
                                .high_watermark = one.high_watermark,
                                .log_start_offset = one.log_start,
                                .records_bytes = one.records.size_bytes,
                                .diverging = one.diverging.has_value()};
    const bool news = context_.session->must_answer(target, outcome);
    if (context_.incremental && !news) continue;
    if (topic == nullptr || topic->topic != target.topic || topic->topic_id != target.id) {
      topic = &out.responses.emplace_back();
      topic->topic = what_.arena.store(std::string_view(target.topic));
      topic->topic_id = target.id;
    }
    auto& partition = topic->partitions.emplace_back();
    partition.partition_index = target.partition;
    partition.error_code = one.error;
    partition.high_watermark = one.high_watermark;
    partition.last_stable_offset = one.last_stable;
    partition.log_start_offset = one.log_start;
    if (one.aborted) {
      auto& list = partition.aborted_transactions.emplace();
      for (const auto& aborted : *one.aborted) {
        list.push_back({.producer_id = aborted.producer_id, .first_offset = aborted.first_offset});
      }
    }
    if (one.diverging) {
      partition.diverging_epoch = {.epoch = one.diverging->epoch, .end_offset = one.diverging->end_offset};
    }
    if (one.error != errc::none) shard_.metrics().fetch_failed();
    partition.records = bytes_view{};
    if (one.records.size_bytes > 0) {
      shard_.metrics().fetched(one.id.topic, one.records.size_bytes);
      partition.records = wire::records_field::external(one.records.size_bytes, externals.size());
      externals.push_back(std::move(one.records.chunks));
      context_.session->rotate(one.target);
    }
  }
  return encode_response(what_, out, externals);
}

}  // namespace

rt::task<answer> fetch(shard& at, request& what) {
  auto message = decode_request<fetch_request>(at, what);
  if (!message) co_return answer::close_connection();
  // What controllers have to give is the metadata log.
  if (what.peer->controller) co_return co_await fetch_metadata(at, what, *message);
  fetch_call call(at, what, *message);
  co_return answer_with(at, what, co_await call.run());
}

}  // namespace moldau::broker
