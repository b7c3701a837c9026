#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "moldau/client/admin.hpp"
#include "moldau/client/consumer.hpp"
#include "moldau/client/producer.hpp"

namespace moldau::interop {

/// The records that README.md describes.
inline constexpr int record_count = 200;
[[nodiscard]] std::optional<std::string> key_of(int i);
[[nodiscard]] std::optional<std::string> value_of(int i);
[[nodiscard]] std::vector<std::pair<std::string, std::optional<std::string>>> headers_of(int i);
[[nodiscard]] std::int64_t timestamp_of(int i);
/// Throws where `got` isn't record `i` at offset `i`.
void verify(const record_view& got, int i);

// Clients of the broker under test; the properties are Kafka's names.
[[nodiscard]] client::admin make_admin();
[[nodiscard]] client::producer make_producer(const client::properties& more = {},
                                             std::function<void(const client::delivery_report&)> on_delivery = {});
[[nodiscard]] client::consumer make_consumer(const client::properties& more = {});
void create(const std::string& topic, std::int32_t partitions, std::map<std::string, std::string> configs = {},
            std::int16_t replicas = -1);

/// A record that outlives its batch.
struct kept_record {
  std::int32_t partition = 0;
  std::int64_t offset = 0;
  std::string value;
};
/// All records of one partition, from its start to its present end, each given to `each`.
void read_all(const std::string& topic, std::int32_t partition, const std::function<void(const record_view&)>& each,
              const client::properties& more = {});
[[nodiscard]] std::vector<std::string> values_of(const std::string& topic, std::int32_t partition,
                                                 const client::properties& more = {});

/// Numbered values, each produced once.
class sequence {
 public:
  void produce(const std::string& topic, std::int32_t partitions, int count);

 private:
  int next_ = 0;
};

// The parts of the suite.
void check_producing();
void check_consuming();
void check_groups();
void check_administration();

/// Members of groups that commands on standard input let join and leave; see client_mixed.py.
int run_members();
/// Sends records with keys made from `seed`, so that others can see where they went; see client_mixed.py.
int send_keys(const std::string& topic, int count);
/// Sends and reads without end while brokers go and come; see client_leaders.py.
int send_steadily(const std::string& topic, std::int32_t partitions);

}  // namespace moldau::interop
