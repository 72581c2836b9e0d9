// circuit_breaker: stops calling what keeps failing, and finds out later whether it works again.
//
//                failures reach a threshold              reset time over: the next call is a trial
//       closed ────────────────────────────▶ open ◀───────────────────────────────────▶ half-open
//          ▲                                          a trial fails                          │
//          └─────────────────────────────────────────────────────────────────────────────────┘
//                                     enough trials succeeded
//
//   eddy::circuit_breaker breaker({.name = "billing", .failure_threshold = 5, .reset_time = 30s});
//   auto bill = co_await breaker.call([&] { return eddy::with_timeout(2s, fetch_bill(id)); });
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <eddy/base/time.hpp>
#include <eddy/coro/exception_group.hpp>
#include <eddy/coro/task.hpp>
#include <eddy/resilience/error.hpp>
#include <eddy/resilience/outcome_window.hpp>

namespace eddy {

enum class breaker_state : std::uint8_t { closed, open, half_open };

[[nodiscard]] std::string_view to_string(breaker_state state) noexcept;

/// Both modes may be on at once; either opens the circuit.
struct circuit_breaker_options {
  std::string_view name = "circuit breaker";  ///< copied; the peer of errors
  /// So many failures one after the other open it; zero: they are not counted.
  std::size_t failure_threshold = 5;
  /// This share of failures in the window opens it, the boundary included; zero: no window is kept. At most 1.
  double failure_rate = 0;
  /// The window: so many of the latest calls ...
  std::size_t window_calls = 100;
  /// ... or, unless zero, the calls that ended in the latest time of this length; it slides in sixteenths of itself.
  duration window_time = duration::zero();
  /// The rate counts only when so many calls are in the window.
  std::size_t minimum_volume = 10;
  /// How long it stays open before there is a trial.
  duration reset_time = std::chrono::seconds(30);
  /// Trials under way at once while it is half-open.
  std::size_t half_open_probes = 1;
  /// Trials that have to succeed, none failing, to close it.
  std::size_t required_successes = 1;
};

/// What a listener is told: one event for each change of state, in order.
struct breaker_event {
  breaker_state from;
  breaker_state to;
  time_point at;
  bool by_hand = false;  ///< by open(), close() or half_open()
};

struct circuit_breaker_statistics {
  breaker_state state = breaker_state::closed;
  std::size_t consecutive_failures = 0;
  std::size_t window_calls = 0;     ///< calls in the window
  std::size_t window_failures = 0;  ///< failures among them
  std::size_t probes = 0;           ///< trials under way
  std::uint64_t succeeded = 0;      ///< since construction; excluded errors count here
  std::uint64_t failed = 0;
  std::uint64_t cancelled = 0;  ///< calls that ended cancelled: neither success nor failure
  std::uint64_t rejected = 0;   ///< calls that were not made
  std::uint64_t opened = 0;     ///< how often the circuit opened
};

/// Thrown instead of calling; equals condition::overloaded.
class circuit_open_error : public error {
 public:
  circuit_open_error(std::string name, duration retry_in);
  /// Until the circuit lets a trial through; zero when it only waits for one that is under way.
  [[nodiscard]] duration retry_in() const noexcept { return retry_in_; }

 private:
  duration retry_in_;
};

/// Belongs to one loop; outlives its calls. A call that began in one state does not influence a later one: what ends
/// after the circuit has changed is counted in the totals only. A call that is cancelled counts neither way, and its
/// trial may be made by another. A time limit therefore belongs inside the call if exceeding it is to count as a
/// failure.
class circuit_breaker {
 public:
  using exclusion = std::function<bool(const std::exception_ptr&)>;
  using listener = std::function<void(const breaker_event&)>;

  /// Throws invalid_input for a rate outside [0, 1], a rate without window, no mode at all, or zero probes or
  /// successes.
  explicit circuit_breaker(const circuit_breaker_options& options = {});
  circuit_breaker(const circuit_breaker&) = delete;
  circuit_breaker& operator=(const circuit_breaker&) = delete;
  ~circuit_breaker();

  /// Errors that say nothing about the health of the other side: they pass and count as success. Replaces the former.
  void exclude(exclusion matches) { excluded_ = std::move(matches); }
  template <class... Errors>
    requires(sizeof...(Errors) > 0)
  void exclude() {
    exclude([](const std::exception_ptr& failure) {
      return (holds_exception<Errors>(failure) || ...);
    });
  }

  /// Called on each change of state, in the order in which they were added, from the code that causes the change. A
  /// listener may use the breaker; the events of that follow later. What it throws goes to the loop's error hook.
  void on_change(listener called) { listeners_.push_back(std::move(called)); }

  /// Awaits `fn()` and gives its value or failure; throws circuit_open_error without calling it when the circuit does
  /// not let it through. The callable lives until the call has ended.
  template <class Fn>
    requires coro::awaitable<std::invoke_result_t<Fn&>>
  auto call(Fn fn) -> task<coro::await_result<std::invoke_result_t<Fn&>>> {
    using R = coro::await_result<std::invoke_result_t<Fn&>>;
    permit allowed = admit();
    try {
      if constexpr (std::is_void_v<R>) {
        co_await std::invoke(fn);
        allowed.succeeded();
        co_return;
      } else {
        R value = co_await std::invoke(fn);
        allowed.succeeded();
        co_return std::forward<R>(value);
      }
    } catch (const cancelled&) {
      throw;
    } catch (...) {
      allowed.failed(std::current_exception());
      throw;
    }
  }

  /// The state it is in. An open circuit becomes half-open with the first call after the reset time, not before.
  [[nodiscard]] breaker_state state() const noexcept { return state_; }

  /// By hand. open() restarts the reset time, in any state; duration::max() keeps it open until it is changed by hand.
  void open();
  void open(duration reset_time);
  void close();
  void half_open();

  [[nodiscard]] circuit_breaker_statistics statistics();

  /// The right to make one call; for those who cannot use call(). Reports its outcome once; destroyed without a report
  /// it counts as cancelled.
  class [[nodiscard]] permit {
   public:
    permit(permit&& other) noexcept
        : breaker_(std::exchange(other.breaker_, nullptr)), generation_(other.generation_) {}
    permit& operator=(permit&&) = delete;
    ~permit();
    void succeeded();
    void failed(const std::exception_ptr& failure);

   private:
    friend circuit_breaker;
    permit(circuit_breaker& breaker, std::uint64_t generation) noexcept
        : breaker_(&breaker), generation_(generation) {}
    circuit_breaker* breaker_;
    std::uint64_t generation_;
  };
  /// Throws circuit_open_error when no call may be made.
  permit admit();

 private:
  void reject();
  void change_to(breaker_state next, bool by_hand);
  void end_call(std::uint64_t generation, bool success);
  void count_closed(bool success);
  void count_trial(bool success);
  [[nodiscard]] bool rate_exceeded();
  void tell_listeners() noexcept;

  circuit_breaker_options options_;
  std::string name_;
  exclusion excluded_;
  std::vector<listener> listeners_;
  std::deque<breaker_event> untold_;
  bool telling_ = false;

  breaker_state state_ = breaker_state::closed;
  std::uint64_t generation_ = 0;  // of the state: each change begins another
  std::size_t calls_ = 0;         // under way
  std::size_t consecutive_failures_ = 0;
  std::optional<resilience::detail::outcome_window> window_;
  time_point reopens_at_{};
  std::size_t probes_ = 0;
  std::size_t trial_successes_ = 0;
  circuit_breaker_statistics totals_;
};

}  // namespace eddy
