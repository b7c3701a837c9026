#include "cli/io.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>

namespace moldau::cli::io {

namespace {

class file_input final : public input {
 public:
  file_input(std::FILE* file, bool owned, std::string path) : file_(file), owned_(owned), path_(std::move(path)) {
    struct stat about{};
    if (owned && ::fstat(::fileno(file), &about) == 0 && S_ISREG(about.st_mode)) {
      total_ = static_cast<std::uint64_t>(about.st_size);
    }
  }
  ~file_input() override {
    if (owned_) std::fclose(file_);
  }

  result<bool> next(char delimiter, std::string& into) override {
    char* line = nullptr;
    std::size_t room = 0;
    const ssize_t size = ::getdelim(&line, &room, static_cast<unsigned char>(delimiter), file_);
    const int code = errno;
    const std::unique_ptr<char, decltype(&std::free)> owner(line, &std::free);
    if (size < 0) {
      if (std::ferror(file_) != 0) return fail(errc::io_error, fmt::format("{}: {}", path_, std::strerror(code)));
      return false;
    }
    read_ += static_cast<std::uint64_t>(size);
    into.assign(line, static_cast<std::size_t>(size));
    if (!into.empty() && into.back() == delimiter) into.pop_back();
    return true;
  }

  std::uint64_t read_bytes() const override { return read_; }
  std::optional<std::uint64_t> total_bytes() const override { return total_; }

 private:
  std::FILE* file_;
  bool owned_;
  std::string path_;
  std::uint64_t read_ = 0;
  std::optional<std::uint64_t> total_;
};

}  // namespace

result<std::unique_ptr<input>> open_input(const std::string& path) {
  if (path == "-") return std::make_unique<file_input>(stdin, false, "standard input");
  std::FILE* file = std::fopen(path.c_str(), "rb");
  if (file == nullptr) {
    return fail(errno == ENOENT ? errc::not_found : errc::io_error, fmt::format("{}: {}", path, std::strerror(errno)));
  }
  return std::make_unique<file_input>(file, true, path);
}

result<std::string> read_file(const std::string& path) {
  std::FILE* file = std::fopen(path.c_str(), "rb");
  if (file == nullptr) {
    return fail(errno == ENOENT ? errc::not_found : errc::io_error, fmt::format("{}: {}", path, std::strerror(errno)));
  }
  std::string out;
  std::array<char, 65536> part{};
  std::size_t got = 0;
  while ((got = std::fread(part.data(), 1, part.size(), file)) > 0) out.append(part.data(), got);
  // A directory can be opened and not read, which says so only here.
  const int failure = std::ferror(file) != 0 ? errno : 0;
  std::fclose(file);
  if (failure != 0) return fail(errc::io_error, fmt::format("{}: {}", path, std::strerror(failure)));
  return out;
}

namespace {

/// Why the first write that failed did so. What comes after it is lost too, though it may be accepted.
int output_errno = 0;

result<void> output_failed() {
  if (output_errno == 0) output_errno = errno == 0 ? EIO : errno;
  if (output_errno == EPIPE) return fail(errc::closed, "nobody reads the output any more");
  return fail(errc::io_error, fmt::format("the output can't be written: {}", std::strerror(output_errno)));
}

}  // namespace

result<void> write_out(std::string_view bytes) {
  errno = 0;
  if (std::fwrite(bytes.data(), 1, bytes.size(), stdout) != bytes.size()) return output_failed();
  return {};
}

result<void> flush_out() {
  errno = 0;
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) return output_failed();
  return {};
}

std::int64_t wall_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

bool is_terminal() {
  return ::isatty(STDERR_FILENO) == 1;
}

/// Both signals are blocked everywhere, and one thread waits for them: so the handler may do anything.
struct on_interrupt::state {
  std::function<void()> what;
  sigset_t signals{};
  sigset_t before{};
  std::thread waiter;
};

on_interrupt::on_interrupt(std::function<void()> what) : state_(std::make_unique<state>()) {
  state_->what = std::move(what);
  sigemptyset(&state_->signals);
  for (const int number : {SIGINT, SIGTERM, SIGUSR2}) sigaddset(&state_->signals, number);
  pthread_sigmask(SIG_BLOCK, &state_->signals, &state_->before);
  state_->waiter = std::thread([s = state_.get()] {
    while (true) {
      int number = 0;
      sigwait(&s->signals, &number);
      if (number == SIGUSR2) return;
      s->what();
    }
  });
}

on_interrupt::~on_interrupt() {
  pthread_kill(state_->waiter.native_handle(), SIGUSR2);
  state_->waiter.join();
  pthread_sigmask(SIG_SETMASK, &state_->before, nullptr);
}

}  // namespace moldau::cli::io
