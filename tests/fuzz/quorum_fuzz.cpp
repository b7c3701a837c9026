// What the quorum and formatting leave in the metadata directory: quorum-state, snapshots and bootstrap.checkpoint, and
// the control records of the log. What parses can be written and then reads the same. The input's first byte says what
// the rest is.

#include <string>
#include <vector>

#include "fuzz.hpp"
#include "metadata/format.hpp"
#include "raft/control_state.hpp"
#include "raft/quorum_state.hpp"
#include "raft/snapshot.hpp"
#include "raft/voters.hpp"
#include "wire/protocol/voters_record.hpp"

namespace {

using namespace moldau;        // NOLINT: this is all about it
using namespace moldau::raft;  // NOLINT

enum kind : std::uint8_t {
  state_file,
  snapshot_file,
  bootstrap_file,
  control_batch,
  file_name,
  voters_property,
  kinds
};

void check_state(std::string_view text) {
  const auto first = parse_quorum_state(text);
  if (!first) {
    MOLDAU_ASSERT(first.error().code == errc::malformed);
    return;
  }
  MOLDAU_ASSERT(first->epoch >= leader_epoch(0));
  // Version 0 has no directories, version 1 no voters.
  quorum_state expected = *first;
  expected.voted_directory = {};
  MOLDAU_ASSERT(parse_quorum_state(print_quorum_state(*first, 0)) == expected);
  expected = *first;
  expected.voters.clear();
  MOLDAU_ASSERT(parse_quorum_state(print_quorum_state(*first, 1)) == expected);
}

struct parsed_snapshot {
  snapshot_contents contents;
  std::vector<shared_bytes> records;
};

result<parsed_snapshot> parse(snapshot_id id, bytes_view file) {
  parsed_snapshot out;
  MOLDAU_TRY_ASSIGN(out.contents, read_snapshot(id, file, [&](bytes_view record) -> result<void> {
                      out.records.push_back(shared_bytes::copy_of(record));
                      return {};
                    }));
  return out;
}

bool same(const std::vector<shared_bytes>& a, const std::vector<shared_bytes>& b) {
  return std::ranges::equal(
      a, b, [](const shared_bytes& x, const shared_bytes& y) { return std::ranges::equal(x.view(), y.view()); });
}

void check_snapshot(std::vector<std::byte> file) {
  const snapshot_id id{.end_offset = offset(12), .epoch = leader_epoch(3)};
  // As it is, and then with the checksums that a fuzzer doesn't find.
  static_cast<void>(parse(id, file));
  fuzz::mend_checksums(file);
  const auto first = parse(id, file);
  if (!first) return;
  MOLDAU_ASSERT(first->contents.id == id && first->contents.records == first->records.size());
  snapshot_header header{.id = id,
                         .last_contained_log_timestamp_ms = first->contents.last_contained_log_timestamp_ms,
                         .kraft_version = first->contents.kraft_version};
  if (header.kraft_version > 0) header.voters = first->contents.voters;
  snapshot_writer writer(header, 1'700'000'000'000);
  writer.append(first->records);
  std::vector<std::byte> written;
  for (const shared_bytes& piece : writer.finish())
    written.insert(written.end(), piece.view().begin(), piece.view().end());
  const auto again = parse(id, written);
  MOLDAU_ASSERT(again && same(again->records, first->records));
  MOLDAU_ASSERT(again->contents.kraft_version == header.kraft_version && again->contents.voters == header.voters);
  MOLDAU_ASSERT(again->contents.last_contained_log_timestamp_ms == header.last_contained_log_timestamp_ms);
  // A snapshot that lacks its end is none.
  for (const std::size_t cut : {std::size_t{1}, written.size() / 2}) {
    MOLDAU_ASSERT(!parse(id, bytes_view(written).first(written.size() - cut)));
  }
  control_state control;
  control.observe(first->contents);
  MOLDAU_ASSERT(control.voters == first->contents.voters);
}

void check_bootstrap(std::vector<std::byte> file) {
  fuzz::mend_checksums(file);
  const auto records = metadata::read_bootstrap(file);
  if (!records) return;
  MOLDAU_ASSERT(same(*records, parse({}, file)->records));
}

void check_control(std::vector<std::byte> batches) {
  fuzz::mend_checksums(batches);
  control_state control;
  wire::batch_iterator each(batches);
  for (auto batch = each.next(); batch && *batch; batch = each.next()) {
    const control_state before = control;
    const auto observed = control.observe_batch((*batch)->bytes());
    if (!(*batch)->is_control()) MOLDAU_ASSERT(control.voters == before.voters);
    MOLDAU_ASSERT(control.kraft_version == 0 || control.kraft_version == 1);
    if (!observed || !control.voters) continue;
    // The first leader of a formatted log writes the voters into it.
    MOLDAU_ASSERT(voter_set::from_record(control.voters->to_record()) == *control.voters);
  }
}

void check_name(std::string_view text) {
  const auto id = parse_snapshot_file_name(text);
  if (!id) return;
  MOLDAU_ASSERT(snapshot_file_name(*id) == text && !is_snapshot_leftover(text));
}

void check_voters(std::string_view text) {
  const auto voters = voter_set::parse(text, "CONTROLLER");
  if (!voters) {
    MOLDAU_ASSERT(voters.error().code == errc::invalid_argument && !voters.error().message.empty());
    return;
  }
  for (const voter& one : *voters) {
    MOLDAU_ASSERT(voters->find(one.key.id) == &one && voters->contains(one.key));
    MOLDAU_ASSERT(one.endpoints.size() == 1 && !one.endpoints.front().host.empty());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::input in(data, size);
  const std::uint8_t what = in.u8();
  auto bytes = in.rest();
  switch (what % kinds) {
    case state_file:
      check_state(as_text(bytes));
      break;
    case snapshot_file:
      check_snapshot(std::move(bytes));
      break;
    case bootstrap_file:
      check_bootstrap(std::move(bytes));
      break;
    case control_batch:
      check_control(std::move(bytes));
      break;
    case file_name:
      check_name(as_text(bytes));
      break;
    case voters_property:
      check_voters(as_text(bytes));
      break;
    default:
      break;
  }
  return 0;
}
