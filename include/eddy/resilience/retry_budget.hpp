// retry_budget: keeps retries from multiplying the load on something that is already failing.
#pragma once

#include <cstdint>

#include <eddy/base/time.hpp>

namespace eddy {

struct retry_budget_options {
  double ratio = 0.1;            ///< retries allowed per first attempt; 0.1 adds at most 10 % load
  std::uint32_t capacity = 100;  ///< retries that can be saved up; the budget starts full
  double per_second = 1;         ///< retries allowed however few calls there are
};

struct retry_budget_statistics {
  double available = 0;        ///< retries that could be made now
  std::uint64_t calls = 0;     ///< first attempts seen
  std::uint64_t retries = 0;   ///< retries paid for
  std::uint64_t refusals = 0;  ///< retries that were not made because the budget was empty
};

/// A token bucket shared by all calls that name it in their policy. Each call pays in, each retry takes one whole
/// token; when there is none, retry throws the failure it has. A retry that is cancelled in its pause was not made
/// and gives its token back. Belongs to one loop and must outlive the calls that use it.
class retry_budget {
 public:
  /// Throws invalid_input for negative numbers, or a capacity of zero.
  explicit retry_budget(retry_budget_options options = {});
  retry_budget(const retry_budget&) = delete;
  retry_budget& operator=(const retry_budget&) = delete;

  /// A call begins.
  void deposit();
  /// A retry is to be made: whether it may.
  [[nodiscard]] bool withdraw();
  /// A retry that was paid for is not made.
  void refund() noexcept;

  [[nodiscard]] retry_budget_statistics statistics();

 private:
  void accrue();
  void add(double tokens) noexcept;

  retry_budget_options options_;
  double tokens_;
  time_point accrued_at_ = time_point::min();
  retry_budget_statistics counts_;
};

}  // namespace eddy
