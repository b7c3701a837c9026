#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "metadata/changes.hpp"
#include "metadata/image.hpp"
#include "moldau/core/errc.hpp"
#include "moldau/core/ids.hpp"
#include "moldau/core/topic_partition.hpp"
#include "storage/log_manager.hpp"
#include "wire/protocol/assign_replicas_to_dirs_request.hpp"
#include "wire/protocol/assign_replicas_to_dirs_response.hpp"

namespace moldau::broker {

/// What a broker has to tell its controller of where its logs lie (KIP-858): those that the metadata has in another
/// directory or, as the broker has several, in none yet. Of `only`, unless that is null, the partitions that changed.
/// The broker's id and epoch are for the caller to fill in.
[[nodiscard]] std::vector<wire::protocol::assign_replicas_to_dirs_request> directories_to_tell(
    const metadata::image& image, const metadata::image_changes* only, broker_id self,
    const storage::log_manager& logs);

/// The partitions of which the controller refused to hear it; those that it doesn't know (any more) aren't among them.
[[nodiscard]] std::vector<std::pair<topic_id_partition, errc>> refused(
    const wire::protocol::assign_replicas_to_dirs_response& answer);

/// The directory of ours that the metadata has this replica in, if it names one.
[[nodiscard]] std::optional<directory_id> directory_wanted(const metadata::partition& of, broker_id self,
                                                           const storage::log_manager& logs);

}  // namespace moldau::broker
