#include "metadata/loader.hpp"

#include <fmt/format.h>

#include <utility>

#include "metadata/records.hpp"
#include "raft/batches.hpp"
#include "wire/metadata/abort_transaction_record.hpp"
#include "wire/metadata/begin_transaction_record.hpp"
#include "wire/metadata/end_transaction_record.hpp"

namespace moldau::metadata {

namespace {

template <typename Record>
bool is(record_head head) {
  return head.type == static_cast<std::uint32_t>(Record::type_id);
}

}  // namespace

loader::loader() : current_(std::make_shared<const image>()) {}

result<raft::snapshot_contents> loader::load_snapshot(raft::snapshot_id id, bytes_view file) {
  image fresh;
  image_changes changes;
  MOLDAU_TRY_ASSIGN(raft::snapshot_contents contents, raft::read_snapshot(id, file, [&](bytes_view record) {
                      return apply_record(fresh, record, &changes);
                    }));
  // What the old image had and the snapshot hasn't is a change too.
  current_->topics.for_each([&](const topic_id& topic, const auto& t) {
    if (fresh.find_topic(topic) == nullptr) changes.topics_deleted.insert_or_assign(topic, t->name);
    changes.topics_created.erase(topic);
  });
  current_->configs.for_each([&](const config_resource& r, const auto&) { changes.configs.insert(r); });
  for (const auto& [broker, registration] : *current_->brokers) changes.brokers.insert(broker);
  changes.features = changes.client_quotas = changes.scram = changes.acls = changes.delegation_tokens = true;
  fresh.provenance = {.last_offset = id.end_offset - 1,
                      .last_epoch = id.epoch,
                      .last_timestamp_ms = contents.last_contained_log_timestamp_ms};
  next_ = std::move(fresh);
  changes_ = std::move(changes);
  dirty_ = true;
  in_transaction_ = false;
  transaction_.clear();
  next_offset_ = id.end_offset;
  bytes_since_snapshot_ = 0;
  return contents;
}

result<void> loader::load_batch(bytes_view bytes) {
  MOLDAU_TRY_ASSIGN(const wire::batch_view batch, wire::first_batch(bytes));
  if (!batch.is_crc_ok()) {
    return fail(errc::malformed, fmt::format("the metadata log is damaged: the batch at offset {} has a wrong checksum",
                                             batch.base_offset().value()));
  }
  if (batch.last_offset() < next_offset_) return {};  // the snapshot has it already
  if (!batch.is_control()) {
    MOLDAU_TRY(raft::for_each_record(batch, [this](const record_view& record) -> result<void> {
      // A snapshot may end inside a batch.
      if (record.offset < next_offset_) return {};
      if (!record.value) return fail(errc::malformed, "the metadata log holds a record without value");
      auto done = load_record(*record.value);
      if (!done) done.error().message += fmt::format(" (offset {} of the metadata log)", record.offset.value());
      return done;
    }));
  }
  next_offset_ = batch.next_offset();
  bytes_since_snapshot_ += bytes.size();
  // A snapshot can only be taken where no transaction is open, and an image says what it holds.
  if (!in_transaction_) {
    next_.provenance = {.last_offset = batch.last_offset(),
                        .last_epoch = batch.leader_epoch(),
                        .last_timestamp_ms = batch.max_timestamp_ms()};
    dirty_ = true;
  }
  return {};
}

result<void> loader::load_record(bytes_view record) {
  bytes_view rest = record;
  MOLDAU_TRY_ASSIGN(const record_head head, take_record_head(rest));
  if (is<wire::metadata::begin_transaction_record>(head)) {
    if (in_transaction_) return fail(errc::malformed, "a metadata transaction begins inside another");
    in_transaction_ = true;
    return {};
  }
  if (is<wire::metadata::end_transaction_record>(head)) return commit_transaction();
  if (is<wire::metadata::abort_transaction_record>(head)) {
    if (!in_transaction_) return fail(errc::malformed, "a metadata transaction is aborted that never began");
    in_transaction_ = false;
    transaction_.clear();
    return {};
  }
  if (in_transaction_) {
    transaction_.push_back(shared_bytes::copy_of(record));
    return {};
  }
  return apply_record(next_, record, &changes_);
}

result<void> loader::commit_transaction() {
  if (!in_transaction_) return fail(errc::malformed, "a metadata transaction ends that never began");
  in_transaction_ = false;
  for (const shared_bytes& record : std::exchange(transaction_, {})) {
    MOLDAU_TRY(apply_record(next_, record, &changes_));
  }
  return {};
}

std::optional<image_update> loader::publish() {
  if (!dirty_) return std::nullopt;
  dirty_ = false;
  next_.seal();
  current_ = std::make_shared<const image>(next_);
  return image_update{.image = current_, .changes = std::exchange(changes_, {})};
}

}  // namespace moldau::metadata
