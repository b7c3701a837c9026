#pragma once

#include "rt/transport.hpp"
#include "rt_asio/socket.hpp"

namespace moldau::rt_asio {

/// Opens a listening socket as `rt::transport::listen` says.
[[nodiscard]] result<std::unique_ptr<rt::listener>> listen_at(boost::asio::io_context& context, const rt::endpoint& at,
                                                              const rt::socket_buffers& buffers);

}  // namespace moldau::rt_asio
