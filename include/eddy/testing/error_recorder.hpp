// Receives what goes to the error hook, so that a test can expect it.
#pragma once

#include <vector>

#include <eddy/coro/scheduler.hpp>

namespace eddy::testing {

/// While it lives inside a virtual run, failures nobody observed come here instead of failing the run; the innermost
/// recorder gets them. Made and destroyed in the run, on its thread.
class error_recorder {
 public:
  error_recorder();
  error_recorder(const error_recorder&) = delete;
  error_recorder& operator=(const error_recorder&) = delete;
  ~error_recorder();

  [[nodiscard]] const std::vector<failure_report>& reports() const noexcept { return reports_; }
  [[nodiscard]] std::size_t count() const noexcept { return reports_.size(); }
  /// What was recorded; the record is empty afterwards.
  [[nodiscard]] std::vector<failure_report> take() { return std::exchange(reports_, {}); }

 private:
  friend class virtual_run;
  std::vector<failure_report> reports_;
};

}  // namespace eddy::testing
