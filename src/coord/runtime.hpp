#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "coord/record.hpp"
#include "moldau/core/errc.hpp"
#include "moldau/core/ids.hpp"
#include "moldau/core/result.hpp"

namespace moldau::coord {

/// What a coordinator keeps in its partition.
class state_machine {
 public:
  virtual ~state_machine() = default;
  /// Takes a record into the state: one just appended, or one met in replay. A tombstone has no value.
  virtual void apply(bytes_view key, std::optional<bytes_view> value, record_place place) = 0;
};

/// The replicated half of every coordinator: gathers what handlers write, hands it to its owner as batches, applies it
/// once it stands in the log, and calls back once it is committed.
///
/// Without I/O: the owner gives `append`, which only queues, and tells what has been committed. Not thread safe.
class runtime {
 public:
  /// Appends records as one batch and returns the offset after the last. On an error nothing was appended.
  using appender = std::function<result<offset>(std::span<const record>)>;
  /// Gets `errc::none` once committed, otherwise why that will not happen.
  using callback = std::move_only_function<void(errc)>;

  struct write_options {
    /// Whether the records change the state by `apply`; a handler that has changed it already says no.
    bool apply = true;
    /// Whether all records must come into one batch.
    bool atomic = true;
  };

  struct options {
    /// Bounds a batch before compression.
    std::size_t batch_bytes_max = 1'048'588;
    /// How long a callback waits for its commit; then it gets `errc::request_timed_out`, whatever becomes of the write.
    std::int64_t commit_timeout_ms = 5000;
  };

  runtime(state_machine& machine, appender append, options options)
      : machine_(machine), append_(std::move(append)), options_(options) {}

  /// Takes the time in: before anything else that happens at it.
  void set_time(std::int64_t now_ms) { now_ms_ = now_ms; }
  /// Gives up waiting for commits that haven't come in their time.
  void expire();
  [[nodiscard]] std::optional<std::int64_t> next_deadline_ms() const;

  /// Gathers `records`; `done` is called when they are committed, or can't be, never from inside this call unless they
  /// are too large for any batch (`errc::record_list_too_large`).
  void write(std::vector<record> records, write_options options, callback done);
  void write(std::vector<record> records, callback done) { write(std::move(records), {}, std::move(done)); }
  /// Calls `done` once all that was written before is committed: at once if it is.
  void after_writes(callback done);

  /// Appends what has been gathered.
  void flush();
  [[nodiscard]] bool has_gathered() const { return !gathered_.empty(); }
  /// The end of what has been appended and isn't committed yet.
  [[nodiscard]] std::optional<offset> uncommitted_end() const;

  /// Everything below `end` is committed.
  void committed(offset end);
  /// Nothing will be committed any more: everybody who waits gets `why`.
  void fail(errc why);

 private:
  struct gathered {
    std::vector<record> records;
    bool apply = true;
    callback done;
  };
  struct waiting {
    offset end;
    std::int64_t deadline_ms = 0;
    callback done;
  };

  state_machine& machine_;
  appender append_;
  options options_;
  std::int64_t now_ms_ = 0;
  std::vector<gathered> gathered_;
  std::size_t gathered_bytes_ = 0;
  std::deque<waiting> waiting_;
};

}  // namespace moldau::coord
