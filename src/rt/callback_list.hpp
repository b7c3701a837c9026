#pragma once

#include <boost/intrusive/list.hpp>
#include <functional>
#include <utility>

namespace moldau::rt {

/// A callback that waits in a list; destroying it takes it out.
class callback : public boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  explicit callback(std::move_only_function<void()> what) : what_(std::move(what)) {}
  callback(const callback&) = delete;
  callback& operator=(const callback&) = delete;

 private:
  friend class callback_list;
  std::move_only_function<void()> what_;
};

/// Callbacks that are called once, all together, at the next news. Lives on one core; so do its callbacks.
class callback_list {
 public:
  void add(callback& one) { waiting_.push_back(one); }
  [[nodiscard]] bool empty() const { return waiting_.empty(); }

  /// Calls and takes out all that wait now. One that is added meanwhile belongs to the next news; one that is destroyed
  /// meanwhile isn't called.
  void call_all() {
    list now;
    now.splice(now.end(), waiting_);
    while (!now.empty()) {
      callback& next = now.front();
      now.pop_front();
      next.what_();
    }
  }

 private:
  using list = boost::intrusive::list<callback, boost::intrusive::constant_time_size<false>>;
  list waiting_;
};

}  // namespace moldau::rt
