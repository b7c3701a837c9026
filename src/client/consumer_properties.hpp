#pragma once

#include "client/property_reader.hpp"
#include "moldau/client/consumer.hpp"

namespace moldau::client {

/// Takes what only a consumer has, all but `client`.
void take_consumer_properties(property_reader& in, consumer_options& into);

}  // namespace moldau::client
