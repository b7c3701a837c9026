#include "config/tables/tables.hpp"

namespace moldau::config {
namespace {

using namespace table;

// TLS on the broker's side.
constexpr definition rows[] = {
    {"ssl.allow.dn.changes", boolean, "false", any, low, read_only, not_built,
     "Whether a replaced certificate may name another subject."},
    {"ssl.allow.san.changes", boolean, "false", any, low, read_only, not_built,
     "Whether a replaced certificate may name other hosts."},
    {"ssl.cipher.suites", list, "", any, medium, per_broker, not_built,
     "Cipher suites that are offered; empty leaves it to the library."},
    {"ssl.client.auth", string, "none", one_of("required,requested,none"), medium, per_broker, not_built,
     "Whether clients must, may or don't show a certificate."},
    {"ssl.enabled.protocols", list, "TLSv1.2,TLSv1.3", any, medium, per_broker, not_built,
     "TLS versions that are offered."},
    {"ssl.endpoint.identification.algorithm", string, "https", any, low, per_broker, not_built,
     "How a peer's name is checked against its certificate; empty doesn't check."},
    {"ssl.engine.factory.class", class_name, none, any, low, per_broker, not_built,
     "A Java class that makes TLS engines."},
    {"ssl.key.password", password, none, any, medium, per_broker, not_built, "The password of the private key."},
    {"ssl.keymanager.algorithm", string, "SunX509", any, medium, per_broker, not_built,
     "The algorithm of Java's key manager."},
    {"ssl.keystore.certificate.chain", password, none, any, medium, per_broker, not_built,
     "The certificate chain itself, in PEM."},
    {"ssl.keystore.key", password, none, any, medium, per_broker, not_built, "The private key itself, in PEM."},
    {"ssl.keystore.location", string, none, any, medium, per_broker, not_built,
     "The file that holds key and certificates."},
    {"ssl.keystore.password", password, none, any, medium, per_broker, not_built, "The password of the key file."},
    {"ssl.keystore.type", string, "JKS", any, medium, per_broker, not_built, "The format of the key file."},
    {"ssl.principal.mapping.rules", string, "DEFAULT", any, low, read_only, not_built,
     "Rules that turn a certificate's subject into a principal."},
    {"ssl.protocol", string, "TLSv1.3", any, medium, per_broker, not_built, "The newest TLS version spoken."},
    {"ssl.provider", string, none, any, medium, per_broker, not_built, "The Java security provider for TLS."},
    {"ssl.secure.random.implementation", string, none, any, low, per_broker, not_built,
     "The Java random generator for TLS."},
    {"ssl.trustmanager.algorithm", string, "PKIX", any, medium, per_broker, not_built,
     "The algorithm of Java's trust manager."},
    {"ssl.truststore.certificates", password, none, any, medium, per_broker, not_built,
     "The trusted certificates themselves, in PEM."},
    {"ssl.truststore.location", string, none, any, medium, per_broker, not_built, "The file of trusted certificates."},
    {"ssl.truststore.password", password, none, any, medium, per_broker, not_built,
     "The password of the file of trusted certificates."},
    {"ssl.truststore.type", string, "JKS", any, medium, per_broker, not_built,
     "The format of the file of trusted certificates."},
};

}  // namespace

std::span<const definition> ssl_rows() {
  return rows;
}

}  // namespace moldau::config
