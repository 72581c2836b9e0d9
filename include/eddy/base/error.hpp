// Errors: what went wrong, in which operation, with whom, and what a caller should do next.
//
//   std::system_error
//   └── eddy::error             a failed operation: code, operation, peer, progress
//       └── eddy::timeout_error a deadline set by with_timeout or with_deadline passed
//   eddy::cancelled             not an error: the request to stop (see coro/cancelled.hpp)
//   eddy::exception_group       several failures at once (see coro/exception_group.hpp)
//
// Each module has its own error codes. Across modules a code compares equal to the `condition` that says what to do:
//
//   try { ... } catch (const eddy::error& e) { if (e == eddy::condition::disconnected) reconnect(); }
#pragma once

#include <array>
#include <cstddef>
#include <source_location>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

namespace eddy {

/// Codes of the runtime's own modules (coro, runtime, sync, io, net).
enum class errc {
  task_cancelled = 1,  ///< the awaited task was cancelled, so it has no result
  stray_cancelled,     ///< a `cancelled` left a task that its scope is not around
  not_ready,           ///< a started task ended before it reported ready
  already_set,         ///< the promise already has a value or an error
  broken_promise,      ///< the promise was destroyed without a value
  closed,              ///< the object, or the other side's handles, were closed
  shut_down,           ///< the queue was shut down
  broken_barrier,      ///< the barrier was reset or aborted
  busy,                ///< another task is already reading, or writing
  incomplete,          ///< the stream ended before what was asked for had arrived
  limit_exceeded,      ///< more data, connections or items than the set limit
  invalid_input,       ///< an argument outside its documented range
  timed_out,           ///< a deadline passed
  interrupted,         ///< a signal asked the program to end
  unsupported,         ///< not available on this system, driver or build
  host_not_found,      ///< the name has no address
  resolve_failed,      ///< the name servers could not be asked, or failed
  overloaded,          ///< refused now; later may work
  lagged,              ///< a receiver was too slow, so items were dropped
};

/// What a caller should do about an error, whichever module it came from.
enum class condition {
  timed_out = 1,  ///< try again, or give up the larger job
  disconnected,   ///< the other side is gone: connect anew
  overloaded,     ///< try later, or elsewhere
  invalid_input,  ///< the request itself is wrong: do not repeat it
  unsupported,    ///< not possible here: choose another way
  failed,         ///< anything else
};

[[nodiscard]] const std::error_category& error_category() noexcept;
[[nodiscard]] const std::error_category& condition_category() noexcept;
[[nodiscard]] std::error_code make_error_code(errc code) noexcept;
[[nodiscard]] std::error_condition make_error_condition(condition kind) noexcept;

/// The condition `code` belongs to. Codes of other libraries (errno) are mapped too; unknown ones are `failed`.
[[nodiscard]] condition condition_of(const std::error_code& code) noexcept;

/// A category whose codes know their condition derives from this instead of std::error_category; then
/// `code == condition::disconnected` works for it.
class error_category_base : public std::error_category {
 public:
  [[nodiscard]] virtual condition condition_for(int code) const noexcept = 0;
  [[nodiscard]] std::error_condition default_error_condition(int code) const noexcept override;
};

/// Where the awaits of the running task stand, innermost first: writes at most `most` places and returns how many. The
/// runtime installs it; outside tasks there are none.
using async_stack_source = std::size_t (*)(std::source_location* out, std::size_t most) noexcept;
void set_async_stack_source(async_stack_source source) noexcept;

/// A failed operation. A value: copyable, independent of the loop, usable on any thread.
class error : public std::system_error {
 public:
  /// `operation` is the verb that failed ("connect"), `peer` the other side as text, if there is one.
  explicit error(std::error_code code, std::string operation = {}, std::string peer = {});

  [[nodiscard]] const std::string& operation() const noexcept { return operation_; }
  [[nodiscard]] const std::string& peer() const noexcept { return peer_; }
  /// The awaits of the task that made the error, innermost first; the outermost are left out beyond a dozen. Empty
  /// outside tasks.
  [[nodiscard]] std::span<const std::source_location> async_stack() const noexcept {
    return std::span(stack_).first(stack_size_);
  }
  /// Bytes or items that were done before the failure.
  [[nodiscard]] std::size_t progress() const noexcept { return progress_; }
  error& set_progress(std::size_t done) noexcept {
    progress_ = done;
    return *this;
  }

  friend bool operator==(const error& e, condition kind) noexcept {
    return e.code() == make_error_condition(kind);
  }
  friend bool operator==(const error& e, errc code) noexcept {
    return e.code() == make_error_code(code);
  }

 private:
  std::string operation_;
  std::string peer_;
  std::size_t progress_ = 0;
  std::size_t stack_size_ = 0;
  std::array<std::source_location, 12> stack_;
};

/// A deadline of with_timeout or with_deadline passed. Equals condition::timed_out.
class timeout_error : public error {
 public:
  explicit timeout_error(std::string operation = "timeout");
};

[[noreturn]] void throw_error(errc code, std::string_view operation);
[[noreturn]] void throw_error(std::error_code code, std::string_view operation);
/// An argument outside its documented range; `what` names it.
[[noreturn]] void throw_invalid_input(std::string_view what);

}  // namespace eddy

template <>
struct std::is_error_code_enum<eddy::errc> : std::true_type {};
template <>
struct std::is_error_condition_enum<eddy::condition> : std::true_type {};
