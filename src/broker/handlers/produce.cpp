#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <vector>

#include "broker/handlers.hpp"
#include "broker/serve.hpp"
#include "broker/shard.hpp"
#include "rt/spawn.hpp"
#include "wire/protocol/produce_request.hpp"
#include "wire/protocol/produce_response.hpp"
#include "wire/record_validation.hpp"

namespace moldau::broker {
namespace {

using wire::protocol::produce_request;
using wire::protocol::produce_response;

constexpr std::int16_t acks_all = -1;
/// Versions from here on name topics by id.
constexpr std::int16_t first_version_with_topic_ids = 13;
constexpr std::int16_t first_version_with_zstd = 7;

/// A batch stays in memory as long as readers near the end may ask for it, and the whole request with it: one that is
/// a smaller part of its request than this is copied out.
constexpr std::size_t whole_request_share = 16;

/// One partition's batch on its way through.
struct entry {
  produce_response::partition_produce_response* answer = nullptr;
  topic_id_partition id;
  unsigned core = 0;
  std::int32_t min_in_sync = 1;
  shared_bytes batch;
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;
  error failure{errc::none, {}};
};

/// A batch whose records can be checked only once they are decompressed.
struct packed_entry {
  entry* of = nullptr;
  std::string topic;
  wire::produce_rules rules;
  bytes_view records;
  wire::compression stored;
};

class produce_call {
 public:
  produce_call(shard& at, request& what, const produce_request& message) : shard_(at), what_(what), message_(message) {}

  rt::task<produce_response> run() {
    prepare();
    for (packed_entry& one : packed_) co_await unpack(one);
    for (const auto& [e, how] : rebuilds_) co_await rebuild(*e, how);
    append_on_every_core();
    what_.settle_order();
    co_await running_.drained();
    for (entry& e : entries_) {
      e.answer->error_code = e.failure.code;
      if (e.failure.code == errc::none) shard_.metrics().produced(e.id.topic, e.records, e.bytes);
      if (!e.failure.message.empty()) e.answer->error_message = what_.arena.store(e.failure.message);
    }
    co_return std::move(response_);
  }

 private:
  void prepare();
  void prepare_partition(const topic_view* topic, const produce_request::partition_produce_data& data,
                         produce_response::partition_produce_response& answer);
  void refuse(produce_response::partition_produce_response& answer, errc code, std::string message = {}) {
    answer.error_code = code;
    answer.base_offset = no_offset;
    if (!message.empty()) answer.error_message = what_.arena.store(message);
  }
  rt::task<void> unpack(packed_entry& one);
  void judge(entry& e, std::expected<wire::validated_batch, wire::produce_error> valid,
             const wire::compression& stored);
  rt::task<void> rebuild(entry& e, wire::compression how);
  void append_on_every_core();
  rt::task<void> append_on(unsigned core, std::vector<entry*> entries);

