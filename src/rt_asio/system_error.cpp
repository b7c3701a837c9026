#include "rt_asio/system_error.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <system_error>

namespace moldau::rt_asio {
namespace {

std::string sentence(std::string_view doing, std::string_view what, int number) {
  return fmt::format("cannot {} {}: {}", doing, what, std::generic_category().message(number));
}

errc code_of(int number) {
  switch (number) {
    case ENOSPC:
    case EDQUOT:
      return errc::disk_full;
    case ENOENT:
      return errc::not_found;
    case EEXIST:
      return errc::already_exists;
    default:
      return errc::io_error;
  }
}

}  // namespace

std::unexpected<error> file_error(std::string_view doing, std::string_view path, int number) {
  return fail(code_of(number), sentence(doing, path, number));
}

std::unexpected<error> socket_error(std::string_view doing, std::string_view peer, int number) {
  return fail(errc::network_exception, sentence(doing, peer, number));
}

}  // namespace moldau::rt_asio
