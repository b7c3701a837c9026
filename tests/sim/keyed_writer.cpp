#include "tests/sim/keyed_writer.hpp"

#include <fmt/format.h>

#include "wire/batch_builder.hpp"
#include "wire/protocol/fetch_request.hpp"
#include "wire/protocol/fetch_response.hpp"
#include "wire/protocol/produce_request.hpp"
#include "wire/protocol/produce_response.hpp"
#include "wire/record_batch.hpp"
#include "wire/record_reader.hpp"

namespace moldau::scenarios {
namespace {

namespace protocol = wire::protocol;

constexpr std::int16_t produce_version = 9;
constexpr std::int16_t fetch_version = 12;
/// More than two machines' clocks may differ.
constexpr std::int64_t stirred_ahead_ms = 120'000;

}  // namespace

keyed_writer::keyed_writer(client_context& context, std::string name, topic_partition to, key_ledger& keys)
    : context_(context),
      name_(std::move(name)),
      to_(std::move(to)),
      keys_(keys),
      session_(name_, context.world, context.broker, context.out) {}

rt::task<void> keyed_writer::run() {
  while (!context_.stopping) {
    co_await context_.pause(40);
    if (!session_.connected() && !co_await session_.connect()) {
      co_await context_.pause(backoff_ms);
      continue;
    }
    const std::uint64_t slot = context_.below(generations_.size());
    const auto key = fmt::format("{}-{}-{}", name_, slot, generations_[slot]);
    if (!co_await write(key, context_.one_in(6), context_.world.wall_ms())) give_up(slot);
  }
  session_.close();
}

rt::task<bool> keyed_writer::stir(int records, rt::duration apart) {
  for (int i = 0; i < records; ++i) {
    if (!session_.connected() && !co_await session_.connect()) co_return false;
    if (!co_await write(name_, false, context_.world.wall_ms() + stirred_ahead_ms)) co_return false;
    co_await context_.world.sleep_for(apart);
  }
  session_.close();
  co_return true;
}

rt::task<bool> keyed_writer::write(const std::string& key, bool tombstone, std::int64_t at_ms) {
  wire::batch_builder builder;
  wire::codec_context codecs;
  builder.begin({.compression = wire::compression::of(context_.one_in(3)
                                                          ? static_cast<wire::codec>(context_.below(wire::codec_count))
                                                          : wire::codec::none)});
  std::optional<std::string> value;
  if (!tombstone) value = origin::write(name_, written_++, std::string(context_.below(200), 'v'));
  if (!builder.append(at_ms, as_bytes(key), value ? std::optional(as_bytes(*value)) : std::nullopt)) {
    co_return false;
  }
  const auto batch = builder.finish(codecs);
  if (!batch) co_return false;
  protocol::produce_request request;
  request.acks = -1;
  request.timeout_ms = 30'000;
  auto& topic = request.topic_data.emplace_back();
  topic.name = to_.topic;
  auto& data = topic.partition_data.emplace_back();
  data.index = to_.partition;
  data.records = batch->view();
  keys_.sending(key, std::move(value));
  const auto got = co_await session_.call<protocol::produce_response>(request, produce_version);
  if (!got) co_return false;
  const auto& answer = got->message.responses.front().partition_responses.front();
  if (answer.error_code != errc::none) {
    if (!is_retriable(answer.error_code)) {
      context_.out.fail(fmt::format("{}: writing {} gave {}", name_, key, moldau::name(answer.error_code)));
    }
    co_return false;
  }
  keys_.acknowledged(key, answer.base_offset);
  co_return true;
}

keyed_reader::keyed_reader(client_context& context, std::string name, topic_partition from, key_ledger& keys)
    : context_(context),
      name_(std::move(name)),
      from_(std::move(from)),
      keys_(keys),
      session_(name_, context.world, context.broker, context.out) {}

rt::task<void> keyed_reader::run() {
  while (!context_.stopping) {
    co_await context_.pause(500);
    if (!session_.connected() && !co_await session_.connect()) continue;
    static_cast<void>(co_await pass(false));
  }
  session_.close();
}

rt::task<bool> keyed_reader::read_all(bool all_is_compacted) {
  const rt::time_point deadline = context_.world.now() + patience;
  while (!session_.connected() || !co_await pass(all_is_compacted)) {
    if (context_.world.now() > deadline) co_return false;
    co_await context_.pause(backoff_ms);
    static_cast<void>(co_await session_.connect());
  }
  session_.close();
  co_return true;
}

rt::task<bool> keyed_reader::pass(bool all_is_compacted) {
  key_ledger::pass reading(keys_);
  const rt::time_point deadline = context_.world.now() + keyed_pass_time_max;
  wire::codec_context codecs;
  protocol::fetch_request request;
  request.replica_id = no_broker;
  request.max_bytes = static_cast<std::int32_t>(1000 + context_.below(50'000));
  auto& topic = request.topics.emplace_back();
  topic.topic = from_.topic;
  auto& partition = topic.partitions.emplace_back();
  partition.partition = from_.partition;
  partition.fetch_offset = offset(0);
  partition.partition_max_bytes = static_cast<std::int32_t>(100 + context_.below(20'000));
  for (;;) {
    const auto got = co_await session_.call<protocol::fetch_response>(request, fetch_version);
    if (!got) co_return false;
    const auto& data = got->message.responses.front().partitions.front();
    if (is_retriable(data.error_code)) co_return false;
    if (data.error_code != errc::none) {
      context_.out.fail(fmt::format("{}: reading {} at {} gave {}", name_, from_.topic, partition.fetch_offset.value(),
                                    moldau::name(data.error_code)));
      co_return false;
    }
    const offset asked = partition.fetch_offset;
    wire::batch_iterator batches(data.records.bytes());
    for (auto batch = batches.next(); batch && *batch; batch = batches.next()) {
      auto reader = wire::record_reader::open(**batch, codecs);
      record_view record;
      while (reader) {
        const auto more = reader->next(record);
        if (!more || !(*batch)->is_crc_ok()) {
          context_.out.fail(
              fmt::format("{}: {} has an unreadable batch at {}", name_, from_.topic, (*batch)->base_offset().value()));
          co_return false;
        }
        if (!*more) break;
        if (record.offset < asked) continue;
        reading.saw(record.offset, record.key ? as_text(*record.key) : std::string_view(),
                    record.value ? std::optional(as_text(*record.value)) : std::nullopt);
      }
      // The last records of a batch, and whole batches, may have gone.
      partition.fetch_offset = std::max(partition.fetch_offset, (*batch)->next_offset());
    }
    if (partition.fetch_offset >= data.high_watermark) break;
    if (partition.fetch_offset == asked) {
      context_.out.fail(fmt::format("{}: {} gives nothing at {}, below its high watermark {}", name_, from_.topic,
                                    asked.value(), data.high_watermark.value()));
      co_return false;
    }
  }
  reading.ended(all_is_compacted, "stirrer", context_.world.now() <= deadline);
  co_return true;
}

}  // namespace moldau::scenarios
