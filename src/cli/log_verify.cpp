#include <fmt/format.h>

#include "cli/commands.hpp"
#include "cli/io_progress.hpp"
#include "cli/json_text.hpp"
#include "offline/verify.hpp"

namespace moldau::cli {

namespace {

/// What `--output json` calls it, and what a person is told.
struct shown_remedy {
  const char* name;
  const char* sentence;
};
shown_remedy shown(offline::remedy what) {
  switch (what) {
    case offline::remedy::start:
      return {"start", " (mended at the next start)"};
    case offline::remedy::remove:
      return {"remove", " (remove it while the broker is stopped: the next start makes it anew)"};
    case offline::remedy::recover:
      return {
          "recover",
          " (remove .kafka_cleanshutdown and recovery-point-offset-checkpoint of its log directory while the broker "
          "is stopped: the next start makes it anew)"};
    case offline::remedy::none:
      return {"none", " (not damaged, but it is not compacted, and not found by timestamp)"};
    case offline::remedy::copy:
      break;
  }
  return {"copy", ""};
}

}  // namespace

int log_verify(const context& in, const log_arguments& told) {
  rt::file_system& files = *in.given->files;
  offline::verified found;
  {
    io::progress work("verifying");
    for (const std::string& path : told.paths) {
      const auto folders = offline::partition_folders(files, path);
      if (!folders) return report(folders.error());
      std::uint64_t done = 0;
      for (const std::string& folder : *folders) {
        const auto checked = offline::verify_partition(files, folder, found, [&](const offline::verified& so_far) {
          work.show(done, folders->size(), so_far.records);
        });
        if (!checked) return report(checked.error());
        work.show(++done, folders->size(), found.records);
      }
    }
  }
  bool damaged = false;
  bool wrong = false;
  json findings = json::array();
  for (const offline::finding& one : found.findings) {
    damaged = damaged || one.remedy == offline::remedy::copy;
    wrong = wrong || one.remedy != offline::remedy::none;
    if (in.output == output_form::json) {
      findings.push_back({{"path", one.path}, {"what", one.sentence}, {"remedy", shown(one.remedy).name}});
    } else {
      fmt::print("{}: {}{}\n", one.path, one.sentence, shown(one.remedy).sentence);
    }
  }
  if (in.output == output_form::json) {
    print_json({{"partitions", found.partitions},
                {"segments", found.segments},
                {"batches", found.batches},
                {"records", found.records},
                {"bytes", found.bytes},
                {"findings", std::move(findings)}});
  } else {
    fmt::print("{} partitions, {} segments, {} batches, {} records, {} bytes: {}\n", found.partitions, found.segments,
               found.batches, found.records, found.bytes,
               found.findings.empty() ? std::string("all as it should be")
                                      : fmt::format("{} findings", found.findings.size()));
  }
  if (damaged) return report({errc::corrupt_message, "records are damaged: restore them from a replica or a copy"});
  return wrong ? exit_failed : exit_ok;
}

}  // namespace moldau::cli
