#pragma once

#include "moldau/core/bytes.hpp"
#include "moldau/core/result.hpp"
#include "rt/task.hpp"
#include "rt/world.hpp"
#include "storage/log.hpp"

namespace moldau::broker {

/// Reads a stretch of a log into one piece of memory, for those who parse it here: replay of metadata and coordinators.
/// Errors: as `storage::log::read`.
[[nodiscard]] rt::task<result<shared_bytes>> read_log(rt::world& world, storage::log& from,
                                                      storage::read_options options);

}  // namespace moldau::broker
