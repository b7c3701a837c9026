#pragma once

#include <cstdint>

#include "metadata/image.hpp"
#include "moldau/core/bytes.hpp"

namespace moldau::metadata {

/// The record that creates `p` in topic `topic` as it is, in the version that `metadata_version` asks for.
[[nodiscard]] shared_bytes partition_to_record(const topic_id& topic, const partition& p,
                                               std::int16_t metadata_version);

}  // namespace moldau::metadata
