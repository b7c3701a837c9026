#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "metadata/image.hpp"
#include "moldau/core/ids.hpp"
#include "moldau/core/result.hpp"

namespace moldau::metadata {

/// Spreads replicas over brokers as Kafka's StripedReplicaPlacer does: leaders go round robin over racks and over the
/// brokers of a rack; each partition's other replicas come from the racks after its leader's; unfenced brokers first.
class replica_placer {
 public:
  /// Considers the brokers of `from` but those whose directories are all cordoned.
  replica_placer(const image& from, std::function<std::uint64_t()> random);

  /// The replicas of the next partition. Errors: `invalid_replication_factor` with Kafka's sentence.
  [[nodiscard]] result<std::vector<broker_id>> place(std::int32_t replication_factor);

 private:
  struct broker_list {
    std::vector<broker_id> brokers;
    std::size_t index = 0;
    std::size_t offset = 0;
    std::size_t epoch = 0;

    [[nodiscard]] broker_id next(std::size_t current_epoch);
  };
  struct rack {
    broker_list unfenced;
    broker_list fenced;

    [[nodiscard]] broker_id next(std::size_t epoch);
  };

  void shuffle();
  template <typename T>
  void shuffle(std::vector<T>& list);
  [[nodiscard]] std::size_t below(std::size_t bound);

  std::function<std::uint64_t()> random_;
  /// In the order of the racks' names, brokers without rack first, until they are shuffled.
  std::vector<rack> racks_;
  std::size_t brokers_ = 0;
  std::size_t unfenced_ = 0;
  std::size_t epoch_ = 0;
  std::size_t offset_ = 0;
};

}  // namespace moldau::metadata
