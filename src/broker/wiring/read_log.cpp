#include "broker/wiring/read_log.hpp"

#include <cstring>
#include <variant>

namespace moldau::broker {

rt::task<result<shared_bytes>> read_log(rt::world& world, storage::log& from, storage::read_options options) {
  auto found = co_await from.read(options);
  if (!found) co_return std::unexpected<error>(std::move(found).error());
  if (found->chunks.size() == 1) {
    if (const auto* only = std::get_if<shared_bytes>(&found->chunks.front())) co_return *only;
  }
  shared_bytes out = shared_bytes::allocate(found->size_bytes);
  auto copied = co_await world.offload([&]() -> result<std::size_t> {
    std::size_t at = 0;
    for (const rt::chunk& chunk : found->chunks) {
      if (const auto* memory = std::get_if<shared_bytes>(&chunk)) {
        std::memcpy(out.writable().data() + at, memory->data(), memory->size());
        at += memory->size();
      } else {
        const auto& range = std::get<rt::file_range>(chunk);
        MOLDAU_TRY_ASSIGN(const std::size_t got,
                          range.source->read_at(range.position, out.writable().subspan(at, range.size_bytes)));
        at += got;
        if (got < range.size_bytes) break;
      }
    }
    return at;
  });
  if (!copied) co_return std::unexpected<error>(std::move(copied).error());
  co_return out.slice(0, *copied);
}

}  // namespace moldau::broker
