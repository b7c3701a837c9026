// The small files of a log directory and of a partition's folder, and the names that mean something: what parses can be
// written and then reads the same. The input's first byte says which file the rest is.

#include <string>

#include "bytes/crc32c.hpp"
#include "fuzz.hpp"
#include "storage/checkpoint_file.hpp"
#include "storage/epoch_cache.hpp"
#include "storage/file_names.hpp"
#include "storage/meta_properties.hpp"
#include "storage/producer_state.hpp"

namespace {

using namespace moldau;           // NOLINT: this is all about it
using namespace moldau::storage;  // NOLINT

enum kind : std::uint8_t {
  offsets,
  leader_epochs,
  partition_metadata,
  clean_shutdown,
  properties,
  producers,
  file_names,
  kinds,
};

void check_offsets(std::string_view text) {
  const auto first = parse_offset_checkpoint(text);
  if (!first) return;
  for (const auto& [partition, at] : *first) MOLDAU_ASSERT(partition.partition >= partition_id(0));
  const auto again = parse_offset_checkpoint(encode_offset_checkpoint(*first));
  MOLDAU_ASSERT(again && *again == *first);
}

void check_epochs(std::string_view text) {
  const auto first = epoch_cache::parse(text);
  if (!first) return;
  const auto& entries = first->entries();
  const offset log_end = entries.empty() ? offset(0) : entries.back().start_offset;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const epoch_entry& one = entries[i];
    MOLDAU_ASSERT(one.epoch >= leader_epoch(0) && one.start_offset >= offset(0));
    MOLDAU_ASSERT(first->epoch_for(one.start_offset) == one.epoch && first->start_of(one.epoch) == one.start_offset);
    const epoch_end end = first->end_offset_for(one.epoch, log_end);
    MOLDAU_ASSERT(end.epoch == one.epoch);
    MOLDAU_ASSERT(end.end_offset == (i + 1 < entries.size() ? entries[i + 1].start_offset : log_end));
    if (i == 0) continue;
    MOLDAU_ASSERT(one.epoch > entries[i - 1].epoch && one.start_offset > entries[i - 1].start_offset);
    epoch_cache cut = *first;
    MOLDAU_ASSERT(cut.truncate_from_end(one.start_offset) && cut.entries().size() == i);
    cut = *first;
    cut.truncate_from_start(one.start_offset);
    MOLDAU_ASSERT(cut.entries().size() == entries.size() - i && cut.entries().front() == one);
  }
  const auto again = epoch_cache::parse(first->encode());
  MOLDAU_ASSERT(again && again->entries() == entries);
}

void check_partition_metadata(std::string_view text) {
  const auto first = parse_partition_metadata(text);
  if (!first) return;
  MOLDAU_ASSERT(!first->is_zero());
  const auto again = parse_partition_metadata(encode_partition_metadata(*first));
  MOLDAU_ASSERT(again && *again == *first);
}

void check_clean_shutdown(std::string_view text) {
  const std::int64_t epoch = parse_clean_shutdown(text);
  MOLDAU_ASSERT(parse_clean_shutdown(encode_clean_shutdown(epoch)) == epoch);
}

void check_properties(std::string_view text) {
  const auto first = meta_properties::parse(text);
  if (!first) return;
  MOLDAU_ASSERT(first->version == 0 || first->version == 1);
  const std::string written = first->encode();
  const auto again = meta_properties::parse(written);
  MOLDAU_ASSERT(again && again->encode() == written);
  MOLDAU_ASSERT(again->version == first->version && again->cluster_id == first->cluster_id);
  MOLDAU_ASSERT(again->directory_id == first->directory_id);
  MOLDAU_ASSERT(first->version == 0 || again->node_id == first->node_id);
  MOLDAU_ASSERT(again->others.size() == first->others.size());
  MOLDAU_ASSERT(std::ranges::is_permutation(again->others, first->others));
}

void check_producers(std::vector<std::byte> bytes) {
  constexpr std::int64_t now_ms = 1'700'000'000'000;
  constexpr std::int64_t day_ms = 86'400'000;
  constexpr std::size_t checksum_at = 2;
  constexpr std::size_t checked_from = 6;
  producer_state state;
  // As it is, and then with the checksum that a fuzzer doesn't find.
  static_cast<void>(state.load_snapshot(bytes, offset(10), now_ms, day_ms));
  if (bytes.size() >= checked_from) {
    bytes::store_be(bytes.data() + checksum_at, bytes::crc32c(bytes_view(bytes).subspan(checked_from)));
  }
  if (!state.load_snapshot(bytes, offset(10), now_ms, day_ms)) return;
  MOLDAU_ASSERT(state.map_end() == offset(10));
  for (const producer_description& one : state.describe()) {
    MOLDAU_ASSERT(state.find(one.producer_id) != nullptr);
    const bool open = one.current_txn_start_offset >= offset(0);
    MOLDAU_ASSERT(!open || state.first_unstable_offset() <= one.current_txn_start_offset);
  }
  const auto written = state.encode_snapshot();
  producer_state again;
  MOLDAU_ASSERT(again.load_snapshot(written, offset(10), now_ms, day_ms));
  MOLDAU_ASSERT(again.encode_snapshot() == written && again.size() == state.size());
  MOLDAU_ASSERT(again.first_unstable_offset() == state.first_unstable_offset());
}

void check_file_names(std::string_view text) {
  for (const std::string_view suffix : {names::log, names::offset_index, names::snapshot, std::string_view()}) {
    if (const auto base = parse_segment_file_name(text, suffix))
      MOLDAU_ASSERT(segment_file_name(*base, suffix) == text);
  }
  const auto partition = parse_partition_directory_name(text);
  if (!partition) return;
  const auto name = partition_directory_name(partition->topic, partition->partition);
  MOLDAU_ASSERT(parse_partition_directory_name(name) == partition);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::input in(data, size);
  const std::uint8_t what = in.u8();
  auto bytes = in.rest();
  const std::string_view text = as_text(bytes);
  switch (what % kinds) {
    case offsets:
      check_offsets(text);
      break;
    case leader_epochs:
      check_epochs(text);
      break;
    case partition_metadata:
      check_partition_metadata(text);
      break;
    case clean_shutdown:
      check_clean_shutdown(text);
      break;
    case properties:
      check_properties(text);
      break;
    case producers:
      check_producers(std::move(bytes));
      break;
    case file_names:
      check_file_names(text);
      break;
    default:
      break;
  }
  return 0;
}
