#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "metadata/loader.hpp"
#include "moldau/core/bytes.hpp"
#include "raft/control_state.hpp"
#include "wire/record_batch.hpp"

namespace moldau::metadata {

/// A file of tests/data/cluster: the metadata directory of a broker of Apache Kafka 4.3.1 that was given topics,
/// configs, quotas, ACLs, SCRAM users and a producer, then stopped. Its last snapshot and its log overlap.
inline shared_bytes kafka_file(const std::string& name) {
  const auto path = std::filesystem::path(__FILE__).parent_path() / "data" / "cluster" / name;
  std::ifstream in(path, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  EXPECT_FALSE(text.empty()) << name;
  return shared_bytes::copy_of(as_bytes(text));
}

inline std::string joined(const std::vector<shared_bytes>& parts) {
  std::string out;
  for (const auto& part : parts) out += as_text(part);
  return out;
}

/// Calls `each` with every batch of a log file.
template <typename F>
void for_each_batch(const shared_bytes& log, F&& each) {
  wire::batch_iterator batches(log);
  while (true) {
    const auto batch = batches.next();
    ASSERT_TRUE(batch) << batch.error().message;
    if (!*batch) break;
    each((*batch)->bytes());
  }
  ASSERT_TRUE(batches.rest().empty());
}

/// The image of Kafka's log up to (not with) `end`.
inline std::shared_ptr<const image> kafka_log_image(offset end, raft::control_state* control = nullptr) {
  loader l;
  for_each_batch(kafka_file("00000000000000000000.log"), [&](bytes_view batch) {
    if (wire::batch_view(batch).base_offset() >= end) return;
    const auto loaded = l.load_batch(batch);
    ASSERT_TRUE(loaded) << loaded.error().message;
    if (control != nullptr) ASSERT_TRUE(control->observe_batch(batch));
  });
  EXPECT_EQ(l.next_offset(), end);
  static_cast<void>(l.publish());
  return l.current();
}

}  // namespace moldau::metadata
