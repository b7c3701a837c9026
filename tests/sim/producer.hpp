#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "rt/task.hpp"
#include "tests/sim/client.hpp"
#include "tests/sim/session.hpp"
#include "wire/batch_builder.hpp"
#include "wire/protocol/produce_response.hpp"

namespace moldau::scenarios {

/// Produces to one partition with acks=all and idempotence, up to five requests in flight, and repeats what wasn't
/// acknowledged over new connections, as Kafka's producers do.
class idempotent_producer {
 public:
  idempotent_producer(client_context& context, std::string name, topic_partition to);

  /// Runs until the context says stop and everything is acknowledged.
  rt::task<void> run();

 private:
  struct pending_batch {
    std::int32_t sequence = 0;
    std::vector<std::string> values;
    std::int64_t timestamp_ms = 0;
    wire::codec codec = wire::codec::none;
    bool sent = false;
  };

  rt::task<bool> prepare();
  void fill();
  rt::task<bool> send_all();
  rt::task<bool> receive_one();
  void take(const wire::protocol::produce_response& answer, bool& repeat);
  /// As Kafka's producers do where the broker has lost what it had acknowledged.
  void begin_anew_after_loss();

  client_context& context_;
  std::string name_;
  topic_partition to_;
  session session_;
  producer_id id_ = no_producer_id;
  producer_epoch epoch_ = no_producer_epoch;
  /// Whether the broker has taken a batch of that id: it takes any number from one that it doesn't know yet, so until
  /// then nothing may be on its way behind the first batch.
  bool is_known_ = false;
  /// When the id was asked for, and when the connection was made.
  std::uint64_t id_in_life_ = 0;
  std::uint64_t connected_in_life_ = 0;
  std::deque<pending_batch> pending_;
  std::int32_t next_sequence_ = 0;
  std::int64_t next_number_ = 0;
  wire::batch_builder builder_;
  wire::codec_context codecs_;
};

/// Produces to one partition with acks=1 (or all), each record once: what a failed request held is given up.
class plain_producer {
 public:
  plain_producer(client_context& context, std::string name, topic_partition to, promise wanted = promise::written);
  rt::task<void> run();

 private:
  client_context& context_;
  std::string name_;
  topic_partition to_;
  promise wanted_;
  session session_;
  std::int64_t next_number_ = 0;
  wire::batch_builder builder_;
  wire::codec_context codecs_;
};

}  // namespace moldau::scenarios
