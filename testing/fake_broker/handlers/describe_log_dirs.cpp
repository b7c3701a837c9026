#include <algorithm>
#include <map>
#include <string>

#include "testing/fake_broker/apis.hpp"
#include "wire/protocol/describe_log_dirs_request.hpp"
#include "wire/protocol/describe_log_dirs_response.hpp"

namespace moldau::testing::fake {
namespace {

using wire::protocol::describe_log_dirs_request;
using wire::protocol::describe_log_dirs_response;

/// A broker's one directory, and how large it is.
constexpr std::string_view directory = "/fake";
constexpr std::int64_t directory_bytes = std::int64_t{1} << 40U;

bool is_wanted(const describe_log_dirs_request& asked, std::string_view name, partition_id index) {
  if (!asked.topics) return true;
  return std::ranges::any_of(*asked.topics, [&](const auto& one) {
    return one.topic == name && std::ranges::find(one.partitions, index) != one.partitions.end();
  });
}

/// Puts in what the broker has of a topic; the bytes of it.
std::int64_t add(const topic& of, const describe_log_dirs_request& asked, broker_id on,
                 describe_log_dirs_response::describe_log_dirs_result& to) {
  std::int64_t sum = 0;
  describe_log_dirs_response::describe_log_dirs_topic there{.name = of.name};
  for (std::size_t i = 0; i < of.partitions.size(); ++i) {
    const partition& one = of.partitions[i];
    if (std::ranges::find(one.replicas, on) == one.replicas.end()) continue;
    sum += one.log.size_bytes();
    const partition_id index(static_cast<std::int32_t>(i));
    if (!is_wanted(asked, of.name, index)) continue;
    there.partitions.push_back({.partition_index = index, .partition_size = one.log.size_bytes()});
  }
  if (!there.partitions.empty()) to.topics.push_back(std::move(there));
  return sum;
}

}  // namespace

outcome handle_describe_log_dirs(call& what) {
  return serve<describe_log_dirs_request, describe_log_dirs_response>(
      what, [&](const describe_log_dirs_request& asked, describe_log_dirs_response& out) {
        out.error_code = what.judge([] { return errc::none; });
        if (out.error_code != errc::none) return done;
        auto& to = out.results.emplace_back();
        to.log_dir = directory;
        std::int64_t used = 0;
        for (const auto& [name, of] : what.in.topics) used += add(of, asked, what.on.id, to);
        to.total_bytes = directory_bytes;
        to.usable_bytes = what.on.disk_full ? 0 : directory_bytes - used;
        return done;
      });
}

}  // namespace moldau::testing::fake
