#pragma once

#include <map>
#include <string>
#include <vector>

#include "bytes/endian.hpp"
#include "peer/frame_reader.hpp"
#include "rt/spawn.hpp"
#include "testing/sim/simulator.hpp"
#include "wire/protocol/api_versions_request.hpp"
#include "wire/protocol/api_versions_response.hpp"
#include "wire/protocol/metadata_request.hpp"
#include "wire/protocol/metadata_response.hpp"
#include "wire/writer.hpp"

namespace moldau::client {

/// A host that answers ApiVersions and Metadata at port 9092, as it is told to.
class metadata_peer {
 public:
  /// What it does with a question for metadata.
  enum class mood : unsigned char { answer, stay_silent, hang_up };

  explicit metadata_peer(testing::sim::host& on) : on_(on) { start(); }

  [[nodiscard]] testing::sim::host& host() { return on_; }
  void restart() {
    on_.restart();
    start();
  }

  /// The cluster as this one sees it: ids and the hosts they are on.
  std::map<int, std::string> nodes;
  std::string cluster_id = "one";
  errc code = errc::none;
  mood then = mood::answer;
  int connections = 0;
  int questions = 0;

 private:
  void start() { on_.spawn(serve()); }

  rt::task<void> serve() {
    auto listener = on_.core().net().listen({"", 9092}).value();
    while (true) {
      auto stream = co_await listener->accept();
      if (!stream) co_return;
      ++connections;
      rt::spawn(talk(*std::move(stream)));
    }
  }

  rt::task<void> talk(std::unique_ptr<rt::connection> stream) {
    peer::frame_reader frames(1 << 20);
    while (true) {
      const auto got = co_await stream->read_some(frames.space());
      if (!got || *got == 0) co_return;
      frames.filled(*got);
      while (auto next = frames.next().value()) {
        if (!co_await answer(*stream, *next)) co_return;
      }
    }
  }

  rt::task<bool> answer(rt::connection& to, shared_bytes request) {
    namespace p = wire::protocol;
    const auto key = bytes::load_be<std::int16_t>(request.data());
    const auto version = bytes::load_be<std::int16_t>(request.data() + 2);
    const auto correlation = bytes::load_be<std::int32_t>(request.data() + 4);
    if (key == p::api_versions_request::api_key) {
      p::api_versions_response out;
      out.api_keys = {{.api_key = 18, .min_version = 0, .max_version = 4},
                      {.api_key = 3, .min_version = 4, .max_version = 13}};
      co_return (co_await to.write(frame(correlation, false, out, version))).has_value();
    }
    ++questions;
    if (then == mood::hang_up) co_return false;
    if (then == mood::stay_silent) co_return true;
    p::metadata_response out{.cluster_id = cluster_id, .error_code = code};
    for (const auto& [id, name] : nodes) {
      out.brokers.push_back({.node_id = broker_id(id), .host = name, .port = 9092});
    }
    co_return (co_await to.write(frame(correlation, version >= 9, out, version))).has_value();
  }

  template <typename Message>
  static std::vector<rt::chunk> frame(std::int32_t correlation, bool tags, const Message& message,
                                      std::int16_t version) {
    const std::size_t size = 4 + (tags ? 1 : 0) + message.encoded_size(version);
    shared_bytes block = shared_bytes::allocate(4 + size);
    wire::writer out(block.writable());
    out.i32(static_cast<std::int32_t>(size));
    out.i32(correlation);
    if (tags) out.varint(0);
    message.encode(out, version);
    std::vector<rt::chunk> chunks;
    chunks.emplace_back(block);
    return chunks;
  }

  testing::sim::host& on_;
};

}  // namespace moldau::client
