#include "client/known_properties.hpp"

#include <algorithm>
#include <vector>

#include "base/nearest.hpp"

namespace moldau::client {
namespace {

constexpr unsigned for_producer = 1U << static_cast<unsigned>(client_kind::producer);
constexpr unsigned for_consumer = 1U << static_cast<unsigned>(client_kind::consumer);
constexpr unsigned for_admin = 1U << static_cast<unsigned>(client_kind::admin);

struct names_of {
  unsigned kinds;
  std::string_view names;
};

/// All property names of Kafka 4.3's own clients, by whose they are, and those of librdkafka's that have no
/// counterpart.
constexpr names_of all[] = {
    {for_producer | for_consumer | for_admin,
     "bootstrap.servers client.dns.lookup client.id config.providers connections.max.idle.ms "
     "enable.metrics.push metadata.max.age.ms metadata.recovery.rebootstrap.trigger.ms "
     "metadata.recovery.strategy metric.reporters metrics.num.samples metrics.recording.level "
     "metrics.sample.window.ms receive.buffer.bytes reconnect.backoff.max.ms reconnect.backoff.ms "
     "request.timeout.ms retry.backoff.max.ms retry.backoff.ms sasl.client.callback.handler.class "
     "sasl.jaas.config sasl.kerberos.kinit.cmd sasl.kerberos.min.time.before.relogin "
     "sasl.kerberos.service.name sasl.kerberos.ticket.renew.jitter sasl.kerberos.ticket.renew.window.factor "
     "sasl.login.callback.handler.class sasl.login.class sasl.login.connect.timeout.ms "
     "sasl.login.read.timeout.ms sasl.login.refresh.buffer.seconds sasl.login.refresh.min.period.seconds "
     "sasl.login.refresh.window.factor sasl.login.refresh.window.jitter sasl.login.retry.backoff.max.ms "
     "sasl.login.retry.backoff.ms sasl.mechanism sasl.oauthbearer.assertion.algorithm "
     "sasl.oauthbearer.assertion.claim.aud sasl.oauthbearer.assertion.claim.exp.seconds "
     "sasl.oauthbearer.assertion.claim.iss sasl.oauthbearer.assertion.claim.jti.include "
     "sasl.oauthbearer.assertion.claim.nbf.seconds sasl.oauthbearer.assertion.claim.sub "
     "sasl.oauthbearer.assertion.file sasl.oauthbearer.assertion.private.key.file "
     "sasl.oauthbearer.assertion.private.key.passphrase sasl.oauthbearer.assertion.template.file "
     "sasl.oauthbearer.client.credentials.client.id sasl.oauthbearer.client.credentials.client.secret "
     "sasl.oauthbearer.clock.skew.seconds sasl.oauthbearer.expected.audience sasl.oauthbearer.expected.issuer "
     "sasl.oauthbearer.header.urlencode sasl.oauthbearer.jwks.endpoint.refresh.ms "
     "sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms sasl.oauthbearer.jwks.endpoint.retry.backoff.ms "
     "sasl.oauthbearer.jwks.endpoint.url sasl.oauthbearer.jwt.retriever.class "
     "sasl.oauthbearer.jwt.validator.class sasl.oauthbearer.scope sasl.oauthbearer.scope.claim.name "
     "sasl.oauthbearer.sub.claim.name sasl.oauthbearer.token.endpoint.url security.protocol security.providers "
     "send.buffer.bytes socket.connection.setup.timeout.max.ms socket.connection.setup.timeout.ms "
     "ssl.cipher.suites ssl.enabled.protocols ssl.endpoint.identification.algorithm ssl.engine.factory.class "
     "ssl.key.password ssl.keymanager.algorithm ssl.keystore.certificate.chain ssl.keystore.key "
     "ssl.keystore.location ssl.keystore.password ssl.keystore.type ssl.protocol ssl.provider "
     "ssl.secure.random.implementation ssl.trustmanager.algorithm ssl.truststore.certificates "
     "ssl.truststore.location ssl.truststore.password ssl.truststore.type statistics.interval.ms"},
    {for_producer | for_consumer, "interceptor.classes"},
    {for_producer,
     "partitioner acks batch.size buffer.memory compression.gzip.level compression.lz4.level compression.type "
     "compression.zstd.level delivery.timeout.ms enable.idempotence key.serializer linger.ms max.block.ms "
     "max.in.flight.requests.per.connection max.request.size metadata.max.idle.ms "
     "partitioner.adaptive.partitioning.enable partitioner.availability.timeout.ms partitioner.class "
     "partitioner.ignore.keys transaction.timeout.ms transaction.two.phase.commit.enable transactional.id "
     "value.serializer"},
    {for_consumer,
     "queued.max.messages.kbytes allow.auto.create.topics auto.commit.interval.ms auto.offset.reset check.crcs "
     "client.rack "
     "enable.auto.commit exclude.internal.topics fetch.max.bytes fetch.max.wait.ms fetch.min.bytes group.id "
     "group.instance.id group.protocol group.remote.assignor heartbeat.interval.ms isolation.level "
     "key.deserializer max.partition.fetch.bytes max.poll.interval.ms max.poll.records "
     "partition.assignment.strategy session.timeout.ms share.acknowledgement.mode share.acquire.mode "
     "value.deserializer"},
    {for_admin, "bootstrap.controllers"},
    {for_consumer | for_admin, "default.api.timeout.ms"},
    {for_producer | for_admin, "retries"},
};

template <typename Visit>
void each_name(Visit visit) {
  for (const names_of& group : all) {
    std::string_view left = group.names;
    while (!left.empty()) {
      const std::size_t end = std::min(left.find(' '), left.size());
      visit(left.substr(0, end), group.kinds);
      left.remove_prefix(std::min(end + 1, left.size()));
    }
  }
}

}  // namespace

property_standing standing_of(std::string_view name, client_kind kind) {
  auto found = property_standing::unknown;
  each_name([&](std::string_view known, unsigned kinds) {
    if (known != name) return;
    const bool is_own = (kinds >> static_cast<unsigned>(kind) & 1U) != 0;
    found = is_own ? property_standing::own : property_standing::of_another_client;
  });
  return found;
}

std::string nearest_property(std::string_view name) {
  std::vector<std::string_view> names;
  each_name([&](std::string_view known, unsigned) { names.push_back(known); });
  return std::string(base::nearest(name, names));
}

}  // namespace moldau::client
