#include "client/consumer_properties.hpp"

namespace moldau::client {

result<consumer_options> consumer_options::from_properties(const properties& from) {
  property_reader in(from, client_kind::consumer);
  consumer_options out;
  out.client = in.common();
  take_consumer_properties(in, out);
  MOLDAU_TRY(in.finish(out.client));
  return out;
}

}  // namespace moldau::client
