#include <string_view>

#include "bench/limits/disk.hpp"
#include "bench/limits/network.hpp"

/// bench_limits write|append|sendfile --directory D [--name N]...: what the machine itself gives, as one line of JSON.
int main(int argc, char** argv) {
  using namespace moldau::bench;
  const std::string_view what = argc > 1 ? argv[1] : "";
  const arguments given(argc, argv, 2);
  if (what == "write") {
    write_loop(given);
  } else if (what == "append") {
    append_loop(given);
  } else if (what == "sendfile") {
    sendfile_loop(given);
  } else {
    give_up("say write, append or sendfile");
  }
}
