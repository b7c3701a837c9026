// The metadata log: any records, alone or in batches as they lie in the log, replayed into images. An image that was
// published never changes, what it says fits together, and as records and as a snapshot it comes back the same.

#include <cmath>
#include <memory>
#include <utility>
#include <vector>

#include "fuzz.hpp"
#include "metadata/changes.hpp"
#include "metadata/format.hpp"
#include "metadata/loader.hpp"
#include "metadata/records.hpp"
#include "metadata/snapshots.hpp"
#include "raft/batches.hpp"
#include "wire/metadata/abort_transaction_record.hpp"
#include "wire/metadata/feature_level_record.hpp"

namespace {

using namespace moldau;            // NOLINT: this is all about it
using namespace moldau::metadata;  // NOLINT

using record_list = std::vector<shared_bytes>;

bool same(const record_list& a, const record_list& b) {
  return std::ranges::equal(
      a, b, [](const shared_bytes& x, const shared_bytes& y) { return std::ranges::equal(x.view(), y.view()); });
}

/// Numbers that don't equal themselves make images that don't.
bool has_nan(const image& of) {
  for (const auto& [entity, values] : *of.client_quotas) {
    for (const auto& [key, value] : values) {
      if (std::isnan(value)) return true;
    }
  }
  return false;
}

void check_parts(const image& of) {
  MOLDAU_ASSERT(of.topics.size() == of.topic_ids.size());
  of.topics.for_each([&](const topic_id& id, const auto& one) {
    MOLDAU_ASSERT(one->id == id && of.find_topic(one->name) == one.get());
    partition_id last(-1);
    for (const auto& p : one->partitions) {
      MOLDAU_ASSERT(p->id > last && one->find(p->id) == p.get());
      MOLDAU_ASSERT(p->directories.size() == p->replicas.size());
      last = p->id;
    }
  });
  of.configs.for_each([](const config_resource&, const auto& values) { MOLDAU_ASSERT(!values->empty()); });
  for (const auto& [entity, values] : *of.client_quotas) MOLDAU_ASSERT(!values.empty());
  for (const auto& [id, one] : *of.brokers) MOLDAU_ASSERT(one->id == id);
}

void check_changes(const image_update& update) {
  const image& now = *update.image;
  for (const auto& [id, name] : update.changes.topics_created) {
    MOLDAU_ASSERT(now.find_topic(id) != nullptr && now.find_topic(id)->name == name);
  }
  for (const auto& [id, name] : update.changes.topics_deleted) {
    MOLDAU_ASSERT(now.find_topic(id) == nullptr || update.changes.topics_created.contains(id));
  }
  for (const auto& [id, partitions] : update.changes.partitions) {
    for (const partition_id one : partitions) {
      MOLDAU_ASSERT(now.find_topic(id) != nullptr && now.find_topic(id)->find(one) != nullptr);
    }
  }
}

/// An older metadata.version has no records for everything, so this image is of the newest.
void check_comes_back(const image& of) {
  MOLDAU_ASSERT(of.metadata_version() == latest_production_metadata_version);
  const record_list records = image_records(of);
  image again;
  for (const shared_bytes& record : records) MOLDAU_ASSERT(apply_record(again, record, nullptr));
  again.seal();
  MOLDAU_ASSERT(same(image_records(again), records));
  MOLDAU_ASSERT(has_nan(of) || again.same_contents(of));

  const auto [id, file] = make_snapshot(of, {}, 1'700'000'000'000);
  std::vector<std::byte> bytes;
  for (const shared_bytes& piece : file) bytes.insert(bytes.end(), piece.view().begin(), piece.view().end());
  loader fresh;
  MOLDAU_ASSERT(fresh.load_snapshot(id, bytes));
  const auto update = fresh.publish();
  MOLDAU_ASSERT(update && same(image_records(*update->image), records));
  MOLDAU_ASSERT(update->image->provenance == of.provenance && fresh.next_offset() == id.end_offset);
}

template <typename Record>
void append(loader& to, const Record& record) {
  const shared_bytes value = encode_record(record, 0);
  MOLDAU_ASSERT(to.load_batch(raft::make_batch({&value, 1}, {.base = to.next_offset()})));
}

/// An image that was published, and what it said then.
struct published {
  std::shared_ptr<const image> what;
  record_list records;
};

/// Loads what the input holds; false once something can't be.
class log_reader {
 public:
  explicit log_reader(bool publish_often) : publish_often_(publish_often) {}

  bool load(bytes_view batch) {
    if (!loader_.load_batch(batch)) return false;
    if (publish_often_) publish();
    return true;
  }
  void publish() {
    auto update = loader_.publish();
    if (!update) return;
    check_parts(*update->image);
    check_changes(*update);
    published_.push_back({update->image, image_records(*update->image)});
  }
  void finish() {
    if (loader_.in_transaction()) append(loader_, wire::metadata::abort_transaction_record{});
    wire::metadata::feature_level_record level;
    level.name = "metadata.version";
    level.feature_level = latest_production_metadata_version;
    append(loader_, level);
    publish();
    check_comes_back(*published_.back().what);
  }
  void check_published() const {
    for (const published& one : published_) MOLDAU_ASSERT(same(image_records(*one.what), one.records));
  }
  [[nodiscard]] offset next() const { return loader_.next_offset(); }

 private:
  loader loader_;
  bool publish_often_;
  std::vector<published> published_;
};

/// Parts are records; an empty one ends a batch.
bool load_records(log_reader& to, fuzz::input& in) {
  record_list batch;
  while (true) {
    const bool last = in.empty();
    const auto record = in.part();
    if (!record.empty()) {
      batch.push_back(shared_bytes::copy_of(record));
    } else if (!batch.empty()) {
      if (!to.load(raft::make_batch(std::exchange(batch, {}), {.base = to.next()}))) return false;
    }
    if (last) return true;
  }
}

bool load_batches(log_reader& to, fuzz::input& in) {
  auto bytes = in.rest();
  fuzz::mend_checksums(bytes);
  wire::batch_iterator batches(bytes);
  for (auto batch = batches.next(); batch && *batch; batch = batches.next()) {
    // The log has made sure of that.
    if ((*batch)->base_offset() < to.next() || (*batch)->last_offset() < (*batch)->base_offset()) return false;
    if (!to.load((*batch)->bytes())) return false;
  }
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::input in(data, size);
  const std::uint8_t how = in.u8();
  log_reader log((how & 1U) != 0);
  const bool whole = (how & 2U) != 0 ? load_batches(log, in) : load_records(log, in);
  if (whole) log.finish();
  log.check_published();
  return 0;
}
