// The calls of a pool that the driver makes itself, in virtual time and without threads.
#pragma once

#include <cstddef>
#include <memory>

#include <eddy/base/intrusive_list.hpp>
#include <eddy/runtime/offload.hpp>

namespace eddy::runtime {

/// Used on the loop's thread only. A call begins when it has a place, takes as long as the script says, and is made at
/// the end of that time; who is cancelled before is seen by it.
class offload::scripted : public std::enable_shared_from_this<offload::scripted> {
 public:
  explicit scripted(offload& pool) noexcept : pool_(pool) {}

  /// False: the driver has no script, and nothing has changed.
  bool submit(const std::shared_ptr<thread_job>& job);
  withdrawal withdraw(thread_job& job, bool abandon, const coro::cancel_info_ptr& why) noexcept;
  [[nodiscard]] std::size_t abandoned() const noexcept { return abandoned_; }
  /// Makes the calls that nobody waits for any more now, whatever the script says.
  void stop() noexcept;

 private:
  bool begin(const std::shared_ptr<thread_job>& job);
  void end(thread_job& job) noexcept;
  void begin_next();

  offload& pool_;
  intrusive_list<thread_job> queue_;
  intrusive_list<thread_job> running_;
  std::size_t running_count_ = 0;
  std::size_t abandoned_ = 0;
};

}  // namespace eddy::runtime
