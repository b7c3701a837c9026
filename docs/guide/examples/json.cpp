#include <iostream>
#include <moldau_adapters/nlohmann_json.hpp>

// [guide
struct order {
  std::string customer;
  int amount = 0;
  NLOHMANN_DEFINE_TYPE_INTRUSIVE(order, customer, amount)
};

int main() {
  const moldau::adapters::json_serde<order> orders;
  std::vector<std::byte> bytes;
  orders.write({.customer = "alice", .amount = 3}, bytes).value();
  std::cout << moldau::as_text(bytes) << '\n';
  std::cout << orders.read(bytes).value().customer << '\n';
  std::cout << orders.read(moldau::as_bytes("{")).error().message << '\n';
}
// guide]