  shard& shard_;
  request& what_;
  const produce_request& message_;
  produce_response response_;
  std::vector<entry> entries_;
  std::vector<packed_entry> packed_;
  std::vector<std::pair<entry*, wire::compression>> rebuilds_;
  rt::gate running_;
};

void produce_call::prepare() {
  const bool by_id = what_.api_version >= first_version_with_topic_ids;
  std::size_t partitions = 0;
  for (const auto& topic : message_.topic_data) partitions += topic.partition_data.size();
  entries_.reserve(partitions);
  response_.responses.reserve(message_.topic_data.size());
  for (const auto& topic : message_.topic_data) {
    auto& out = response_.responses.emplace_back();
    out.name = topic.name;
    out.topic_id = topic.topic_id;
    out.partition_responses.reserve(topic.partition_data.size());
    const topic_view* found = by_id ? shard_.find_topic(topic.topic_id) : shard_.find_topic(topic.name);
    for (const auto& data : topic.partition_data) {
      auto& answer = out.partition_responses.emplace_back();
      answer.index = data.index;
      if (message_.transactional_id) {
        refuse(answer, errc::unsupported_version,
               "This broker has no transactions yet; produce without a transactional.id.");
      } else if (message_.acks != 0 && message_.acks != 1 && message_.acks != acks_all) {
        refuse(answer, errc::invalid_required_acks);
      } else if (found == nullptr && by_id) {
        refuse(answer, errc::unknown_topic_id);
      } else {
        prepare_partition(found, data, answer);
      }
    }
  }
}

void produce_call::prepare_partition(const topic_view* topic, const produce_request::partition_produce_data& data,
                                     produce_response::partition_produce_response& answer) {
  if (topic == nullptr || !topic->has_partition(data.index)) {
    return refuse(answer, errc::unknown_topic_or_partition);
  }
  if (topic->internal && what_.client_id != shard::admin_client_id) {
    return refuse(answer, errc::invalid_topic_exception,
                  fmt::format("Cannot append to internal topic {}", topic->name));
  }
  if (data.records.is_null()) return refuse(answer, errc::invalid_record, "The request holds no records.");
  const config::topic_config& rules = topic->config;
  wire::produce_rules wanted{.topic = topic->name,
                             .partition = data.index,
                             .is_zstd_known = what_.api_version >= first_version_with_zstd,
                             .is_compacted = rules.cleanup_compact,
                             .timestamp_type = rules.message_timestamp_type,
                             .now_ms = shard_.world().wall_ms(),
                             .timestamp_before_max_ms = rules.message_timestamp_before_max_ms,
                             .timestamp_after_max_ms = rules.message_timestamp_after_max_ms,
                             .batch_bytes_max = static_cast<std::size_t>(rules.max_message_bytes),
                             .stored_codec = topic->stored_codec()};
  entry& e = entries_.emplace_back();
  e.answer = &answer;
  e.id = {topic->id, data.index};
  e.core = shard_.core_of(e.id);
  e.min_in_sync = rules.min_insync_replicas;
  e.batch = what_.frame.slice(data.records.bytes());
  if (what_.frame.size() / whole_request_share > e.batch.size()) e.batch = shared_bytes::copy_of(e.batch);
  if (wire::must_decompress(data.records.bytes(), wanted)) {
    // What is larger than any request couldn't have come unpacked.
    const auto most = static_cast<std::size_t>(shard_.config().int32("socket.request.max.bytes"));
    wanted.limits = {.batch_bytes_max = most, .record_bytes_max = most};
    packed_.push_back({&e, std::string(topic->name), wanted, data.records.bytes(), topic->stored_compression()});
    return;
  }
  judge(e, wire::validate_produce(data.records.bytes(), wanted, shard_.codecs()), topic->stored_compression());
}

rt::task<void> produce_call::unpack(packed_entry& one) {
  one.rules.topic = one.topic;
  auto valid = co_await shard_.world().offload([&] {
    wire::codec_context context;
    return wire::validate_produce(one.records, one.rules, context);
  });
  judge(*one.of, std::move(valid), one.stored);
}

void produce_call::judge(entry& e, std::expected<wire::validated_batch, wire::produce_error> valid,
                         const wire::compression& stored) {
  if (!valid) {
    for (const auto& of_record : valid.error().record_errors) {
      e.answer->record_errors.push_back(
          {.batch_index = of_record.batch_index, .batch_index_error_message = what_.arena.store(of_record.message)});
    }
    e.failure = {valid.error().code, std::move(valid.error().message)};
  } else if (valid->batch.is_transactional()) {
    e.failure = {errc::unsupported_version, "This broker has no transactions yet."};
  }
  if (e.failure.code != errc::none) {
    e.answer->base_offset = no_offset;
    return;
  }
  e.records = static_cast<std::uint64_t>(std::max(valid->batch.header().record_count, 0));
  e.bytes = e.batch.size();
  if (valid->needs_rebuild) rebuilds_.emplace_back(&e, stored);
}

rt::task<void> produce_call::rebuild(entry& e, wire::compression how) {
  auto rebuilt = co_await shard_.world().offload([&] {
    wire::codec_context context;
    return wire::rebuild(wire::batch_view(e.batch), how, context);
  });
  if (rebuilt) {
    e.batch = *std::move(rebuilt);
  } else {
    e.failure = std::move(rebuilt).error();
  }
}

void produce_call::append_on_every_core() {
  std::vector<std::vector<entry*>> of_core(shard_.world().core_count());
  for (entry& e : entries_) {
    if (e.failure.code == errc::none) of_core[e.core].push_back(&e);
  }
  for (unsigned core = 0; core < of_core.size(); ++core) {
    if (of_core[core].empty()) continue;
    running_.spawn(append_on(core, std::move(of_core[core])));
  }
}

rt::task<void> produce_call::append_on(unsigned core, std::vector<entry*> entries) {
  co_await shard_.world().call_on(core, [&]() -> rt::task<void> {
    shard& there = shard_.on_core(core);
    struct appended {
      entry* of;
      replica::partition::use partition;
      offset end;
    };
    std::vector<appended> waiting;
    waiting.reserve(entries.size());
    for (entry* e : entries) {
      replica::partition* partition = there.find_partition(e->id);
      if (partition == nullptr) {
        e->failure = {errc::not_leader_or_follower, {}};
        continue;
      }
      auto info = partition->append(std::move(e->batch), message_.acks == acks_all, e->min_in_sync);
      if (!info) {
        e->failure = std::move(info).error();
        continue;
      }
      e->answer->base_offset = info->first_offset;
      e->answer->log_append_time_ms = info->log_append_time_ms;
      e->answer->log_start_offset = partition->log().log_start();
      waiting.push_back({e, replica::partition::use(*partition), info->last_offset + 1});
    }
    if (message_.acks == 0) co_return;
    for (appended& a : waiting) {
      auto done = message_.acks == acks_all ? co_await a.partition->await_committed(a.end)
                                            : co_await a.partition->await_written(a.end);
      if (!done) {
        a.of->failure = std::move(done).error();
        a.of->answer->base_offset = no_offset;
      }
    }
  });
}

}  // namespace

rt::task<answer> produce(shard& at, request& what) {
  const auto message = decode_request<produce_request>(at, what);
  if (!message) co_return answer::close_connection();
  produce_call call(at, what, *message);
  produce_response out = co_await call.run();
  bool failed = false;
  for (const auto& topic : out.responses) {
    for (const auto& partition : topic.partition_responses) {
      if (partition.error_code == errc::none) continue;
      at.metrics().produce_failed();
      failed = true;
    }
  }
  // Nobody hears an error of acks=0, so the connection tells it, as Kafka's does.
  if (message->acks == 0) co_return failed ? answer::close_connection() : answer::nothing();
  co_return answer_with(at, what, encode_response(what, out));
}

}  // namespace moldau::broker
