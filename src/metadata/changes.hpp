#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "metadata/image.hpp"
#include "moldau/core/bytes.hpp"
#include "moldau/core/ids.hpp"
#include "moldau/core/result.hpp"

namespace moldau::metadata {

/// What differs between two images, by name: who reacts to changes looks up the details in the images.
struct image_changes {
  bool features = false;
  std::set<broker_id> brokers;
  std::set<broker_id> controllers;
  /// A topic created and deleted within the changes is in neither.
  std::map<topic_id, std::string> topics_created;
  std::map<topic_id, std::string> topics_deleted;
  /// Partitions that were added or changed, those of created topics included.
  std::map<topic_id, std::set<partition_id>> partitions;
  std::set<config_resource> configs;
  bool client_quotas = false;
  bool scram = false;
  bool acls = false;
  bool delegation_tokens = false;
  bool producer_ids = false;

  [[nodiscard]] bool empty() const;
};

/// Applies one metadata record, as the log or a snapshot holds it (frame 1, type, version, fields), to an image that is
/// being edited, and adds to `changes` what it did (null: nobody wants to know). Transaction markers and NoOpRecord
/// change nothing here.
///
/// Errors: `unsupported_version` for a record type or version that moldau doesn't know: a newer Kafka wrote it, and
/// going on without it would lose it. `malformed` when the bytes don't parse or speak of a topic that isn't there.
[[nodiscard]] result<void> apply_record(image& to, bytes_view record, image_changes* changes);

}  // namespace moldau::metadata
