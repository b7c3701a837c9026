#include "cli/io_thread.hpp"

#include <thread>

namespace moldau::cli::io {

struct background::state {
  std::thread thread;
};

background::background(std::function<void()> what)
    : state_(std::make_unique<state>(state{.thread = std::thread(std::move(what))})) {}

background::~background() {
  state_->thread.join();
}

}  // namespace moldau::cli::io
