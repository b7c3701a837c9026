#include "wire/record_control.hpp"

#include <fmt/format.h>

#include "bytes/endian.hpp"

namespace moldau::wire {

using bytes::load_be;
using bytes::store_be;

control_key encode_control_key(control_record_type type) {
  control_key out{};
  store_be(out.data() + 2, static_cast<std::int16_t>(type));
  return out;
}

result<control_record_type> decode_control_key(std::optional<bytes_view> key) {
  if (!key || key->size() < std::tuple_size_v<control_key>)
    return fail(errc::corrupt_message, "a control record's key is missing or cut short");
  if (const auto version = load_be<std::int16_t>(key->data()); version < 0)
    return fail(errc::corrupt_message, fmt::format("a control record's key has the version {}", version));
  const auto type = load_be<std::int16_t>(key->data() + 2);
  if (type < static_cast<std::int16_t>(control_record_type::abort) ||
      type > static_cast<std::int16_t>(control_record_type::kraft_voters)) {
    return control_record_type::unknown;
  }
  return static_cast<control_record_type>(type);
}

end_txn_marker::value_bytes end_txn_marker::encode_value() const {
  value_bytes out{};
  store_be(out.data() + 2, coordinator_epoch);
  return out;
}

result<end_txn_marker> end_txn_marker::decode(const record_view& record) {
  MOLDAU_TRY_ASSIGN(const control_record_type type, decode_control_key(record.key));
  if (type != control_record_type::abort && type != control_record_type::commit)
    return fail(errc::corrupt_message, "a control record is expected to end a transaction, but says something else");
  if (!record.value || record.value->size() < std::tuple_size_v<value_bytes>)
    return fail(errc::corrupt_message, "the value of a transaction's end is missing or cut short");
  if (const auto version = load_be<std::int16_t>(record.value->data()); version < 0)
    return fail(errc::corrupt_message, fmt::format("the value of a transaction's end has the version {}", version));
  return end_txn_marker{.type = type, .coordinator_epoch = load_be<std::int32_t>(record.value->data() + 2)};
}

result<shared_bytes> end_txn_batch(const end_txn_marker& marker, producer_id id, producer_epoch epoch,
                                   std::int64_t timestamp_ms, batch_builder& builder, codec_context& context) {
  builder.begin({.producer_id = id, .producer_epoch = epoch, .is_transactional = true, .is_control = true});
  const control_key key = encode_control_key(marker.type);
  const end_txn_marker::value_bytes value = marker.encode_value();
  MOLDAU_TRY(builder.append(timestamp_ms, bytes_view(key), bytes_view(value)));
  return builder.finish(context);
}

result<shared_bytes> control_batch(control_record_type type, bytes_view value, offset at, leader_epoch epoch,
                                   std::int64_t timestamp_ms, batch_builder& builder, codec_context& context) {
  builder.begin({.base_offset = at, .leader_epoch = epoch, .is_control = true});
  const control_key key = encode_control_key(type);
  MOLDAU_TRY(builder.append(timestamp_ms, bytes_view(key), value));
  return builder.finish(context);
}

}  // namespace moldau::wire
