#include "broker/handlers.hpp"
#include "broker/partition_calls.hpp"
#include "broker/serve.hpp"
#include "wire/protocol/delete_records_request.hpp"
#include "wire/protocol/delete_records_response.hpp"

namespace moldau::broker {
namespace {

using wire::protocol::delete_records_request;
using wire::protocol::delete_records_response;

/// Stands for "up to the high watermark".
constexpr offset high_watermark_wanted{-1};

struct item {
  offset before;
  delete_records_response::delete_records_partition_result* answer = nullptr;
};

rt::task<void> delete_before(replica::partition* partition, item& what) {
  if (partition == nullptr) {
    what.answer->error_code = errc::not_leader_or_follower;
    co_return;
  }
  storage::log& log = partition->log();
  if (!log.options().cleanup_delete) {
    what.answer->error_code = errc::policy_violation;
    co_return;
  }
  const offset before = what.before == high_watermark_wanted ? partition->high_watermark() : what.before;
  if (before < offset(0) || before > partition->high_watermark()) {
    what.answer->error_code = errc::offset_out_of_range;
    co_return;
  }
  auto done = co_await log.delete_records(before);
  if (done) {
    what.answer->low_watermark = log.log_start();
  } else {
    what.answer->error_code = done.error().code;
  }
}

rt::task<delete_records_response> act(shard& at, request& what, const delete_records_request& message) {
  delete_records_response out;
  out.topics.reserve(message.topics.size());
  partition_calls<item> calls(at);
  for (const auto& topic : message.topics) {
    auto& to = out.topics.emplace_back();
    to.name = topic.name;
    to.partitions.reserve(topic.partitions.size());
    const topic_view* known = at.find_topic(topic.name);
    for (const auto& wanted : topic.partitions) {
      auto& answer = to.partitions.emplace_back();
      answer.partition_index = wanted.partition_index;
      answer.low_watermark = no_offset;
      if (known != nullptr && known->internal && what.client_id != shard::admin_client_id) {
        answer.error_code = errc::invalid_topic_exception;
      } else if (!calls.add(known, wanted.partition_index, {wanted.offset, &answer})) {
        answer.error_code = errc::unknown_topic_or_partition;
      }
    }
  }
  co_await calls.run(delete_before);
  co_return out;
}

}  // namespace

rt::task<answer> delete_records(shard& at, request& what) {
  return serve<delete_records_request>(at, what, act);
}

}  // namespace moldau::broker
