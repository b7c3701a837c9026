#pragma once

#include <string>
#include <vector>

#include "rt/task.hpp"

namespace moldau::broker {

class shard;

/// Makes topics that somebody asked for by name and that aren't there: the internal ones with the partitions and
/// replication that their properties say, all others with the broker's defaults. Returns when they can be used, or
/// can't be made: whoever asked looks into the image again.
rt::task<void> auto_create(shard& at, std::vector<std::string> names);

}  // namespace moldau::broker
