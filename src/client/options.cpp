#include "moldau/client/options.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "client/cluster.hpp"
#include "client/property_reader.hpp"

namespace moldau::client {

result<client_options> client_options::from_properties(const properties& from) {
  property_reader in(from, client_kind::admin);
  client_options out = in.common();
  MOLDAU_TRY(in.finish(out));
  return out;
}

result<void> check(const client_options& options) {
  std::vector<std::string> mistakes;
  const auto need = [&](bool holds, std::string_view otherwise) {
    if (!holds) mistakes.emplace_back(otherwise);
  };
  need(!options.bootstrap_servers.empty(), "bootstrap.servers is missing: name one broker at least, as host:port");
  for (const std::string& server : options.bootstrap_servers) {
    if (const auto parsed = parse_server(server); !parsed) mistakes.push_back(parsed.error().message);
  }
  need(options.request_timeout_ms > 0 && options.request_timeout_ms <= INT32_MAX,
       "request.timeout.ms must be above 0 and fit in 32 bits");
  need(options.api_timeout_ms > 0, "default.api.timeout.ms must be above 0");
  need(options.connect_timeout_ms > 0, "socket.connection.setup.timeout.ms must be above 0");
  need(options.retry_backoff_ms >= 0 && options.retry_backoff_max_ms >= 0, "retry.backoff.ms can't be below 0");
  need(options.reconnect_backoff_ms >= 0 && options.reconnect_backoff_max_ms >= 0,
       "reconnect.backoff.ms can't be below 0");
  need(options.metadata_max_age_ms >= 0, "metadata.max.age.ms can't be below 0");
  need(options.statistics_interval_ms >= 0, "statistics.interval.ms can't be below 0");
  if (mistakes.empty()) return {};
  return fail(errc::invalid_argument, fmt::format("{}", fmt::join(mistakes, "\n")));
}

}  // namespace moldau::client
