#include "tests/sim/topic_churn.hpp"

#include <fmt/format.h>

#include "tests/sim/consumer.hpp"
#include "wire/batch_builder.hpp"
#include "wire/protocol/create_topics_request.hpp"
#include "wire/protocol/create_topics_response.hpp"
#include "wire/protocol/delete_topics_request.hpp"
#include "wire/protocol/delete_topics_response.hpp"
#include "wire/protocol/fetch_request.hpp"
#include "wire/protocol/fetch_response.hpp"
#include "wire/protocol/metadata_request.hpp"
#include "wire/protocol/metadata_response.hpp"
#include "wire/protocol/produce_request.hpp"
#include "wire/protocol/produce_response.hpp"
#include "wire/record_batch.hpp"

namespace moldau::scenarios {
namespace {

namespace protocol = wire::protocol;

protocol::create_topics_request creation_of(std::string_view name, std::int32_t partitions) {
  protocol::create_topics_request out;
  out.timeout_ms = 30'000;
  auto& topic = out.topics.emplace_back();
  topic.name = name;
  topic.num_partitions = partitions;
  topic.replication_factor = 1;
  return out;
}

}  // namespace

rt::task<void> create_until_there(client_context& context, std::string name, std::int32_t partitions,
                                  std::string properties) {
  auto request = creation_of(name, partitions);
  for (std::string_view left = properties; !left.empty();) {
    const auto space = left.find(' ');
    const std::string_view one = left.substr(0, space);
    left = space == std::string_view::npos ? std::string_view() : left.substr(space + 1);
    const auto equals = one.find('=');
    request.topics.front().configs.push_back({.name = one.substr(0, equals), .value = one.substr(equals + 1)});
  }
  session session("creator", context.world, context.broker, context.out);
  for (;;) {
    if (session.connected() || co_await session.connect()) {
      const auto got = co_await session.call<protocol::create_topics_response>(request, 7);
      if (got) {
        const auto& topic = got->message.topics.front();
        if (topic.error_code == errc::none) context.topics.created(name, topic.topic_id);
        if (topic.error_code == errc::none || topic.error_code == errc::topic_already_exists) co_return;
        context.out.fail(fmt::format("topic {} can't be made: {}: {}", name, moldau::name(topic.error_code),
                                     topic.error_message.value_or("")));
        co_return;
      }
    }
    co_await context.pause(backoff_ms);
  }
}

topic_churn::topic_churn(client_context& context, std::string prefix)
    : context_(context), prefix_(std::move(prefix)), session_(prefix_, context.world, context.broker, context.out) {}

std::string topic_churn::name_of(std::uint64_t slot) const {
  return fmt::format("{}-{}-{}", prefix_, slot, generations_[slot]);
}

std::string topic_churn::some_name() const {
  return name_of(context_.below(generations_.size()));
}

void topic_churn::give_up(const std::string& name) {
  for (std::uint64_t slot = 0; slot < generations_.size(); ++slot) {
    if (name_of(slot) == name) {
      ++generations_[slot];
      return;
    }
  }
}

rt::task<void> topic_churn::run() {
  while (!context_.stopping) {
    co_await context_.pause(300);
    if (!session_.connected() && !co_await session_.connect()) continue;
    const std::string name = some_name();
    if (!context_.topics.is_there(name)) {
      co_await look(name);
    } else if (!*context_.topics.is_there(name)) {
      co_await create(name);
    } else if (context_.one_in(3)) {
      co_await remove(name);
    } else {
      co_await use(name);
    }
  }
  session_.close();
}

rt::task<bool> topic_churn::check_all() {
  const rt::time_point deadline = context_.world.now() + patience;
  for (std::uint64_t slot = 0; slot < generations_.size(); ++slot) {
    const std::string name = name_of(slot);
    while (!session_.connected() || !co_await look(name)) {
      if (context_.world.now() > deadline) co_return false;
      co_await context_.pause(backoff_ms);
      static_cast<void>(co_await session_.connect());
    }
  }
  session_.close();
  co_return true;
}

rt::task<bool> topic_churn::look(const std::string& name) {
  protocol::metadata_request request;
  request.allow_auto_topic_creation = false;
  request.topics.emplace().emplace_back().name = name;
  const auto got = co_await session_.call<protocol::metadata_response>(request, 12);
  if (!got) co_return false;
  const auto& topic = got->message.topics.front();
  if (topic.error_code == errc::none) {
    context_.topics.told(name, topic.topic_id);
  } else if (topic.error_code == errc::unknown_topic_or_partition) {
    context_.topics.told(name, std::nullopt);
  } else {
    context_.out.fail(fmt::format("Metadata of {} gave {}", name, moldau::name(topic.error_code)));
  }
  co_return true;
}

rt::task<bool> topic_churn::create(const std::string& name) {
  context_.topics.changing(name);
  const auto got = co_await session_.call<protocol::create_topics_response>(
      creation_of(name, static_cast<std::int32_t>(1 + context_.below(3))), 7);
  if (!got) {
    give_up(name);
    co_return false;
  }
  const auto& topic = got->message.topics.front();
  if (topic.error_code == errc::none) {
    context_.world.log().debug("{} was created", name);
    context_.topics.created(name, topic.topic_id);
  } else if (topic.error_code == errc::invalid_replication_factor) {
    // After a long standstill the controller has fenced its broker; Kafka answers so too.
    context_.topics.deleted(name);
  } else {
    context_.out.fail(fmt::format("creating {}, which isn't there, gave {}: {}", name, moldau::name(topic.error_code),
                                  topic.error_message.value_or("")));
  }
  co_return true;
}

rt::task<bool> topic_churn::remove(const std::string& name) {
  context_.topics.changing(name);
  protocol::delete_topics_request request;
  request.timeout_ms = 30'000;
  request.topics.emplace_back().name = name;
  const auto got = co_await session_.call<protocol::delete_topics_response>(request, 6);
  if (!got) {
    give_up(name);
    co_return false;
  }
  const errc code = got->message.responses.front().error_code;
  if (code == errc::none) {
    context_.topics.deleted(name);
  } else {
    context_.out.fail(fmt::format("deleting {}, which is there, gave {}", name, moldau::name(code)));
  }
  co_return true;
}

rt::task<bool> topic_churn::use(const std::string& name) {
  if (context_.records.may_be_gone(known_in_life_)) context_.topics.records_lost();
  known_in_life_ = context_.records.life();
  wire::batch_builder builder;
  wire::codec_context codecs;
  builder.begin({});
  const std::string value = origin::write(prefix_, written_++, name);
  if (!builder.append(context_.world.wall_ms(), std::nullopt, as_bytes(value))) co_return false;
  const auto batch = builder.finish(codecs);
  if (!batch) co_return false;
  protocol::produce_request produce;
  produce.acks = -1;
  produce.timeout_ms = 30'000;
  auto& data = produce.topic_data.emplace_back();
  data.name = name;
  data.partition_data.emplace_back().records = batch->view();
  const auto written = co_await session_.call<protocol::produce_response>(produce, 9);
  if (!written) {
    give_up(name);
    co_return false;
  }
  const auto& answer = written->message.responses.front().partition_responses.front();
  if (context_.records.may_be_gone(known_in_life_)) co_return true;
  if (answer.error_code != errc::none) {
    if (answer.error_code != errc::kafka_storage_error && answer.error_code != errc::not_leader_or_follower) {
      context_.out.fail(fmt::format("writing to {}, which is there, gave {}", name, moldau::name(answer.error_code)));
    }
    context_.topics.write_failed(name);
    co_return true;
  }
  context_.world.log().debug("{}: offset {} was written", name, answer.base_offset.value());
  context_.topics.written(name, answer.base_offset);
  protocol::fetch_request fetch;
  fetch.replica_id = no_broker;
  fetch.max_bytes = 1 << 20;
  auto& topic = fetch.topics.emplace_back();
  topic.topic = name;
  auto& partition = topic.partitions.emplace_back();
  partition.fetch_offset = answer.base_offset;
  partition.partition_max_bytes = 1 << 20;
  const auto read = co_await session_.call<protocol::fetch_response>(fetch, 12);
  if (!read) co_return false;
  const auto& got = read->message.responses.front().partitions.front();
  const auto first = wire::first_batch(got.records.bytes());
  if (got.error_code == errc::kafka_storage_error || got.error_code == errc::not_leader_or_follower) co_return true;
  if (got.error_code != errc::none || !first || first->base_offset() != answer.base_offset ||
      first->size_bytes() != batch->size() || first->crc() != wire::batch_view(*batch).crc()) {
    context_.out.fail(fmt::format("{} doesn't give back what was written at offset {}: {}", name,
                                  answer.base_offset.value(), moldau::name(got.error_code)));
  }
  co_return true;
}

}  // namespace moldau::scenarios
