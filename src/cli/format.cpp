#include "cli/format.hpp"

#include <fmt/format.h>

#include <iterator>

#include "cli/escapes.hpp"

namespace moldau::cli {

result<record_format> record_format::parse(std::string_view text) {
  constexpr std::string_view letters = "tpoksThSKR";
  record_format out;
  std::string literal;
  const auto end_literal = [&] {
    if (!literal.empty()) out.parts_.push_back({.text = unescape(literal)});
    literal.clear();
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      literal.push_back(text[i]);
      continue;
    }
    if (i + 1 == text.size())
      return fail(errc::invalid_argument, "the format ends in '%': write %% for a percent sign");
    const char letter = text[++i];
    if (letter == '%') {
      literal.push_back('%');
    } else if (letters.find(letter) != std::string_view::npos) {
      end_literal();
      out.parts_.push_back({.letter = letter, .text = {}});
    } else {
      return fail(errc::invalid_argument,
                  fmt::format("the format has %{}: known are %t %p %o %k %s %T %h %S %K %R %%", letter));
    }
  }
  end_literal();
  return out;
}

namespace {

std::int64_t size_of(const std::optional<bytes_view>& bytes) {
  return bytes ? static_cast<std::int64_t>(bytes->size()) : -1;
}

}  // namespace

void record_format::append(std::string& to, std::string_view topic, partition_id partition,
                           const record_view& record) const {
  auto out = std::back_inserter(to);
  for (const part& p : parts_) {
    switch (p.letter) {
      case 't':
        to += topic;
        break;
      case 'p':
        fmt::format_to(out, "{}", partition.value());
        break;
      case 'o':
        fmt::format_to(out, "{}", record.offset.value());
        break;
      case 'k':
        if (record.key) to += as_text(*record.key);
        break;
      case 's':
        if (record.value) to += as_text(*record.value);
        break;
      case 'T':
        fmt::format_to(out, "{}", record.timestamp_ms);
        break;
      case 'S':
        fmt::format_to(out, "{}", size_of(record.value));
        break;
      case 'K':
        fmt::format_to(out, "{}", size_of(record.key));
        break;
      case 'R': {
        const auto size = static_cast<std::uint32_t>(size_of(record.value));
        for (int shift = 24; shift >= 0; shift -= 8)
          to.push_back(static_cast<char>(size >> static_cast<unsigned>(shift)));
        break;
      }
      case 'h': {
        bool first = true;
        for (const header_view& header : record.headers) {
          if (!first) to.push_back(',');
          first = false;
          to += header.key;
          to.push_back('=');
          to += header.value ? as_text(*header.value) : std::string_view("NULL");
        }
        break;
      }
      default:
        to += p.text;
    }
  }
}

}  // namespace moldau::cli
