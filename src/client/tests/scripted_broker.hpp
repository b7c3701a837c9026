#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "peer/frame_reader.hpp"
#include "rt/event.hpp"
#include "rt/spawn.hpp"
#include "rt/task.hpp"
#include "testing/sim/simulator.hpp"
#include "wire/protocol/api_keys.hpp"
#include "wire/protocol/api_versions_response.hpp"
#include "wire/protocol/init_producer_id_response.hpp"
#include "wire/protocol/metadata_request.hpp"
#include "wire/protocol/metadata_response.hpp"
#include "wire/protocol/produce_request.hpp"
#include "wire/protocol/produce_response.hpp"
#include "wire/protocol/request_header.hpp"
#include "wire/record_batch.hpp"
#include "wire/record_reader.hpp"

namespace moldau::client {

/// One broker in the simulator that knows what a producer asks. It keeps what it takes as Kafka's does (a batch twice
/// is there once, a gap is refused), unless the test's script says otherwise for a batch.
class scripted_broker {
 public:
  struct seen_batch {
    std::int32_t partition = 0;
    producer_id id;
    producer_epoch epoch;
    std::int32_t sequence = 0;
    std::vector<std::string> values;
    wire::codec codec = wire::codec::none;
    std::size_t bytes = 0;
    /// Counts the requests.
    int request = 0;
  };
  enum class then : std::uint8_t { answer, cut, silence };
  struct verdict {
    /// Instead of what it would say itself.
    errc code = errc::none;
    /// Whether it is appended all the same.
    bool appends = true;
    then after = then::answer;
  };

  explicit scripted_broker(testing::sim::host& on) : on_(on) {
    on.start([this](testing::sim::host& h) { return serve(h); });
  }

  std::function<verdict(const seen_batch&)> script = [](const seen_batch&) { return verdict{}; };
  std::map<std::string, std::int32_t> topics{{"t", 2}};
  rt::duration produce_takes{};
  std::int16_t acks = 0;
  std::vector<seen_batch> seen;
  /// By partition.
  std::map<std::int32_t, std::vector<std::string>> log;
  std::size_t in_flight_most = 0;
  int identities = 0;
  int requests = 0;

 private:
  struct known_producer {
    producer_epoch epoch = no_producer_epoch;
    std::int32_t next = 0;
    std::map<std::int32_t, std::int64_t> offsets;
  };

  rt::task<void> serve(testing::sim::host& h) {
    auto listening = h.core().net().listen({"", 9092}).value();
    while (true) {
      auto taken = co_await listening->accept();
      if (!taken) co_return;
      rt::spawn(talk(std::shared_ptr<rt::connection>(std::move(*taken))));
    }
  }

  rt::task<void> talk(std::shared_ptr<rt::connection> with) {
    peer::frame_reader frames(1U << 30U);
    while (true) {
      const auto got = co_await with->read_some(frames.space());
      if (!got || *got == 0) co_return;
      frames.filled(*got);
      std::vector<shared_bytes> asked;
      while (true) {
        auto frame = frames.next();
        if (!frame || !*frame) break;
        asked.push_back(**frame);
      }
      in_flight_most = std::max(in_flight_most, asked.size());
      for (const shared_bytes& one : asked) {
        if (!co_await answer(*with, one)) {
          with->close();
          co_return;
        }
      }
    }
  }

  template <typename Response>
  rt::task<bool> send(rt::connection& to, std::int32_t id, std::int16_t version, const Response& what) {
    const bool tags = Response::api_key != 18 && version >= Response::first_flexible_version;
    const std::size_t size = 4 + (tags ? 1 : 0) + what.encoded_size(version);
    shared_bytes out = shared_bytes::allocate(4 + size);
    wire::writer into(out.writable());
    into.i32(static_cast<std::int32_t>(size));
    into.i32(id);
    if (tags) into.varint(0);
    what.encode(into, version);
    std::vector<rt::chunk> chunks;
    chunks.emplace_back(out);
    co_return (co_await to.write(std::move(chunks))).has_value();
  }

