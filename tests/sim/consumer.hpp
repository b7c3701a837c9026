#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "rt/task.hpp"
#include "tests/sim/client.hpp"
#include "tests/sim/session.hpp"
#include "wire/compression.hpp"
#include "wire/protocol/fetch_response.hpp"

namespace moldau::scenarios {

/// Reads partitions from their start on with fetch sessions, and feeds all that it is told to the ledger.
class consumer {
 public:
  consumer(client_context& context, std::string name, std::vector<topic_partition> from);

  /// Reads until the context says stop.
  rt::task<void> run();
  /// Reads everything that there is, up to each partition's high watermark, and has the ledger check it as complete.
  /// False if the broker can't be reached any more.
  rt::task<bool> read_all();
  /// Who learns of each batch's records besides the ledger; may be empty.
  std::function<void(const topic_partition&, offset, std::string_view)> on_record;

 private:
  struct position {
    topic_partition of;
    offset next{0};
    offset log_start{0};
    offset high_watermark = no_offset;
    /// Not what the session on the broker has.
    bool changed = true;
  };

  /// What was read may have gone with a power cut: reads it anew.
  void begin_anew_after_loss();
  rt::task<bool> fetch(std::int32_t max_wait_ms);
  bool take(const wire::protocol::fetch_response& answer);
  void take_partition(position& at, const wire::protocol::fetch_response::partition_data& data);
  void take_records(position& at, bytes_view bytes);
  rt::task<bool> ask_offsets();

  client_context& context_;
  std::string name_;
  std::vector<position> positions_;
  session session_;
  std::uint64_t asked_in_life_ = 0;
  std::int32_t session_id_ = 0;
  std::int32_t session_epoch_ = 0;
  wire::codec_context codecs_;
};

}  // namespace moldau::scenarios
