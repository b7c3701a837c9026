#include "tests/sim/producer.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "wire/protocol/init_producer_id_request.hpp"
#include "wire/protocol/init_producer_id_response.hpp"
#include "wire/protocol/produce_request.hpp"

namespace moldau::scenarios {
namespace {

using wire::protocol::init_producer_id_request;
using wire::protocol::init_producer_id_response;
using wire::protocol::produce_request;
using wire::protocol::produce_response;

constexpr std::int16_t produce_version = 9;
constexpr std::size_t in_flight_max = 5;
constexpr std::int16_t acks_all = -1;

/// Mostly small, now and then as large as several index intervals.
std::string padding(const client_context& context) {
  const std::size_t size = context.one_in(20) ? 2000 + context.below(20'000) : context.below(200);
  return std::string(size, static_cast<char>('a' + context.below(26)));
}

wire::codec some_codec(const client_context& context) {
  return context.one_in(3) ? static_cast<wire::codec>(context.below(wire::codec_count)) : wire::codec::none;
}

produce_request request_of(const topic_partition& to, std::int16_t acks, bytes_view batch) {
  produce_request out;
  out.acks = acks;
  out.timeout_ms = 30'000;
  auto& topic = out.topic_data.emplace_back();
  topic.name = to.topic;
  auto& partition = topic.partition_data.emplace_back();
  partition.index = to.partition;
  partition.records = batch;
  return out;
}

const produce_response::partition_produce_response* only_answer(const produce_response& answer,
                                                                const topic_partition& to) {
  if (answer.responses.size() != 1 || answer.responses.front().name != to.topic) return nullptr;
  const auto& partitions = answer.responses.front().partition_responses;
  return partitions.size() == 1 && partitions.front().index == to.partition ? &partitions.front() : nullptr;
}

}  // namespace

idempotent_producer::idempotent_producer(client_context& context, std::string name, topic_partition to)
    : context_(context),
      name_(std::move(name)),
      to_(std::move(to)),
      session_(name_, context.world, context.broker, context.out) {
  context_.records.in_order(name_);
}

rt::task<void> idempotent_producer::run() {
  while (!context_.stopping || !pending_.empty()) {
    if (!co_await prepare() || !co_await send_all() || !co_await receive_one()) {
      session_.close();
      for (pending_batch& batch : pending_) batch.sent = false;
      co_await context_.pause(backoff_ms);
      continue;
    }
    if (context_.one_in(2)) co_await context_.pause(40);
  }
  session_.close();
}

rt::task<bool> idempotent_producer::prepare() {
  if (!session_.connected()) {
    connected_in_life_ = context_.records.life();
    if (!co_await session_.connect()) co_return false;
  }
  if (id_ != no_producer_id) co_return true;
  id_in_life_ = context_.records.life();
  init_producer_id_request wanted;
  wanted.transactional_id = std::nullopt;
  const auto got = co_await session_.call<init_producer_id_response>(wanted, 4);
  if (!got) co_return false;
  if (got->message.error_code != errc::none) {
    if (!is_retriable(got->message.error_code)) {
      context_.out.fail(fmt::format("{}: InitProducerId gave {}", name_, moldau::name(got->message.error_code)));
    }
    co_return false;
  }
  id_ = got->message.producer_id;
  epoch_ = got->message.producer_epoch;
  co_return true;
}

void idempotent_producer::fill() {
  while (!context_.stopping && pending_.size() < in_flight_max) {
    pending_batch& batch = pending_.emplace_back();
    batch.sequence = next_sequence_;
    batch.timestamp_ms = context_.world.wall_ms();
    batch.codec = some_codec(context_);
    const std::uint64_t count = 1 + context_.below(4);
    for (std::uint64_t i = 0; i < count; ++i) {
      batch.values.push_back(origin::write(name_, next_number_++, padding(context_)));
    }
    next_sequence_ += static_cast<std::int32_t>(count);
    if (context_.one_in(2)) return;
  }
}

rt::task<bool> idempotent_producer::send_all() {
  fill();
  const std::size_t may_leave = is_known_ ? pending_.size() : std::min<std::size_t>(pending_.size(), 1);
  for (std::size_t i = 0; i < may_leave; ++i) {
    pending_batch& batch = pending_[i];
    if (batch.sent) continue;
    batch.sent = true;
    builder_.begin({.compression = wire::compression::of(batch.codec),
                    .producer_id = id_,
                    .producer_epoch = epoch_,
                    .base_sequence = batch.sequence});
    for (const std::string& value : batch.values) {
      if (!builder_.append(batch.timestamp_ms, std::nullopt, as_bytes(value))) co_return false;
    }
    const auto bytes = builder_.finish(codecs_);
    if (!bytes || !co_await session_.send(request_of(to_, acks_all, *bytes), produce_version)) co_return false;
  }
  co_return true;
}

rt::task<bool> idempotent_producer::receive_one() {
  if (pending_.empty()) co_return true;
  const auto got = co_await session_.receive<produce_response>(produce_version);
  if (!got) co_return false;
  bool repeat = false;
  take(got->message, repeat);
  co_return !repeat;
}

void idempotent_producer::take(const produce_response& answer, bool& repeat) {
  const auto* partition = only_answer(answer, to_);
  if (partition == nullptr) {
    context_.out.fail(fmt::format("{}: a produce response speaks of other partitions", name_));
    repeat = true;
    return;
  }
  if (partition->error_code != errc::none) {
    // Everything before this batch is acknowledged and durable, so no error of sequence or epoch can be right.
    if (partition->error_code == errc::out_of_order_sequence_number && context_.records.may_be_gone(id_in_life_)) {
      begin_anew_after_loss();
    } else if (!is_retriable(partition->error_code)) {
      context_.out.fail(fmt::format("{}: sequence {} was refused with {}", name_, pending_.front().sequence,
                                    moldau::name(partition->error_code)));
    }
    repeat = true;
    return;
  }
  is_known_ = true;
  offset at = partition->base_offset;
  for (const std::string& value : pending_.front().values) {
    context_.records.acknowledged(to_, value, at, promise::durable, connected_in_life_);
    ++at;
  }
  pending_.pop_front();
}

void idempotent_producer::begin_anew_after_loss() {
  id_ = no_producer_id;
  is_known_ = false;
  next_sequence_ = 0;
  // The log has nothing of these, nor of any after them.
  for (pending_batch& batch : pending_) {
    batch.sequence = next_sequence_;
    next_sequence_ += static_cast<std::int32_t>(batch.values.size());
  }
}

plain_producer::plain_producer(client_context& context, std::string name, topic_partition to, promise wanted)
    : context_(context),
      name_(std::move(name)),
      to_(std::move(to)),
      wanted_(wanted),
      session_(name_, context.world, context.broker, context.out) {}

rt::task<void> plain_producer::run() {
  while (!context_.stopping) {
    co_await context_.pause(60);
    if (!session_.connected() && !co_await session_.connect()) {
      co_await context_.pause(backoff_ms);
      continue;
    }
    std::vector<std::string> values;
    builder_.begin({.compression = wire::compression::of(some_codec(context_))});
    const std::uint64_t count = 1 + context_.below(4);
    for (std::uint64_t i = 0; i < count; ++i) {
      values.push_back(origin::write(name_, next_number_++, padding(context_)));
      if (!builder_.append(context_.world.wall_ms(), std::nullopt, as_bytes(values.back()))) co_return;
    }
    const auto bytes = builder_.finish(codecs_);
    if (!bytes) co_return;
    const std::uint64_t life = context_.records.life();
    const std::int16_t acks = wanted_ == promise::durable ? acks_all : 1;
    const auto got = co_await session_.call<produce_response>(request_of(to_, acks, *bytes), produce_version);
    if (!got) continue;
    const auto* partition = only_answer(got->message, to_);
    if (partition == nullptr) {
      context_.out.fail(fmt::format("{}: a produce response speaks of other partitions", name_));
    } else if (partition->error_code == errc::none) {
      offset at = partition->base_offset;
      for (const std::string& value : values) {
        context_.records.acknowledged(to_, value, at, wanted_, life);
        ++at;
      }
    } else if (!is_retriable(partition->error_code)) {
      context_.out.fail(fmt::format("{}: a batch was refused with {}", name_, moldau::name(partition->error_code)));
    }
  }
  session_.close();
}

}  // namespace moldau::scenarios
