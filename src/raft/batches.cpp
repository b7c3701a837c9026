#include "raft/batches.hpp"

#include <fmt/format.h>

#include "wire/batch_builder.hpp"
#include "wire/compression.hpp"
#include "wire/record_reader.hpp"

namespace moldau::raft {

namespace {

wire::batch_options options_of(batch_place place, bool control) {
  wire::batch_options out;
  out.base_offset = place.base;
  out.leader_epoch = place.epoch;
  out.is_control = control;
  return out;
}

shared_bytes finish(wire::batch_builder& builder) {
  wire::codec_context context;
  auto out = builder.finish(context);
  MOLDAU_ASSERT(out);  // nothing is compressed, so nothing can fail
  return *std::move(out);
}

}  // namespace

shared_bytes make_batch(std::span<const shared_bytes> values, batch_place place) {
  wire::batch_builder builder(4096);
  builder.begin(options_of(place, false));
  for (const auto& value : values) MOLDAU_ASSERT(builder.append(place.now_ms, std::nullopt, value.view()));
  return finish(builder);
}

shared_bytes make_control_batch(std::span<const control_record> records, batch_place place) {
  wire::batch_builder builder(512);
  builder.begin(options_of(place, true));
  for (const auto& record : records) {
    const wire::control_key key = wire::encode_control_key(record.type);
    MOLDAU_ASSERT(builder.append(place.now_ms, bytes_view(key), record.value.view()));
  }
  return finish(builder);
}

std::size_t batch_prefix(std::span<const shared_bytes> values) {
  std::size_t bytes = wire::batch_layout::header_size;
  for (std::size_t i = 0; i < values.size(); ++i) {
    bytes += wire::batch_builder::record_bytes_max(std::nullopt, values[i].view());
    if (bytes > max_batch_bytes && i > 0) return i;
  }
  return values.size();
}

result<void> for_each_record(wire::batch_view batch, const std::function<result<void>(const record_view&)>& each) {
  wire::codec_context context;
  MOLDAU_TRY_ASSIGN(wire::record_reader records, wire::record_reader::open(batch, context));
  record_view record;
  while (true) {
    MOLDAU_TRY_ASSIGN(const bool more, records.next(record));
    if (!more) return {};
    MOLDAU_TRY(each(record));
  }
}

}  // namespace moldau::raft
