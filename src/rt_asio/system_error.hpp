#pragma once

#include <string_view>

#include "moldau/core/result.hpp"

namespace moldau::rt_asio {

/// What `errno` value `number` means for a file: "cannot write /path: No space left on device".
/// `doing` is the verb ("write"). ENOSPC and EDQUOT are `disk_full`, ENOENT `not_found`, EEXIST `already_exists`,
/// everything else `io_error`.
[[nodiscard]] std::unexpected<error> file_error(std::string_view doing, std::string_view path, int number);

/// The same for a socket: "cannot read from 10.0.0.1:9092: Connection reset by peer", always `network_exception`.
[[nodiscard]] std::unexpected<error> socket_error(std::string_view doing, std::string_view peer, int number);

}  // namespace moldau::rt_asio
