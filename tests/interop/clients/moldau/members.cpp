#include <atomic>
#include <iostream>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <sstream>
#include <thread>

#include "records.hpp"
#include "talk.hpp"

namespace moldau::interop {

namespace {

std::mutex output;

void say(const std::string& line) {
  const std::lock_guard held(output);
  fmt::print("{}\n", line);
  std::fflush(stdout);
}

/// A member that tells what it owns and reads.
class told_member {
 public:
  told_member(std::string name, const std::string& group, const std::string& strategy, const std::string& topic,
              const client::properties& more)
      : name_(std::move(name)) {
    client::properties given = more;
    given["group.id"] = group;
    given["partition.assignment.strategy"] = strategy;
    from_.emplace(make_consumer(given));
    thread_ = std::thread([this, topic] { run(topic); });
  }
  ~told_member() {
    stopping_ = true;
    thread_.join();
  }
  told_member(const told_member&) = delete;
  told_member& operator=(const told_member&) = delete;

 private:
  void run(const std::string& topic) {
    try {
      good(from_->subscribe({topic}).get(), "subscribing");
      while (!stopping_) step();
      good(from_->close().get(), "closing the consumer");
      say(fmt::format("left {}", name_));
    } catch (const std::exception& why) {
      say(fmt::format("failed {} {}", name_, why.what()));
    }
  }

  void step() {
    std::vector<std::string> lines;
    const auto got = good(from_->poll(std::chrono::milliseconds(50)).get(), "polling");
    for (const auto& batch : got.batches) {
      for (const record_view& record : batch) {
        lines.push_back(fmt::format("read {} {} {}", name_, batch.partition().value(), as_text(record.value.value())));
      }
    }
    if (!lines.empty()) {
      const auto done = from_->commit().get();
      if (!done && done.error().code != errc::rebalance_in_progress) good(done, "committing");
    }
    for (const std::string& line : lines) say(line);
    std::set<std::int32_t> now;
    for (const auto& at : good(from_->assignment().get(), "asking for the assignment"))
      now.insert(at.partition.value());
    if (now == owned_) return;
    owned_ = now;
    std::string text;
    for (const std::int32_t id : now) text += (text.empty() ? "" : ",") + std::to_string(id);
    say(fmt::format("owned {} {}", name_, text.empty() ? "-" : text));
  }

  std::string name_;
  std::optional<client::consumer> from_;
  std::atomic<bool> stopping_ = false;
  std::set<std::int32_t> owned_;
  std::thread thread_;
};

}  // namespace

int run_members() {
  std::map<std::string, std::unique_ptr<told_member>> members;
  std::string line;
  while (std::getline(std::cin, line)) {
    std::istringstream words(line);
    std::string what;
    std::string name;
    words >> what >> name;
    if (what == "join") {
      std::string group;
      std::string strategy;
      std::string topic;
      std::string instance;
      words >> group >> strategy >> topic >> instance;
      client::properties more;
      if (!instance.empty()) more["group.instance.id"] = instance;
      members[name] = std::make_unique<told_member>(name, group, strategy, topic, more);
    } else if (what == "leave") {
      members.erase(name);
    }
  }
  return 0;
}

}  // namespace moldau::interop
