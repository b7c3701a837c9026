#include "config/tables/tables.hpp"

namespace moldau::config {
namespace {

using namespace table;

// Who may connect and what they may do: authorizer, delegation tokens, inter-broker protocol.
constexpr definition rows[] = {
    {"authorizer.class.name", string, "", not_null, low, read_only, refused,
     "The authorizer that checks every request against access rules; empty allows everything."},
    {"connection.failed.authentication.delay.ms", int32, "100", at_least(0), low, read_only, not_built,
     "Milliseconds that a failed authentication is answered late."},
    {"connections.max.reauth.ms", int64, "0", any, medium, read_only, not_built,
     "Milliseconds after which a SASL connection must authenticate again; 0 never."},
    {"delegation.token.expiry.check.interval.ms", int64, "3600000", at_least(1), low, read_only, not_built,
     "Milliseconds between checks for expired delegation tokens."},
    {"delegation.token.expiry.time.ms", int64, "86400000", at_least(1), medium, read_only, not_built,
     "Milliseconds until a delegation token that isn't renewed expires."},
    {"delegation.token.max.lifetime.ms", int64, "604800000", at_least(1), medium, read_only, not_built,
     "Milliseconds after which a delegation token can't be renewed."},
    {"delegation.token.secret.key", password, none, any, medium, read_only, not_built,
     "The secret by which delegation tokens are signed."},
    {"principal.builder.class", class_name,
     "org.apache.kafka.common.security.authenticator.DefaultKafkaPrincipalBuilder", any, medium, per_broker, refused,
     "The class that turns a connection's credentials into a principal."},
    {"security.inter.broker.protocol", string, "PLAINTEXT", one_of("PLAINTEXT,SSL,SASL_PLAINTEXT,SASL_SSL"), medium,
     read_only, built, "The protocol among brokers, if inter.broker.listener.name isn't set."},
    {"security.providers", string, none, any, low, read_only, not_built, "Java classes that add security algorithms."},
};

}  // namespace

std::span<const definition> security_rows() {
  return rows;
}

}  // namespace moldau::config
