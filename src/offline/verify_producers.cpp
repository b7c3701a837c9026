#include "offline/verify_producers.hpp"

#include <fmt/format.h>

#include <limits>
#include <utility>

#include "bytes/endian.hpp"
#include "storage/file_names.hpp"
#include "storage/producer_state.hpp"
#include "storage/txn_index.hpp"
#include "wire/record_control.hpp"
#include "wire/record_reader.hpp"

namespace moldau::offline {

namespace {

/// What a control batch says; nothing of one that compaction has emptied, or that ends no transaction.
std::optional<wire::control_record_type> end_of_transaction(const wire::batch_view& batch) {
  auto reader = wire::record_reader::over(batch.header(), batch.payload());
  record_view record;
  const auto any = reader.next(record);
  if (!any || !*any) return std::nullopt;
  const auto type = wire::decode_control_key(record.key);
  if (!type || (*type != wire::control_record_type::abort && *type != wire::control_record_type::commit)) {
    return std::nullopt;
  }
  return *type;
}

}  // namespace

void producer_check::take(const wire::batch_view& batch) {
  check_snapshots_below(batch.next_offset());
  if (!batch.has_producer_id()) return;
  known_producer& known = producers_[batch.producer_id()];
  if (!batch.is_control()) {
    known.last_offset = batch.last_offset();
    if (batch.is_transactional() && batch.header().record_count > 0 && known.open_since == no_offset) {
      known.open_since = batch.base_offset();
    }
    return;
  }
  const auto end = end_of_transaction(batch);
  if (!end) return;
  known.last_marker = batch.base_offset();
  const offset first = std::exchange(known.open_since, no_offset);
  if (*end == wire::control_record_type::abort) {
    aborts_[batch.base_offset()] = {.producer = batch.producer_id(), .first = first};
  }
}

void producer_check::end_segment(offset base, offset end) {
  const std::string path = rt::join_path(directory_, storage::segment_file_name(base, storage::names::txn_index));
  shared_bytes content;
  if (files_.exists(path)) {
    auto read = files_.read_file(path);
    if (!read) {
      into_.findings.push_back({path, read.error().message, remedy::recover});
      aborts_.clear();
      return;
    }
    content = *std::move(read);
  }
  if (std::string wrong = contradiction_in_index(content, base, end); !wrong.empty()) {
    into_.findings.push_back({path, std::move(wrong), remedy::recover});
  }
  aborts_.clear();
}

std::string producer_check::contradiction_in_index(bytes_view content, offset base, offset end) const {
  std::map<offset, moldau::producer_id> listed;
  const auto entries = storage::parse_txn_index(content);
  for (std::size_t n = 0; n < entries.size(); ++n) {
    const storage::aborted_entry& e = entries[n];
    const auto wrong = [&](const std::string& what) { return fmt::format("entry {}: {}", n, what); };
    if (e.last_offset < base || e.last_offset >= end) {
      return wrong(fmt::format("offset {} isn't in the segment", e.last_offset.value()));
    }
    if (e.first_offset > e.last_offset || e.last_stable_offset > e.last_offset + 1) {
      return wrong(fmt::format("a transaction from {} to {} with the stable offset {}", e.first_offset.value(),
                               e.last_offset.value(), e.last_stable_offset.value()));
    }
    listed[e.last_offset] = e.producer_id;
    if (lost_) continue;
    const auto marker = aborts_.find(e.last_offset);
    if (marker == aborts_.end() || marker->second.producer != e.producer_id) {
      return wrong(fmt::format("the log has no abort of producer {} at offset {}", e.producer_id.value(),
                               e.last_offset.value()));
    }
    if (marker->second.first != no_offset && marker->second.first < e.first_offset) {
      return wrong(fmt::format("the transaction begins at offset {}, and not at {}", marker->second.first.value(),
                               e.first_offset.value()));
    }
  }
  if (entries.size() * storage::aborted_entry::size != content.size()) {
    return fmt::format("entry {} is cut short, out of order or of an unknown version", entries.size());
  }
  for (const auto& [at, marker] : aborts_) {
    // What was there before the log was lost sight of is still known.
    if (marker.first == no_offset || listed.contains(at)) continue;
    return fmt::format("the transaction of producer {} that was aborted at offset {} is missing",
                       marker.producer.value(), at.value());
  }
  return {};
}

void producer_check::check_snapshots_below(offset next) {
  // A snapshot holds what lies below its offset, and batches aren't cut by it.
  while (next_snapshot_ < snapshots_.size() && snapshots_[next_snapshot_] < next) {
    check_snapshot(snapshots_[next_snapshot_++]);
  }
}

void producer_check::end_log(offset end) {
  check_snapshots_below(end + 1);
  for (; next_snapshot_ < snapshots_.size(); ++next_snapshot_) {
    const offset at = snapshots_[next_snapshot_];
    into_.findings.push_back({rt::join_path(directory_, storage::segment_file_name(at, storage::names::snapshot)),
                              fmt::format("it is of offset {}, and the log ends at {}", at.value(), end.value()),
                              remedy::start});
  }
}

void producer_check::check_snapshot(offset at) {
  const std::string path = rt::join_path(directory_, storage::segment_file_name(at, storage::names::snapshot));
  const auto content = files_.read_file(path);
  if (!content) {
    into_.findings.push_back({path, content.error().message, remedy::start});
    return;
  }
  storage::producer_state state;
  // Nobody is left out for having been silent.
  if (const auto loaded = state.load_snapshot(*content, at, 0, std::numeric_limits<std::int64_t>::max()); !loaded) {
    into_.findings.push_back({path, loaded.error().message, remedy::start});
    return;
  }
  if (std::string wrong = contradiction(state, at); !wrong.empty()) {
    into_.findings.push_back({path, std::move(wrong), remedy::remove});
  }
}

std::string producer_check::contradiction(const storage::producer_state& state, offset at) const {
  for (const auto& told : state.describe()) {
    const offset last = state.find(told.producer_id)->last_offset();
    const offset open_since = told.current_txn_start_offset;
    const auto wrong = [&](std::string what) {
      return fmt::format("producer {}: {}", told.producer_id.value(), std::move(what));
    };
    if (last >= at || open_since >= at) {
      return wrong(fmt::format("offset {} isn't below the snapshot's", std::max(last, open_since).value()));
    }
    const auto found = producers_.find(told.producer_id);
    if (found == producers_.end() || lost_) continue;
    const known_producer& known = found->second;
    // One whose epoch a marker has raised has no batch any more.
    if (last != no_offset && last < known.last_offset) {
      return wrong(
          fmt::format("its last batch ends at offset {}, in the log at {}", last.value(), known.last_offset.value()));
    }
    if (open_since == no_offset && known.open_since != no_offset) {
      return wrong(fmt::format("its transaction since offset {} is missing", known.open_since.value()));
    }
    if (open_since != no_offset && open_since < known.last_marker) {
      return wrong(fmt::format("its transaction since offset {} has ended at {}", open_since.value(),
                               known.last_marker.value()));
    }
  }
  return {};
}

}  // namespace moldau::offline
