#include "raft/snapshot.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <span>
#include <utility>

#include "raft/batches.hpp"
#include "wire/protocol/kraft_version_record.hpp"
#include "wire/protocol/snapshot_footer_record.hpp"
#include "wire/protocol/snapshot_header_record.hpp"
#include "wire/protocol/voters_record.hpp"
#include "wire/reader.hpp"

namespace moldau::raft {

namespace {

constexpr std::string_view suffix = ".checkpoint";
constexpr std::size_t offset_digits = 20;
constexpr std::size_t epoch_digits = 10;

template <typename T>
std::optional<T> digits(std::string_view text) {
  T out = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (code != std::errc{} || end != text.data() + text.size() || out < 0) return std::nullopt;
  return out;
}

std::unexpected<error> bad(const snapshot_id& id, std::string_view what) {
  return fail(errc::malformed, fmt::format("the snapshot {} {}", snapshot_file_name(id), what));
}

/// Reads batch by batch; keeps what its control records said.
struct snapshot_parser {
  snapshot_contents out;
  bool has_header = false;
  bool has_footer = false;

  result<void> control(const record_view& record) {
    MOLDAU_TRY_ASSIGN(const auto type, wire::decode_control_key(record.key));
    if (!record.value) return bad(out.id, "holds a control record without value");
    wire::reader from(*record.value);
    switch (type) {
      case wire::control_record_type::snapshot_header: {
        MOLDAU_TRY_ASSIGN(const auto header, wire::protocol::snapshot_header_record::decode(from, 0));
        out.last_contained_log_timestamp_ms = header.last_contained_log_timestamp;
        has_header = true;
        return {};
      }
      case wire::control_record_type::snapshot_footer:
        has_footer = true;
        return {};
      case wire::control_record_type::kraft_version: {
        MOLDAU_TRY_ASSIGN(const auto value, wire::protocol::kraft_version_record::decode(from, 0));
        if (value.kraft_version < 0 || value.kraft_version > 1) {
          return fail(errc::unsupported_version, fmt::format("the snapshot {} is of kraft.version {}, unknown here",
                                                             snapshot_file_name(out.id), value.kraft_version));
        }
        out.kraft_version = value.kraft_version;
        return {};
      }
      case wire::control_record_type::kraft_voters: {
        MOLDAU_TRY_ASSIGN(const auto value, wire::protocol::voters_record::decode(from, 0));
        out.voters = voter_set::from_record(value);
        return {};
      }
      default:
        return bad(out.id, "holds a control record that doesn't belong there");
    }
  }
};

}  // namespace

std::string snapshot_file_name(snapshot_id id) {
  return fmt::format("{:020}-{:010}{}", id.end_offset.value(), id.epoch.value(), suffix);
}

std::optional<snapshot_id> parse_snapshot_file_name(std::string_view name) {
  if (name.size() != offset_digits + 1 + epoch_digits + suffix.size()) return std::nullopt;
  if (name[offset_digits] != '-' || !name.ends_with(suffix)) return std::nullopt;
  const auto end = digits<std::int64_t>(name.substr(0, offset_digits));
  const auto epoch = digits<std::int32_t>(name.substr(offset_digits + 1, epoch_digits));
  if (!end || !epoch) return std::nullopt;
  return snapshot_id{.end_offset = offset(*end), .epoch = leader_epoch(*epoch)};
}

bool is_snapshot_leftover(std::string_view name) {
  return name.ends_with(".checkpoint.part") || name.ends_with(".checkpoint.deleted");
}

snapshot_writer::snapshot_writer(const snapshot_header& header, std::int64_t now_ms)
    : epoch_(header.id.epoch), now_ms_(now_ms) {
  MOLDAU_ASSERT(header.kraft_version > 0 || !header.voters);
  std::vector<control_record> records;
  wire::protocol::snapshot_header_record first;
  first.version = 0;
  first.last_contained_log_timestamp = header.last_contained_log_timestamp_ms;
  records.push_back({wire::control_record_type::snapshot_header, encode(first, 0)});
  if (header.kraft_version > 0) {
    wire::protocol::kraft_version_record version;
    version.version = 0;
    version.kraft_version = header.kraft_version;
    records.push_back({wire::control_record_type::kraft_version, encode(version, 0)});
    if (header.voters) {
      records.push_back({wire::control_record_type::kraft_voters, encode(header.voters->to_record(), 0)});
    }
  }
  batches_.push_back(make_control_batch(records, {.base = next_, .epoch = epoch_, .now_ms = now_ms_}));
  next_ = next_ + static_cast<std::int64_t>(records.size());
}

void snapshot_writer::append(const std::vector<shared_bytes>& records) {
  std::span<const shared_bytes> rest(records);
  while (!rest.empty()) {
    const std::size_t count = batch_prefix(rest);
    batches_.push_back(make_batch(rest.first(count), {.base = next_, .epoch = epoch_, .now_ms = now_ms_}));
    next_ = next_ + static_cast<std::int64_t>(count);
    rest = rest.subspan(count);
  }
}

std::vector<shared_bytes> snapshot_writer::finish() {
  wire::protocol::snapshot_footer_record footer;
  footer.version = 0;
  const control_record record{wire::control_record_type::snapshot_footer, encode(footer, 0)};
  batches_.push_back(make_control_batch({&record, 1}, {.base = next_, .epoch = epoch_, .now_ms = now_ms_}));
  return std::move(batches_);
}

result<snapshot_contents> read_snapshot(snapshot_id id, bytes_view file,
                                        const std::function<result<void>(bytes_view)>& each) {
  snapshot_parser parser;
  parser.out.id = id;
  wire::batch_iterator batches(file);
  while (true) {
    auto batch = batches.next();
    if (!batch) return bad(id, "is damaged: " + batch.error().message);
    if (!*batch) break;
    if (!(*batch)->is_crc_ok()) return bad(id, "is damaged: a batch's checksum is wrong");
    if (parser.has_footer) return bad(id, "goes on after its footer");
    if ((*batch)->is_control()) {
      MOLDAU_TRY(for_each_record(**batch, [&](const record_view& r) { return parser.control(r); }));
    } else {
      if (!parser.has_header) return bad(id, "has no header");
      MOLDAU_TRY(for_each_record(**batch, [&](const record_view& r) -> result<void> {
        if (!r.value) return bad(id, "holds a record without value");
        ++parser.out.records;
        return each(*r.value);
      }));
    }
  }
  if (!batches.rest().empty()) return bad(id, "is cut short");
  if (!parser.has_header) return bad(id, "has no header");
  if (!parser.has_footer) return bad(id, "has no footer: it was never finished");
  return std::move(parser.out);
}

}  // namespace moldau::raft
