#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "moldau/core/errc.hpp"
#include "moldau/core/ids.hpp"
#include "moldau/core/topic_partition.hpp"

namespace moldau::testing::fake {

/// What a fetch wants of one partition, and what it was last told of it.
struct wanted_partition {
  /// As the client named it: by name or by id.
  std::string topic;
  topic_id id;
  partition_id index;
  moldau::offset offset;
  moldau::leader_epoch leader_epoch = no_leader_epoch;
  std::int32_t bytes_max = 0;
  moldau::offset told_high_watermark = no_offset;
  moldau::offset told_start = no_offset;
};

/// KIP-227: what each client's session asks for, so that it need not say it again.
class fetch_sessions {
 public:
  struct session {
    std::int32_t epoch = 0;
    std::vector<wanted_partition> partitions;
  };
  struct opened {
    errc code = errc::none;
    std::int32_t id = 0;
    /// Whether only what is new goes into the answer.
    bool incremental = false;
    std::vector<wanted_partition> partitions;
  };

  /// `session_epoch` as the request has it: -1 for no session, 0 for a new one.
  [[nodiscard]] opened open(std::int32_t id, std::int32_t session_epoch, std::vector<wanted_partition> named,
                            const std::vector<wanted_partition>& forgotten);
  void told(std::int32_t id, const wanted_partition& what, offset high_watermark, offset start);

 private:
  std::map<std::int32_t, session> sessions_;
  std::int32_t next_id_ = 1;
};

}  // namespace moldau::testing::fake