  rt::task<bool> answer(rt::connection& to, const shared_bytes& frame) {
    using namespace wire::protocol;
    wire::reader in(frame);
    const auto key = bytes::load_be<std::int16_t>(frame.data());
    const auto version = bytes::load_be<std::int16_t>(frame.data() + 2);
    const auto head = request_header::decode(in, request_header_version(static_cast<api_key>(key), version));
    if (!head) co_return false;
    const std::int32_t id = head->correlation_id;
    if (key == api_versions_response::api_key) {
      api_versions_response out;
      for (const auto& [k, most] : {std::pair{0, 9}, {3, 9}, {18, 3}, {22, 4}}) {
        out.api_keys.push_back({.api_key = static_cast<std::int16_t>(k),
                                .min_version = static_cast<std::int16_t>(k == 0 ? 3 : 0),
                                .max_version = static_cast<std::int16_t>(most)});
      }
      co_return co_await send(to, id, version, out);
    }
    if (key == metadata_response::api_key) {
      const auto asked = metadata_request::decode(in, version);
      co_return asked&& co_await send(to, id, version, metadata_for(*asked));
    }
    if (key == init_producer_id_response::api_key) {
      co_return co_await send(to, id, version,
                              init_producer_id_response{.producer_id = producer_id(100 + identities++),
                                                        .producer_epoch = producer_epoch(0)});
    }
    if (key != produce_request::api_key) co_return false;
    if (produce_takes > rt::duration{}) co_await on_.core().sleep_for(produce_takes);
    const auto asked = produce_request::decode(in, version);
    if (!asked) co_return false;
    ++requests;
    acks = asked->acks;
    produce_response out;
    then after = then::answer;
    for (const auto& topic : asked->topic_data) {
      auto& told = out.responses.emplace_back();
      told.name = topic.name;
      for (const auto& data : topic.partition_data) {
        auto& one = told.partition_responses.emplace_back();
        one.index = data.index;
        after = std::max(after, take(data, one));
      }
    }
    if (after == then::cut) co_return false;
    if (after == then::silence || asked->acks == 0) co_return true;
    co_return co_await send(to, id, version, out);
  }

  wire::protocol::metadata_response metadata_for(const wire::protocol::metadata_request& asked) {
    wire::protocol::metadata_response out;
    out.brokers.push_back({.node_id = broker_id(1), .host = "broker", .port = 9092});
    out.controller_id = broker_id(1);
    if (!asked.topics) return out;
    for (const auto& topic : *asked.topics) {
      const auto known = topics.find(std::string(topic.name.value_or("")));
      auto& told = out.topics.emplace_back();
      names_.insert(std::string(topic.name.value_or("")));
      told.name = *names_.find(std::string(topic.name.value_or("")));
      if (known == topics.end()) {
        told.error_code = errc::unknown_topic_or_partition;
        continue;
      }
      for (std::int32_t p = 0; p < known->second; ++p) {
        told.partitions.push_back({.partition_index = partition_id(p), .leader_id = broker_id(1)});
      }
    }
    return out;
  }

  then take(const wire::protocol::produce_request::partition_produce_data& data,
            wire::protocol::produce_response::partition_produce_response& told) {
    const wire::batch_view batch(data.records.bytes());
    seen_batch one{.partition = data.index.value(),
                   .id = batch.producer_id(),
                   .epoch = batch.producer_epoch(),
                   .sequence = batch.base_sequence(),
                   .values = {},
                   .codec = batch.compression(),
                   .bytes = batch.size_bytes(),
                   .request = requests};
    wire::codec_context codecs;
    auto records = wire::record_reader::open(batch, codecs);
    record_view record;
    while (batch.is_crc_ok() && records && records->next(record).value_or(false)) {
      one.values.emplace_back(as_text(record.value.value_or(bytes_view())));
    }
    seen.push_back(one);
    const verdict said = script(one);
    const errc own = said.appends ? append(one, told) : errc::none;
    told.error_code = said.code != errc::none ? said.code : own;
    return said.after;
  }

  errc append(const seen_batch& batch, wire::protocol::produce_response::partition_produce_response& told) {
    std::vector<std::string>& to = log[batch.partition];
    told.base_offset = offset(static_cast<std::int64_t>(to.size()));
    if (batch.id != no_producer_id) {
      known_producer& who = producers_[{batch.partition, batch.id}];
      if (batch.epoch < who.epoch) return errc::invalid_producer_epoch;
      if (batch.epoch > who.epoch) who = {.epoch = batch.epoch, .next = 0, .offsets = {}};
      if (const auto before = who.offsets.find(batch.sequence); before != who.offsets.end()) {
        told.base_offset = offset(before->second);
        return errc::none;
      }
      if (batch.sequence != who.next) return errc::out_of_order_sequence_number;
      who.next += static_cast<std::int32_t>(batch.values.size());
      who.offsets[batch.sequence] = told.base_offset.value();
    }
    to.insert(to.end(), batch.values.begin(), batch.values.end());
    return errc::none;
  }

  testing::sim::host& on_;
  std::set<std::string> names_;
  std::map<std::pair<std::int32_t, producer_id>, known_producer> producers_;
};

}  // namespace moldau::client
