// Cancelling at every point: does an operation hold its promises wherever a cancellation, or an error, hits it?
//
//   eddy::testing::disturbed_runs runs([](eddy::testing::trial& t) -> eddy::task<void> {
//     eddy::semaphore permits(1);
//     co_await t.expose(use_one(permits));               // disturbed here, at another point in each run
//     EXPECT_EQ(permits.statistics().available, 1);      // the invariant
//   });
//   while (runs.next()) { for (const auto& problem : runs.problems()) ...; }
//
// With GoogleTest: cancel_everywhere of gtest.hpp. The first run is undisturbed and counts the points of what is
// exposed, children included: each operation entered, each suspension, each step of a task. Then there is a run of its
// own, in virtual time from the same seed, for each
//
//   entry       cancelled just before the operation's check: it is refused
//   suspension  cancelled just after it was suspended: it is withdrawn
//   step        cancelled just before the task goes on: what was granted stays granted
//   entry       the operation fails with injected_error instead, having done nothing
//
// and each of them must end, leave nothing behind and keep what the body checks. Joins of constructs, which can be
// neither refused nor withdrawn, are no operations here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <eddy/coro/result.hpp>
#include <eddy/coro/scheduler.hpp>
#include <eddy/coro/scope.hpp>
#include <eddy/testing/virtual_run.hpp>

namespace eddy::testing {

/// What hits the exposed operation in one run.
enum class disturbance : std::uint8_t {
  none,
  cancel_at_entry,
  cancel_in_suspension,
  cancel_before_step,
  error_at_entry,
};

[[nodiscard]] std::string_view to_string(disturbance kind) noexcept;

/// What operations fail with in runs with error_at_entry.
class injected_error : public std::exception {
 public:
  [[nodiscard]] const char* what() const noexcept override { return "injected error"; }
};

/// How often something happened that can be disturbed.
struct point_counts {
  std::size_t entries = 0;
  std::size_t suspensions = 0;
  std::size_t steps = 0;
};

/// One run, as its body sees it. Used on the run's loop; exposes one operation.
class trial final : private coro::operation_observer {
 public:
  /// Undisturbed, or disturbed at the `nth` (from 1) point of its kind.
  explicit trial(disturbance kind = disturbance::none, std::size_t nth = 0) noexcept
      : kind_(kind), nth_(nth) {}
  trial(const trial&) = delete;
  trial& operator=(const trial&) = delete;

  /// Awaits `op` inside a scope of its own, disturbing it, and gives how it ended. Only once.
  template <coro::awaitable A>
  task<result<coro::await_result<A>>> expose(A op) {
    std::optional<result<coro::await_result<A>>> ended;
    auto body = [&](cancel_scope&) -> task<void> {
      const observation here(*this);
      ended.emplace(co_await as_result(std::move(op)));
    };
    co_await with_scope(scope_, body);
    co_return std::move(*ended);
  }

  [[nodiscard]] disturbance kind() const noexcept { return kind_; }
  /// Whether the point of this run has been reached.
  [[nodiscard]] bool disturbed() const noexcept { return disturbed_; }
  [[nodiscard]] const point_counts& counts() const noexcept { return counts_; }

 private:
  /// Observes the loop while the body of the scope runs.
  class observation {
   public:
    explicit observation(trial& t);
    observation(const observation&) = delete;
    observation& operator=(const observation&) = delete;
    ~observation();
  };

  [[nodiscard]] bool covers(const coro::task_state& task) const noexcept;
  void count(std::size_t& points, disturbance kind) noexcept;
  void entering(coro::task_state& task) override;
  void suspended(coro::task_state& task) noexcept override;
  void resuming(coro::task_state& task) noexcept override;

  disturbance kind_;
  std::size_t nth_;
  bool disturbed_ = false;
  point_counts counts_;
  cancel_scope scope_;
  const coro::scope_node* node_ = nullptr;  // of scope_, while it is entered
};

/// How disturbed_runs works.
struct everywhere_options {
  virtual_options run = {};  ///< of each run
  bool errors = true;        ///< also let operations fail
  std::size_t limit =
      10'000;  ///< of points of one kind; more are a problem, not tested silently in part

  everywhere_options() = default;
};

/// The runs of one body, one after the other. The body makes everything it uses afresh.
class disturbed_runs {
 public:
  using body = std::function<task<void>(trial&)>;

  explicit disturbed_runs(body b, const everywhere_options& options = {});

  /// Makes the next run; false when all have been made, or the undisturbed one had problems.
  bool next();
  /// The run that next() made: "cancelled at entry 3 of 7".
  [[nodiscard]] std::string describe() const;
  /// The same for the run that next() will make.
  [[nodiscard]] std::string describe_next() const;
  /// What went wrong in it: hangs, leaks, failures of the body.
  [[nodiscard]] const std::vector<std::string>& problems() const noexcept { return problems_; }
  /// Runs made so far.
  [[nodiscard]] std::size_t made() const noexcept { return made_; }

 private:
  struct point {
    disturbance kind = disturbance::none;
    std::size_t nth = 0;
  };
  [[nodiscard]] std::string describe(const point& at) const;
  [[nodiscard]] std::size_t points_of(disturbance kind) const noexcept;
  [[nodiscard]] std::optional<point> after(point last) const noexcept;
  void make(const point& at);

  body body_;
  everywhere_options options_;
  point_counts counts_;
  point current_;
  std::optional<point> next_ = point();
  std::vector<std::string> problems_;
  std::size_t made_ = 0;
};

}  // namespace eddy::testing
