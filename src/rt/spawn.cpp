#include "rt/spawn.hpp"

namespace moldau::rt {

detached_frames*& detached_frames::current() {
  static constinit thread_local detached_frames* frames = nullptr;
  return frames;
}

}  // namespace moldau::rt
