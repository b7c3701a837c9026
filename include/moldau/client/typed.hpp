#pragma once

#include <concepts>
#include <expected>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "moldau/client/consumer.hpp"
#include "moldau/client/producer.hpp"
#include "moldau/core/serde.hpp"

namespace moldau::client {

/// Why a record couldn't be read, and which: `topic`, partition and offset are there to skip it, or to show it.
struct record_error : error {
  topic_partition partition;
  moldau::offset offset = no_offset;
  /// Whether it was the key; otherwise the value.
  bool is_key = false;
};

/// A record with its key and value as what they mean.
template <typename K, typename V>
struct typed_record {
  K key;
  V value;
  /// Offset, timestamp, headers; valid as long as the batch.
  const record_view* raw = nullptr;
};

/// Reads a record of a batch.
///
///     for (const record_view& raw : batch) {
///       auto order = read<std::string, order_placed>(batch, raw);
///       if (!order) log(order.error().message);   // "the value of orders-3 at offset 17: …"
///     }
template <typename K, typename V, serde_for<K> KeySerde = serde<K>, serde_for<V> ValueSerde = serde<V>>
[[nodiscard]] std::expected<typed_record<K, V>, record_error> read(const record_batch& batch, const record_view& record,
                                                                   const KeySerde& keys = {},
                                                                   const ValueSerde& values = {}) {
  const auto wrong = [&](error why, bool is_key) {
    record_error out;
    out.code = why.code;
    out.message = std::string(is_key ? "the key" : "the value") + " of " + batch.topic() + "-" +
                  std::to_string(batch.partition().value()) + " at offset " + std::to_string(record.offset.value()) +
                  ": " + why.message;
    out.partition = {batch.topic(), batch.partition()};
    out.offset = record.offset;
    out.is_key = is_key;
    return std::unexpected(std::move(out));
  };
  auto key = deserialize<K>(record.key, keys);
  if (!key) return wrong(std::move(key).error(), true);
  auto value = deserialize<V>(record.value, values);
  if (!value) return wrong(std::move(value).error(), false);
  return typed_record<K, V>{*std::move(key), *std::move(value), &record};
}

/// Sends values of given types to one topic, by a producer that must outlive it. Any number of threads may use one, as
/// the producer.
///
///     typed_producer<std::string, order_placed> orders(producer, "orders");
///     auto done = orders.send("alice", {.amount = 3}).get();
template <typename K, typename V, serde_for<K> KeySerde = serde<K>, serde_for<V> ValueSerde = serde<V>>
class typed_producer {
 public:
  typed_producer(producer& by, std::string topic, KeySerde keys = {}, ValueSerde values = {})
      : by_(&by), topic_(std::move(topic)), keys_(std::move(keys)), values_(std::move(values)) {}

  /// `with` may give partition, headers and timestamp; its topic, key and value aren't looked at.
  /// Errors: as `producer::send`, and those of the serdes, whose sentence names the topic.
  async<delivery> send(const K& key, const V& value, outgoing_record with = {}) {
    std::vector<std::byte> key_bytes;
    std::vector<std::byte> value_bytes;
    const auto written_key = serialize(key, key_bytes, keys_);
    const auto written_value = serialize(value, value_bytes, values_);
    if (!written_key) return refused("key", written_key.error());
    if (!written_value) return refused("value", written_value.error());
    with.topic = topic_;
    with.key = *written_key;
    with.value = *written_value;
    return by_->send(with);
  }

 private:
  async<delivery> refused(const char* what, const error& why) const {
    const promise<delivery> done;
    done.set(fail(why.code, std::string("the ") + what + " for topic " + topic_ + ": " + why.message));
    return done.get_async();
  }

  producer* by_;
  std::string topic_;
  KeySerde keys_;
  ValueSerde values_;
};

}  // namespace moldau::client
