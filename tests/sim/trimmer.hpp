#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "rt/task.hpp"
#include "tests/sim/client.hpp"
#include "tests/sim/session.hpp"

namespace moldau::scenarios {

/// Deletes the oldest records of its partitions by DeleteRecords, now and then, up to any offset below the high
/// watermark. The only one that deletes there.
class trimmer {
 public:
  trimmer(client_context& context, std::string name, std::vector<topic_partition> of);

  rt::task<void> run();

 private:
  rt::task<bool> trim(const topic_partition& one);
  /// What ListOffsets says of that special timestamp; `no_offset` where there was no answer.
  rt::task<offset> ask(const topic_partition& one, std::int64_t timestamp);

  client_context& context_;
  std::string name_;
  std::vector<topic_partition> of_;
  session session_;
};

}  // namespace moldau::scenarios
