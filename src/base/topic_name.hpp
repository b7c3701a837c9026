#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace moldau::base {

/// The topic of the metadata log (KRaft), which clients can't make.
inline constexpr std::string_view metadata_topic = "__cluster_metadata";

/// What is wrong with a topic's name, in Kafka's words, or nothing: 1 to 249 letters, digits, '.', '_' and '-', but
/// neither "." nor "..".
[[nodiscard]] std::optional<std::string> topic_name_mistake(std::string_view name);

}  // namespace moldau::base
