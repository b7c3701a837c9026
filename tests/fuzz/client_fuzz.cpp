// The client library against brokers whose answers are the fuzzer's: a producer and a member of a group send, read and
// commit, while some of the answers they get, of any kind, have other bytes. Whatever those are, every call ends, and
// nothing is touched that isn't the client's.
#include <algorithm>
#include <array>

#include "bytes/endian.hpp"
#include "tests/client/playground.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace {

using namespace moldau;
using client::api;
using client::fault;

constexpr std::array kinds{api::api_versions,
                           api::metadata,
                           api::init_producer_id,
                           api::produce,
                           api::fetch,
                           api::list_offsets,
                           api::find_coordinator,
                           api::join_group,
                           api::sync_group,
                           api::heartbeat,
                           api::offset_fetch,
                           api::offset_commit,
                           api::leave_group,
                           api::offset_for_leader_epoch};

/// Length and correlation id, which an answer that is to be read has to have right.
constexpr std::size_t head_size = 8;

enum class way : std::uint8_t { body, body_with_checksums, everything, some_bytes, longer };

void spoil(std::vector<std::byte>& answer, way how, const std::vector<std::byte>& with) {
  const auto body = answer.begin() + static_cast<std::ptrdiff_t>(std::min(head_size, answer.size()));
  switch (how) {
    case way::body:
    case way::body_with_checksums:
      answer.erase(body, answer.end());
      answer.insert(answer.end(), with.begin(), with.end());
      break;
    case way::everything:
      answer = with;
      return;
    case way::some_bytes:
      for (std::size_t i = 0; i + 1 < with.size(); i += 2) {
        const auto at = head_size + std::to_integer<std::size_t>(with[i]);
        if (at < answer.size()) answer[at] = with[i + 1];
      }
      break;
    case way::longer:
      answer.insert(answer.end(), with.begin(), with.end());
      break;
  }
  if (how == way::body_with_checksums) {
    // A batch may lie anywhere in it: where its magic would be right.
    for (std::size_t at = head_size; at + wire::batch_layout::header_size <= answer.size(); ++at) {
      if (answer[at + wire::batch_layout::magic] == std::byte{2})
        fuzz::mend_checksums(mutable_bytes(answer).subspan(at));
    }
  }
  bytes::store_be(answer.data(), static_cast<std::int32_t>(answer.size() - 4));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::input in(data, size);
  client::playground world;
  (void)world.cluster().create_topic({.name = "t"});
  while (!in.empty()) {
    const api of = kinds[in.u8() % kinds.size()];
    const std::uint8_t how = in.u8();
    world.cluster().inject({.what = fault::kind::change,
                            .of = of,
                            .skip = how % 4U,
                            .times = how / 4U % 4U + 1U,
                            .change = [way = static_cast<way>(how / 16U % 5U), with = in.part()](auto& answer) {
                              spoil(answer, way, with);
                            }});
  }
  const auto got = world.run(client::run_round(world, "t", "g"));
  MOLDAU_ASSERT(got.sent.size() == 3);
  return 0;
}
