#include "raft/control_state.hpp"

#include <fmt/format.h>

#include "raft/batches.hpp"
#include "wire/protocol/kraft_version_record.hpp"
#include "wire/protocol/voters_record.hpp"
#include "wire/reader.hpp"

namespace moldau::raft {

void control_state::observe(const snapshot_contents& snapshot) {
  kraft_version = snapshot.kraft_version;
  voters = snapshot.voters;
  voters_offset = no_offset;
  if (voters && snapshot.id.end_offset > offset{0}) voters_offset = snapshot.id.end_offset - 1;
}

result<void> control_state::observe_batch(bytes_view bytes) {
  MOLDAU_TRY_ASSIGN(const wire::batch_view batch, wire::first_batch(bytes));
  if (!batch.is_control()) return {};
  return for_each_record(batch, [this](const record_view& record) -> result<void> {
    MOLDAU_TRY_ASSIGN(const auto type, wire::decode_control_key(record.key));
    if (type != wire::control_record_type::kraft_version && type != wire::control_record_type::kraft_voters) return {};
    if (!record.value) return fail(errc::malformed, "a control record of the metadata log has no value");
    wire::reader from(*record.value);
    if (type == wire::control_record_type::kraft_version) {
      MOLDAU_TRY_ASSIGN(const auto value, wire::protocol::kraft_version_record::decode(from, 0));
      if (value.kraft_version < 0 || value.kraft_version > 1) {
        return fail(errc::unsupported_version,
                    fmt::format("the metadata log is of kraft.version {}, and only 0 and 1 are known here",
                                value.kraft_version));
      }
      kraft_version = value.kraft_version;
    } else {
      MOLDAU_TRY_ASSIGN(const auto value, wire::protocol::voters_record::decode(from, 0));
      voters = voter_set::from_record(value);
      voters_offset = record.offset;
    }
    return {};
  });
}

}  // namespace moldau::raft
