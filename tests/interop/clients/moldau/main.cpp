#include <cstdlib>
#include <string_view>

#include "records.hpp"
#include "talk.hpp"

/// interop_client BOOTSTRAP                            the suite, with run.py
/// interop_client BOOTSTRAP create TOPIC PARTITIONS [REPLICAS]
/// interop_client BOOTSTRAP members                    join NAME GROUP STRATEGY TOPIC [INSTANCE], leave NAME
/// interop_client BOOTSTRAP keys TOPIC COUNT           records with keys, for others to see where they went
/// interop_client BOOTSTRAP values TOPIC ISOLATION     what partition 0 holds
/// interop_client BOOTSTRAP steady TOPIC PARTITIONS    sends and reads while brokers go and come
int main(int argc, char** argv) {
  using namespace moldau::interop;
  if (argc < 2) return 2;
  bootstrap = argv[1];
  const std::string_view what = argc > 2 ? argv[2] : "";
  try {
    if (what == "create" && argc >= 5) {
      create(argv[3], std::atoi(argv[4]), {},
             argc > 5 ? static_cast<std::int16_t>(std::atoi(argv[5])) : std::int16_t{-1});
      return 0;
    }
    if (what == "members") return run_members();
    if (what == "keys" && argc == 5) return send_keys(argv[3], std::atoi(argv[4]));
    if (what == "values" && argc == 5) {
      for (const std::string& value : values_of(argv[3], 0, {{"isolation.level", argv[4]}})) fmt::print("{}\n", value);
      return 0;
    }
    if (what == "steady" && argc == 5) return send_steadily(argv[3], std::atoi(argv[4]));
  } catch (const std::exception& why) {
    fmt::print(stderr, "interop_client: {}\n", why.what());
    return 1;
  }
  if (argc != 2) return 2;
  check_producing();
  check_consuming();
  check_groups();
  check_administration();
  end();
  return 0;
}
