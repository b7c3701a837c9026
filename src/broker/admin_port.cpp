#include "broker/admin_port.hpp"

#include <fmt/format.h>

#include <chrono>

#include "broker/node.hpp"
#include "broker/sampling.hpp"

namespace moldau::broker {

admin_port::admin_port(node& owner, const base::metrics& registry)
    : node_(owner),
      registry_(registry),
      started_(owner.main_world().now()),
      started_wall_ms_(owner.main_world().wall_ms()) {}

result<void> admin_port::start(const config::broker_config& config) {
  const std::int32_t port = config.int32("moldau.admin.port");
  if (port < 0) return {};
  auto server = std::make_unique<http::server>(node_.main_world(), http::server::options{});
  server->route(http::method::get, "/healthz",
                [this](const http::request&) -> rt::task<http::response> { return healthz(); });
  server->route(http::method::get, "/metrics", [this](const http::request&) -> rt::task<http::response> {
    co_return http::response{.content_type = std::string(base::metrics::content_type), .body = co_await scrape()};
  });
  const rt::endpoint at{config.string("moldau.admin.host"), static_cast<std::uint16_t>(port)};
  if (auto opened = server->listen(at); !opened) {
    const bool chosen = config.origin_of("moldau.admin.port").source != config::config_source::default_value;
    if (!chosen && opened.error().code == errc::already_exists) {
      node_.log().warn(
          "{} is in use, so /metrics and /healthz aren't served: give this broker a moldau.admin.port of its own, or "
          "-1",
          at.to_string());
      return {};
    }
    return fail(opened.error().code,
                fmt::format("cannot serve /metrics and /healthz on {}: {}. Change `moldau.admin.port` (-1 serves "
                            "neither), or stop what listens there.",
                            at.to_string(), opened.error().message));
  }
  server_ = std::move(server);
  return {};
}

rt::task<void> admin_port::stop() {
  if (server_ != nullptr) co_await server_->stop();
  server_.reset();
}

std::optional<rt::endpoint> admin_port::local() const {
  return server_ == nullptr ? std::nullopt : std::optional(server_->local());
}

void admin_port::set_state(node_state state, std::string sentence) {
  // A failed node that is taken down is still a failed one.
  if (state_ == node_state::failed) return;
  state_ = state;
  sentence_ = std::move(sentence);
}

rt::task<http::response> admin_port::healthz() const {
  constexpr int unavailable = 503;
  switch (state_) {
    case node_state::serving:
      co_return http::response{.body = "serving\n"};
    case node_state::starting:
      co_return http::response{.status = unavailable, .body = "The broker is starting.\n"};
    case node_state::recovering:
      co_return http::response{.status = unavailable, .body = "The broker is starting: it is opening its logs.\n"};
    case node_state::stopping:
      co_return http::response{.status = unavailable, .body = "The broker is stopping.\n"};
    case node_state::failed:
      break;
  }
  co_return http::response{.status = unavailable, .body = fmt::format("The broker has failed: {}\n", sentence_)};
}

rt::task<std::string> admin_port::scrape() {
  rt::world& world = node_.main_world();
  node_sample sample = co_await take_sample(node_, state_);
  sample.uptime_seconds = std::chrono::duration<double>(world.now() - started_).count();
  sample.start_seconds = static_cast<double>(started_wall_ms_) / 1000;
  // With many partitions the text is long, so it is written where it holds up nobody.
  co_return co_await world.offload([&] {
    complete(world.files(), sample);
    return registry_.text() + to_text(sample);
  });
}

}  // namespace moldau::broker
