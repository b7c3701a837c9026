#include <fmt/format.h>

#include <algorithm>

#include "base/topic_name.hpp"
#include "bytes/endian.hpp"
#include "cli/commands.hpp"
#include "cli/io.hpp"
#include "cli/json_text.hpp"
#include "cli/timestamps.hpp"
#include "offline/describe.hpp"
#include "offline/segment_walk.hpp"
#include "storage/file_names.hpp"
#include "wire/record_reader.hpp"

namespace moldau::cli {

namespace {

/// "orders-3" of ".../orders-3/00000000000000000000.log".
std::string folder_name(const std::string& path) {
  const std::string folder = rt::parent_path(path);
  return folder.substr(folder.rfind('/') + 1);
}

offline::record_kind kind_for(const log_arguments& told, const std::string& path) {
  if (told.decoder == "metadata") return offline::record_kind::metadata;
  if (told.decoder == "offsets") return offline::record_kind::groups;
  if (told.decoder == "text") return offline::record_kind::text;
  if (path.ends_with(".checkpoint")) return offline::record_kind::metadata;
  const auto partition = storage::parse_partition_directory_name(folder_name(path));
  return partition ? offline::kind_of_topic(partition->topic) : offline::record_kind::text;
}

json batch_json(std::uint64_t position, const wire::batch_view& batch) {
  json out = {{"position", position},
              {"size", batch.size_bytes()},
              {"base_offset", batch.base_offset().value()},
              {"last_offset", batch.last_offset().value()},
              {"magic", batch.magic()},
              {"codec", wire::name(batch.compression())},
              {"max_timestamp", batch.max_timestamp_ms()},
              {"leader_epoch", batch.leader_epoch().value()},
              {"crc_ok", batch.is_crc_ok()}};
  if (const auto count = batch.record_count()) out["records"] = *count;
  if (batch.has_producer_id()) {
    out["producer_id"] = batch.producer_id().value();
    out["producer_epoch"] = batch.producer_epoch().value();
    out["base_sequence"] = batch.base_sequence();
  }
  if (batch.is_transactional()) out["transactional"] = true;
  if (batch.is_control()) out["control"] = true;
  return out;
}

std::string batch_line(std::uint64_t position, const wire::batch_view& batch) {
  const auto count = batch.record_count();
  std::string out = fmt::format(
      "at {:>10}  offsets {}..{}  {} records  {} bytes  {}  epoch {}  {}", position, batch.base_offset().value(),
      batch.last_offset().value(), count ? std::to_string(*count) : "?", batch.size_bytes(),
      wire::name(batch.compression()), batch.leader_epoch().value(), show_timestamp(batch.max_timestamp_ms()));
  if (batch.has_producer_id()) {
    out += fmt::format("  producer {}/{} from {}", batch.producer_id().value(), batch.producer_epoch().value(),
                       batch.base_sequence());
  }
  if (batch.is_transactional()) out += "  transactional";
  if (batch.is_control()) out += "  control";
  if (!batch.is_crc_ok()) out += "  WRONG CHECKSUM";
  return out;
}

class dumper {
 public:
  dumper(const context& in, const log_arguments& told)
      : files_(*in.given->files), told_(told), json_(in.output == output_form::json) {}

  /// The exit code.
  int file(const std::string& path) {
    if (!json_) fmt::print("{}\n", path);
    if (path.ends_with(".log") || path.ends_with(".checkpoint")) return segment(path);
    if (path.ends_with(".index")) return index(path, 8, "offset", "position");
    if (path.ends_with(".timeindex")) return index(path, 12, "timestamp", "offset");
    return report_usage(
        fmt::format("{}: only .log, .index, .timeindex and .checkpoint files and folders are dumped", path));
  }

  int path(const std::string& path) {
    const auto entries = files_.list(path);
    if (!entries) return file(path);
    int code = exit_ok;
    for (const auto& entry : *entries) {
      if (entry.name.ends_with(".log") ||
          (entry.name.ends_with(".checkpoint") && path.find(base::metadata_topic) != std::string::npos)) {
        code = std::max(code, segment_of(rt::join_path(path, entry.name)));
      }
    }
    return code;
  }

