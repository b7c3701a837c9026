#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "moldau/core/bytes.hpp"

namespace moldau::raft {

/// A file of tests/data, made by Apache Kafka 4.3.1.
inline shared_bytes kafka_file(const std::string& name) {
  const auto path = std::filesystem::path(__FILE__).parent_path() / "data" / name;
  std::ifstream in(path, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  return shared_bytes::copy_of(as_bytes(text));
}

inline std::string joined(const std::vector<shared_bytes>& parts) {
  std::string out;
  for (const auto& part : parts) out += as_text(part);
  return out;
}

}  // namespace moldau::raft
