#include <atomic>
#include <random>

#include "records.hpp"
#include "talk.hpp"

namespace moldau::interop {

int send_keys(const std::string& topic, int count) {
  std::atomic<int> lost = 0;
  auto to = make_producer({}, [&](const client::delivery_report& done) {
    if (done.error != nullptr) ++lost;
  });
  // The same in every run.
  std::mt19937_64 chance(20'260'601);  // NOLINT: a failure must come again
  std::string key;
  for (int i = 0; i < count; ++i) {
    key.resize(chance() % 41);
    for (char& c : key) c = static_cast<char>(chance());
    good(to.send({.topic = topic, .key = as_bytes(std::string_view(key)), .value = as_bytes("")}, 0), "sending");
  }
  good(to.flush().get(), "flushing");
  fmt::print("{} lost\n", lost.load());
  return lost == 0 ? 0 : 1;
}

}  // namespace moldau::interop
