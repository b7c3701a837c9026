#pragma once

#include <memory>

#include "moldau/core/result.hpp"
#include "rt/task.hpp"
#include "testing/fake_broker/cluster.hpp"

namespace moldau::testing::fake {

/// Opens that broker's port and serves what comes. On the world's thread, or in a simulation from outside of it.
/// Errors: as `rt::transport::listen`.
[[nodiscard]] result<void> open_broker(const std::shared_ptr<cluster>& in, broker_id which);
/// Closes its port and its connections.
void close_broker(cluster& in, broker_id which);
/// Ends every connection.
void close_connections(cluster& in);

}  // namespace moldau::testing::fake
