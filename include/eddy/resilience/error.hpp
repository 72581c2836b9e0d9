// What the parts of this module refuse with, beside the errors of what they call.
//
//   eddy::error
//   ├── eddy::not_accepted<R>   retry: the last attempt's result was not accepted either; holds it
//   └── eddy::error             with one of the codes below
//
// Closed pools and batchers throw eddy::errc::closed, time limits eddy::timeout_error.
#pragma once

#include <cstdint>
#include <system_error>
#include <utility>

#include <eddy/base/error.hpp>

namespace eddy::resilience {

/// All but result_rejected compare equal to condition::overloaded: nothing was called, later may work.
enum class errc : std::uint8_t {
  circuit_open = 1,  ///< the circuit breaker is open, or half-open with all its trials under way
  bulkhead_full,     ///< as many calls run and wait as may
  result_rejected,   ///< no attempt gave a result that was accepted; condition::failed
};

[[nodiscard]] const std::error_category& category() noexcept;
[[nodiscard]] std::error_code make_error_code(errc code) noexcept;

}  // namespace eddy::resilience

template <>
struct std::is_error_code_enum<eddy::resilience::errc> : std::true_type {};

namespace eddy {

/// Thrown by retry when the last result allowed was not accepted.
template <class R>
class not_accepted : public error {
 public:
  explicit not_accepted(R last)
      : error(make_error_code(resilience::errc::result_rejected), "retry"),
        last_(std::move(last)) {}

  /// What the last attempt gave.
  [[nodiscard]] const R& last() const noexcept { return last_; }
  [[nodiscard]] R& last() noexcept { return last_; }

 private:
  R last_;
};

}  // namespace eddy
