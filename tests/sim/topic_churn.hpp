#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "rt/task.hpp"
#include "tests/sim/client.hpp"
#include "tests/sim/session.hpp"

namespace moldau::scenarios {

/// Makes topics, writes to them and deletes them, a few names over and over; checks that a topic is as its last answer
/// said and that a new one holds nothing of an older one of its name. The only client that touches these names.
class topic_churn {
 public:
  topic_churn(client_context& context, std::string prefix);

  rt::task<void> run();
  /// Asks once more of every name.
  rt::task<bool> check_all();

 private:
  rt::task<bool> look(const std::string& name);
  rt::task<bool> create(const std::string& name);
  rt::task<bool> remove(const std::string& name);
  rt::task<bool> use(const std::string& name);
  [[nodiscard]] std::string some_name() const;
  [[nodiscard]] std::string name_of(std::uint64_t slot) const;
  /// A request had no answer and may still come to pass, long after others: another name takes its place.
  void give_up(const std::string& name);

  client_context& context_;
  std::string prefix_;
  session session_;
  std::int64_t written_ = 0;
  /// When the topics' ends were last known.
  std::uint64_t known_in_life_ = 0;
  std::array<int, 3> generations_{};
};

/// Creates a topic with that many partitions and properties ("segment.ms=1000 retention.ms=2000"), trying until it is
/// there.
rt::task<void> create_until_there(client_context& context, std::string name, std::int32_t partitions,
                                  std::string properties);

}  // namespace moldau::scenarios