 private:
  int segment_of(const std::string& path) {
    if (!json_) fmt::print("{}\n", path);
    return segment(path);
  }

  int segment(const std::string& path) {
    const auto kind = kind_for(told_, path);
    const auto end =
        offline::walk_segment(files_, path, [&](std::uint64_t position, const wire::batch_view& batch) -> result<void> {
          json shown;
          if (json_) {
            shown = batch_json(position, batch);
            shown["file"] = path;
          } else {
            MOLDAU_TRY(io::write_out(batch_line(position, batch) + "\n"));
          }
          if (told_.records && batch.is_crc_ok()) MOLDAU_TRY(records(batch, kind, shown));
          return json_ ? io::write_out(to_line(shown) + "\n") : result<void>();
        });
    if (!end) return end.error().code == errc::closed ? exit_ok : report(end.error());
    if (end->whole_bytes < end->size_bytes) {
      return report({errc::corrupt_message, fmt::format("{}: {} bytes behind the last whole batch", path,
                                                        end->size_bytes - end->whole_bytes)});
    }
    return exit_ok;
  }

  result<void> records(const wire::batch_view& batch, offline::record_kind kind, json& into) {
    MOLDAU_TRY_ASSIGN(auto reader, wire::record_reader::open(batch, codecs_));
    record_view record;
    if (json_) into["contents"] = json::array();
    while (true) {
      MOLDAU_TRY_ASSIGN(const bool more, reader.next(record));
      if (!more) return {};
      const auto shown = offline::show(kind, record, batch.is_control());
      if (json_) {
        json entry = {{"offset", record.offset.value()}, {"timestamp", record.timestamp_ms}};
        entry["key"] = json::parse(shown.key, nullptr, false);
        entry["value"] = json::parse(shown.value, nullptr, false);
        for (const header_view& header : record.headers) {
          entry["headers"].push_back(json::array({header.key, text_or_null(header.value)}));
        }
        into["contents"].push_back(std::move(entry));
        continue;
      }
      std::string line = fmt::format("  {}  {}  key {}  value {}", record.offset.value(),
                                     show_timestamp(record.timestamp_ms), shown.key, shown.value);
      for (const header_view& header : record.headers) {
        line += fmt::format("  {}={}", to_line(header.key), to_line(text_or_null(header.value)));
      }
      MOLDAU_TRY(io::write_out(line + "\n"));
    }
  }

  int index(const std::string& path, std::size_t size, std::string_view first, std::string_view second) {
    const std::string name = path.substr(path.rfind('/') + 1);
    const auto base = storage::parse_segment_file_name(name, name.substr(name.find('.')));
    if (!base) return report_usage(fmt::format("{}: its name should be 20 digits", path));
    const auto content = files_.read_file(path);
    if (!content) return report(content.error());
    bytes_view rest = *content;
    for (; rest.size() >= size; rest = rest.subspan(size)) {
      // Behind its entries a file that is appended to holds zeros.
      if (std::ranges::all_of(rest.first(size), [](std::byte b) { return b == std::byte{0}; })) break;
      const std::int64_t a = size == 8 ? base->value() + bytes::load_be<std::int32_t>(rest.data())
                                       : bytes::load_be<std::int64_t>(rest.data());
      const std::int64_t b = size == 8 ? bytes::load_be<std::int32_t>(rest.data() + 4)
                                       : base->value() + bytes::load_be<std::int32_t>(rest.data() + 8);
      const auto written = json_
                               ? io::write_out(to_line(json{{std::string(first), a}, {std::string(second), b}}) + "\n")
                               : io::write_out(fmt::format("{} {}  {} {}\n", first, a, second, b));
      if (!written) return written.error().code == errc::closed ? exit_ok : report(written.error());
    }
    return exit_ok;
  }

  rt::file_system& files_;
  const log_arguments& told_;
  bool json_;
  wire::codec_context codecs_;
};

}  // namespace

int log_dump(const context& in, const log_arguments& told) {
  dumper out(in, told);
  int code = exit_ok;
  for (const std::string& path : told.paths) code = std::max(code, out.path(path));
  static_cast<void>(io::flush_out());
  return code;
}

}  // namespace moldau::cli
