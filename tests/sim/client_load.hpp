#pragma once

#include <vector>

#include "tests/sim/scenario.hpp"

namespace moldau::scenarios {

/// The scenarios of the client library against a whole broker: idempotent producers and a group whose members come and
/// go, under faults of the broker, its disk, the network, the clocks and the members' own machines.
[[nodiscard]] std::vector<scenario> client_scenarios();

}  // namespace moldau::scenarios
