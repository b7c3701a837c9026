#include <iostream>
#include <moldau/client/admin.hpp>
#include <moldau/client/producer.hpp>

using namespace moldau::client;

int main(int, char** arguments) {
  // [guide
  // All mistakes at once, with the nearest name.
  const auto options = producer_options::from_properties(
      {{"bootstrap.servers", arguments[1]}, {"liner.ms", "5"}, {"request.timeout.ms", "soon"}});
  if (!options) std::cout << options.error().message << '\n';

  auto admin = admin::make({.bootstrap_servers = {arguments[1]}}).value();
  const auto deleted = admin.delete_topics({"no-such-topic"}).get().value();
  const auto& outcome = deleted.at("no-such-topic");
  if (!outcome) {
    const moldau::error& why = outcome.error();
    std::cout << why.message << " (" << moldau::name(why.code) << (why.retriable() ? ", may be tried again" : "")
              << ")\n";
  }

  // After close every call fails with errc::closed, and no handler runs any more.
  admin.close().get().value();
  std::cout << moldau::name(admin.list_topics().get().error().code) << '\n';
  // guide]
}
