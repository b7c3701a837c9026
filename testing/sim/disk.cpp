#include "testing/sim/disk.hpp"

#include <fmt/format.h>

#include <exception>

namespace moldau::testing::sim {

void disk::fail_nth(disk_op op, std::uint64_t n, errc code) {
  planned_[op].push_back({n, code});
}

std::size_t disk::failures_to_come() const {
  std::size_t out = 0;
  for (const auto& [op, failures] : planned_) out += failures.size();
  return out;
}

void disk::crash_at_change(std::uint64_t n, ending how) {
  crash_at_ = changes_ + n;
  crash_as_ = how;
}

std::optional<std::string> disk::read_all(std::string_view path, bool durable) const {
  disk_image::node at = image_.root();
  while (!path.empty() && at != nullptr) {
    const auto slash = path.find('/');
    const std::string_view part = path.substr(0, slash);
    path = slash == std::string_view::npos ? std::string_view() : path.substr(slash + 1);
    if (part.empty() || part == ".") continue;
    const auto& names = durable ? at->durable_entries : at->entries;
    const auto found = names.find(part);
    at = found == names.end() ? nullptr : found->second;
  }
  if (at == nullptr || at->directory) return std::nullopt;
  const content& bytes = durable ? at->durable : at->current;
  std::string out(bytes.size(), '\0');
  bytes.read(0, {reinterpret_cast<std::byte*>(out.data()), out.size()});
  return out;
}

std::optional<std::string> disk::content_of(std::string_view path) const {
  return read_all(path, false);
}

std::optional<std::string> disk::durable_content_of(std::string_view path) const {
  return read_all(path, true);
}

void disk::put(std::string_view path, bytes_view bytes) {
  for (std::size_t slash = path.find('/', 1); slash != std::string_view::npos; slash = path.find('/', slash + 1)) {
    const std::string_view directory = path.substr(0, slash);
    if (image_.find(directory) == nullptr) image_.create(directory, true);
    image_.sync_directory(image_.parent(directory));
  }
  auto file = image_.find(path);
  if (file == nullptr) file = image_.create(path, false);
  file->resize(0);
  file->write(0, bytes);
  file->sync();
  image_.sync_directory(image_.parent(path));
}

bool disk::corrupt(std::string_view path, std::uint64_t position, std::byte flipped) {
  const auto file = image_.find(path);
  if (file == nullptr || position >= file->current.size()) return false;
  for (content* layer : {&file->current, &file->durable}) {
    std::byte value{};
    if (layer->read(position, {&value, 1}) == 0) continue;
    value ^= flipped;
    layer->write(position, {&value, 1});
  }
  return true;
}

std::vector<std::string> disk::files() const {
  std::vector<std::string> out;
  const auto walk = [&](const auto& self, const inode& at, const std::string& prefix) -> void {
    for (const auto& [name, child] : at.entries) {
      if (child->directory) {
        self(self, *child, prefix + name + "/");
      } else {
        out.push_back(prefix + name);
      }
    }
  };
  walk(walk, *image_.root(), "");
  return out;
}

std::uint64_t disk::free_bytes() const {
  // Adding up every file at every write would be slow, and such a disk is never full.
  if (faults_.capacity_bytes >= disk_options{}.capacity_bytes) return faults_.capacity_bytes;
  const std::uint64_t used = image_.allocated();
  return used < faults_.capacity_bytes ? faults_.capacity_bytes - used : 0;
}

result<bool> disk::begin(disk_op op, std::string_view path, const actor& who) {
  if (who.dead()) return fail(errc::io_error, fmt::format("{}: the process has ended", path));
  queue_.trace(path);
  queue_.trace(static_cast<std::uint64_t>(op));
  const bool syncs = op == disk_op::sync || op == disk_op::sync_directory;
  const bool slow = random_.chance(faults_.slow);
  queue_.charge(random_.within(slow ? faults_.slow_latency : syncs ? faults_.sync_latency : faults_.latency));

  bool crashes = false;
  if (op != disk_op::read) {
    ++changes_;
    crashes = crash_at_ == changes_ || random_.chance(faults_.crash);
    if (read_only_) return fail(errc::io_error, fmt::format("{}: read-only file system", path));
  }
  if (const auto planned = planned_.find(op); planned != planned_.end()) {
    std::optional<errc> due;
    std::erase_if(planned->second, [&](planned_failure& failure) {
      if (--failure.after > 0) return false;
      due = failure.code;
      return true;
    });
    if (due) return fail(*due, fmt::format("{}: planned failure", path));
  }
  const double chance = op == disk_op::read    ? faults_.read_error
                        : op == disk_op::write ? faults_.write_error
                        : syncs                ? faults_.sync_error
                                               : 0;
  if (random_.chance(chance)) return fail(errc::io_error, fmt::format("{}: input/output error", path));
  return crashes;
}

void disk::trace(bytes_view written) {
  queue_.trace(as_text(written));
}

std::unexpected<error> disk::crash() {
  const ending how = crash_at_ == changes_ ? crash_as_ : ending::power_cut;
  crash_at_.reset();
  if (end_process_) end_process_(how);
  if (std::uncaught_exceptions() == 0) throw host_crashed();
  return fail(errc::io_error, "the power is gone");
}

}  // namespace moldau::testing::sim
