#include "config/tables/tables.hpp"

namespace moldau::config {
namespace {

using namespace table;

// SASL on the broker's side.
constexpr definition rows[] = {
    {"sasl.client.callback.handler.class", class_name, none, any, medium, read_only, not_built,
     "The class that answers a SASL client's questions."},
    {"sasl.enabled.mechanisms", list, "GSSAPI", any, medium, per_broker, not_built,
     "SASL mechanisms that are offered."},
    {"sasl.jaas.config", password, none, any, medium, per_broker, not_built,
     "Credentials for SASL in Java's JAAS form."},
    {"sasl.kerberos.kinit.cmd", string, "/usr/bin/kinit", any, medium, per_broker, not_built,
     "The path of the kinit command."},
    {"sasl.kerberos.min.time.before.relogin", int64, "60000", any, medium, per_broker, not_built,
     "Milliseconds between two renewals of a Kerberos ticket at least."},
    {"sasl.kerberos.principal.to.local.rules", list, "DEFAULT", any, medium, per_broker, not_built,
     "Rules that turn Kerberos principals into short names, the first match counts."},
    {"sasl.kerberos.service.name", string, none, any, medium, per_broker, not_built,
     "The Kerberos name of the broker's service."},
    {"sasl.kerberos.ticket.renew.jitter", float64, "0.05", any, medium, per_broker, not_built,
     "The share of random time added to a Kerberos renewal."},
    {"sasl.kerberos.ticket.renew.window.factor", float64, "0.8", any, medium, per_broker, not_built,
     "The share of a Kerberos ticket's life after which it is renewed."},
    {"sasl.login.callback.handler.class", class_name, none, any, medium, read_only, not_built,
     "The class that answers the questions of a SASL login."},
    {"sasl.login.class", class_name, none, any, medium, read_only, not_built, "The class that logs in for SASL."},
    {"sasl.login.connect.timeout.ms", int32, none, any, low, read_only, not_built,
     "Milliseconds to wait for a connection to an OAuth provider."},
    {"sasl.login.read.timeout.ms", int32, none, any, low, read_only, not_built,
     "Milliseconds to wait for an OAuth provider's answer."},
    {"sasl.login.refresh.buffer.seconds", int16, "300", any, medium, per_broker, not_built,
     "Seconds before its end by which a credential is renewed."},
    {"sasl.login.refresh.min.period.seconds", int16, "60", any, medium, per_broker, not_built,
     "Seconds that a credential is used at least before it is renewed."},
    {"sasl.login.refresh.window.factor", float64, "0.8", any, medium, per_broker, not_built,
     "The share of a credential's life after which it is renewed."},
    {"sasl.login.refresh.window.jitter", float64, "0.05", any, medium, per_broker, not_built,
     "The share of random time added to a credential's renewal."},
    {"sasl.login.retry.backoff.max.ms", int64, "10000", any, low, read_only, not_built,
     "The longest pause in milliseconds before a login is tried again."},
    {"sasl.login.retry.backoff.ms", int64, "100", any, low, read_only, not_built,
     "The first pause in milliseconds before a login is tried again."},
    {"sasl.mechanism.controller.protocol", string, "GSSAPI", any, high, read_only, not_built,
     "The SASL mechanism towards controllers."},
    {"sasl.mechanism.inter.broker.protocol", string, "GSSAPI", any, medium, per_broker, not_built,
     "The SASL mechanism among brokers."},
    {"sasl.server.callback.handler.class", class_name, none, any, medium, read_only, not_built,
     "The class that answers a SASL server's questions."},
    {"sasl.server.max.receive.size", int32, "524288", any, medium, read_only, not_built,
     "The largest SASL message accepted, in bytes."},
};

}  // namespace

std::span<const definition> sasl_rows() {
  return rows;
}

}  // namespace moldau::config
