#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "wire/reader.hpp"
#include "wire_roundtrip/roundtrip.hpp"

namespace moldau::wire {
namespace {

constexpr int defaults_variant = 0;

struct golden {
  std::string name;
  std::int16_t version = 0;
  int variant = 0;
  bytes_view bytes;
};

/// "FetchRequestData" is our "fetch_request", "KRaftVersionRecord" our "kraft_version_record".
std::string our_name(std::string kafkas) {
  for (const std::string_view kind : {"RequestData", "ResponseData", "HeaderData"}) {
    if (kafkas.ends_with(kind)) kafkas.resize(kafkas.size() - 4);
  }
  if (kafkas.starts_with("KRaft")) kafkas[1] = 'r';
  std::string out;
  for (const char c : kafkas) {
    if (c >= 'A' && c <= 'Z') {
      if (!out.empty()) out.push_back('_');
      out.push_back(static_cast<char>(c - 'A' + 'a'));
    } else {
      out.push_back(c);
    }
  }
  return out;
}

std::vector<golden> parse(bytes_view file) {
  std::vector<golden> out;
  reader in(file);
  while (in.ok() && in.remaining() > 0) {
    golden& entry = out.emplace_back();
    entry.name = our_name(std::string(in.string(false)));
    entry.version = in.i16();
    entry.variant = in.i8();
    entry.bytes = in.bytes(false);
  }
  EXPECT_TRUE(in.ok());
  return out;
}

const std::vector<golden>& goldens() {
  static const std::vector<char> file = [] {
    std::ifstream in(MOLDAU_GOLDEN_FILE, std::ios::binary | std::ios::ate);
    if (!in) return std::vector<char>();
    std::vector<char> out(static_cast<std::size_t>(in.tellg()));
    in.seekg(0).read(out.data(), static_cast<std::streamsize>(out.size()));
    return out;
  }();
  static const std::vector<golden> out = parse(as_bytes({file.data(), file.size()}));
  return out;
}

const roundtrip_entry* find(std::string_view name) {
  for (const roundtrip_entry& entry : roundtrip_entries()) {
    if (entry.name == name) return &entry;
  }
  return nullptr;
}

std::string hex(bytes_view bytes) {
  static constexpr std::size_t shown_max = 400;
  std::string out;
  for (const std::byte b : bytes.first(std::min(bytes.size(), shown_max))) {
    out.push_back("0123456789abcdef"[std::to_integer<unsigned>(b) >> 4U]);
    out.push_back("0123456789abcdef"[std::to_integer<unsigned>(b) & 15U]);
  }
  return out;
}

std::string where(const golden& entry) {
  return entry.name + " version " + std::to_string(entry.version) + " variant " + std::to_string(entry.variant);
}

TEST(GoldenBytes, DecodeAndEncodeAsKafkaWroteThem) {
  ASSERT_FALSE(goldens().empty()) << "run make.py first: " << MOLDAU_GOLDEN_FILE;
  for (const golden& entry : goldens()) {
    const roundtrip_entry* const ours = find(entry.name);
    if (ours == nullptr) continue;  // the next test's subject
    const auto again = ours->again(entry.bytes, entry.version);
    if (!again) {
      ADD_FAILURE() << where(entry) << ": " << again.error().message << "\nkafka " << hex(entry.bytes);
    } else if (!same_bytes(*again, entry.bytes)) {
      ADD_FAILURE() << where(entry) << "\nkafka " << hex(entry.bytes) << "\nours  " << hex(*again);
    }
  }
}

TEST(GoldenBytes, DefaultsAreKafkas) {
  for (const golden& entry : goldens()) {
    const roundtrip_entry* const ours = find(entry.name);
    if (ours == nullptr || entry.variant != defaults_variant) continue;
    const auto bytes = ours->defaults(entry.version);
    if (!bytes) {
      ADD_FAILURE() << where(entry) << ": " << bytes.error().message;
    } else if (!same_bytes(*bytes, entry.bytes)) {
      ADD_FAILURE() << where(entry) << "\nkafka " << hex(entry.bytes) << "\nours  " << hex(*bytes);
    }
  }
}

TEST(GoldenBytes, KafkaHasNoMessageOrVersionThatWeLack) {
  std::set<std::string> lacking;
  for (const golden& entry : goldens()) {
    const roundtrip_entry* const ours = find(entry.name);
    if (ours == nullptr || entry.version < ours->min_version || entry.version > ours->max_version) {
      lacking.insert(entry.name + " version " + std::to_string(entry.version));
    }
  }
  EXPECT_EQ(lacking, std::set<std::string>{});
}

TEST(GoldenBytes, EveryMessageAtEveryVersionHasSome) {
  std::map<std::pair<std::string, std::int16_t>, int> count;
  for (const golden& entry : goldens()) {
    if (entry.variant != defaults_variant) ++count[{entry.name, entry.version}];
  }
  std::set<std::string> names;
  for (const roundtrip_entry& entry : roundtrip_entries()) {
    EXPECT_TRUE(names.emplace(entry.name).second) << entry.name << " is in two folders";
    for (std::int16_t version = entry.min_version; version <= entry.max_version; ++version) {
      EXPECT_GE((count[{std::string(entry.name), version}]), 7) << entry.name << " version " << version;
    }
  }
}

TEST(GoldenBytes, CutShortAreMalformedNotMore) {
  for (const golden& entry : goldens()) {
    const roundtrip_entry* const ours = find(entry.name);
    if (ours == nullptr || entry.bytes.size() > 600) continue;
    for (std::size_t size = 0; size < entry.bytes.size(); ++size) {
      // A copy of its own, so that the sanitizer sees a read past the end.
      const std::vector<std::byte> cut(entry.bytes.begin(), entry.bytes.begin() + static_cast<std::ptrdiff_t>(size));
      const auto again = ours->again(cut, entry.version);
      ASSERT_FALSE(again.has_value()) << where(entry) << " cut to " << size;
      ASSERT_EQ(again.error().code, errc::malformed) << where(entry) << " cut to " << size;
    }
  }
}

TEST(GoldenBytes, AChangedByteIsMalformedOrAnotherMessage) {
  for (const golden& entry : goldens()) {
    const roundtrip_entry* const ours = find(entry.name);
    if (ours == nullptr || entry.bytes.size() > 200) continue;
    for (std::size_t at = 0; at < entry.bytes.size(); ++at) {
      for (const unsigned flip : {0x01U, 0x80U, 0xffU}) {
        std::vector<std::byte> changed(entry.bytes.begin(), entry.bytes.end());
        changed[at] ^= static_cast<std::byte>(flip);
        const auto again = ours->again(changed, entry.version);
        // Quotas hold floating point, where a changed byte may make a number that doesn't equal itself.
        if (again || again.error().code == errc::malformed || entry.name.contains("quota")) continue;
        ADD_FAILURE() << where(entry) << " byte " << at << " ^ " << flip << ": " << again.error().message;
      }
    }
  }
}

}  // namespace
}  // namespace moldau::wire
