#include "config/tables/tables.hpp"

namespace moldau::config {
namespace {

using namespace table;

// SASL OAUTHBEARER.
constexpr definition rows[] = {
    {"sasl.oauthbearer.assertion.algorithm", string, "RS256", one_of_ignoring_case("ES256,RS256"), medium, read_only,
     not_built, "The algorithm that signs an OAuth assertion."},
    {"sasl.oauthbearer.assertion.claim.aud", string, none, any, medium, read_only, not_built,
     "The audience of an OAuth assertion."},
    {"sasl.oauthbearer.assertion.claim.exp.seconds", int32, "300", between(0, 86400), low, read_only, not_built,
     "Seconds until an OAuth assertion expires."},
    {"sasl.oauthbearer.assertion.claim.iss", string, none, any, medium, read_only, not_built,
     "The issuer of an OAuth assertion."},
    {"sasl.oauthbearer.assertion.claim.jti.include", boolean, "false", any, medium, read_only, not_built,
     "Whether an OAuth assertion carries an id of its own."},
    {"sasl.oauthbearer.assertion.claim.nbf.seconds", int32, "60", between(0, 3600), low, read_only, not_built,
     "Seconds in the past from which an OAuth assertion is valid."},
    {"sasl.oauthbearer.assertion.claim.sub", string, none, any, medium, read_only, not_built,
     "The subject of an OAuth assertion."},
    {"sasl.oauthbearer.assertion.file", string, none, any, medium, read_only, not_built,
     "A file with a ready OAuth assertion."},
    {"sasl.oauthbearer.assertion.private.key.file", string, none, any, medium, read_only, not_built,
     "The file of the key that signs OAuth assertions."},
    {"sasl.oauthbearer.assertion.private.key.passphrase", password, none, any, medium, read_only, not_built,
     "The passphrase of the key that signs OAuth assertions."},
    {"sasl.oauthbearer.assertion.template.file", string, none, any, medium, read_only, not_built,
     "A file with headers and claims for OAuth assertions."},
    {"sasl.oauthbearer.client.credentials.client.id", string, none, any, medium, read_only, not_built,
     "The client id shown to the OAuth provider."},
    {"sasl.oauthbearer.client.credentials.client.secret", password, none, any, medium, read_only, not_built,
     "The client secret shown to the OAuth provider."},
    {"sasl.oauthbearer.clock.skew.seconds", int32, "30", any, low, read_only, not_built,
     "Seconds by which the OAuth provider's clock may differ."},
    {"sasl.oauthbearer.expected.audience", list, "", any, high, read_only, not_built,
     "Audiences of which a token must name one."},
    {"sasl.oauthbearer.expected.issuer", string, none, any, high, read_only, not_built,
     "The issuer that a token must name."},
    {"sasl.oauthbearer.jwks.endpoint.refresh.ms", int64, "3600000", any, low, read_only, not_built,
     "Milliseconds between readings of the OAuth provider's keys."},
    {"sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms", int64, "10000", any, low, read_only, not_built,
     "The longest pause in milliseconds before reading the keys is tried again."},
    {"sasl.oauthbearer.jwks.endpoint.retry.backoff.ms", int64, "100", any, low, read_only, not_built,
     "The first pause in milliseconds before reading the keys is tried again."},
    {"sasl.oauthbearer.jwks.endpoint.url", string, none, any, medium, read_only, not_built,
     "Where the OAuth provider's keys are read."},
    {"sasl.oauthbearer.jwt.retriever.class", class_name,
     "org.apache.kafka.common.security.oauthbearer.DefaultJwtRetriever", any, medium, read_only, not_built,
     "The class that fetches tokens."},
    {"sasl.oauthbearer.jwt.validator.class", class_name,
     "org.apache.kafka.common.security.oauthbearer.DefaultJwtValidator", any, medium, read_only, not_built,
     "The class that checks tokens."},
    {"sasl.oauthbearer.scope", string, none, any, medium, read_only, not_built,
     "The scope asked of the OAuth provider."},
    {"sasl.oauthbearer.scope.claim.name", string, "scope", any, low, read_only, not_built,
     "The claim that holds a token's scope."},
    {"sasl.oauthbearer.sub.claim.name", string, "sub", any, low, read_only, not_built,
     "The claim that holds a token's subject."},
    {"sasl.oauthbearer.token.endpoint.url", string, none, any, medium, read_only, not_built,
     "Where tokens are asked for."},
};

}  // namespace

std::span<const definition> oauth_rows() {
  return rows;
}

}  // namespace moldau::config
