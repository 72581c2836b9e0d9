#include <eddy/testing/everywhere.hpp>

#include <utility>

#include <eddy/base/check.hpp>
#include <eddy/coro/exception_group.hpp>
#include <eddy/coro/frame_pool.hpp>
#include <eddy/testing/requirement.hpp>

namespace eddy::testing {

std::string_view to_string(disturbance kind) noexcept {
  switch (kind) {
    case disturbance::none: return "undisturbed";
    case disturbance::cancel_at_entry: return "cancelled at entry";
    case disturbance::cancel_in_suspension: return "cancelled in suspension";
    case disturbance::cancel_before_step: return "cancelled before step";
    case disturbance::error_at_entry: return "failing at entry";
  }
  return "unknown";
}

// --- trial ---

trial::observation::observation(trial& t) {
  auto& loop = coro::scheduler::require();
  check(loop.observer() == nullptr, "a trial exposes one operation at a time");
  t.node_ = loop.require_task().innermost_scope();
  loop.set_observer(&t);
}

trial::observation::~observation() { coro::scheduler::require().set_observer(nullptr); }

bool trial::covers(const coro::task_state& task) const noexcept {
  for (const auto* scope = task.innermost_scope(); scope != nullptr; scope = scope->parent()) {
    if (scope == node_) return true;
  }
  return false;
}

void trial::count(std::size_t& points, disturbance kind) noexcept {
  if (++points != nth_ || kind != kind_) return;
  disturbed_ = true;
  scope_.cancel(cancel_reason::requested, "a test cancels at every point");
}

void trial::entering(coro::task_state& task) {
  if (!covers(task)) return;
  count(counts_.entries, disturbance::cancel_at_entry);
  if (kind_ != disturbance::error_at_entry || counts_.entries != nth_) return;
  disturbed_ = true;
  throw injected_error();
}

void trial::suspended(coro::task_state& task) noexcept {
  if (covers(task)) count(counts_.suspensions, disturbance::cancel_in_suspension);
}

void trial::resuming(coro::task_state& task) noexcept {
  if (covers(task)) count(counts_.steps, disturbance::cancel_before_step);
}

// --- disturbed_runs ---

disturbed_runs::disturbed_runs(body b, const everywhere_options& options)
    : body_(std::move(b)), options_(options) {}

std::size_t disturbed_runs::points_of(disturbance kind) const noexcept {
  switch (kind) {
    case disturbance::none: return 0;
    case disturbance::cancel_at_entry: return counts_.entries;
    case disturbance::cancel_in_suspension: return counts_.suspensions;
    case disturbance::cancel_before_step: return counts_.steps;
    case disturbance::error_at_entry: return options_.errors ? counts_.entries : 0;
  }
  return 0;
}

std::optional<disturbed_runs::point> disturbed_runs::after(point last) const noexcept {
  for (;;) {
    if (last.nth < points_of(last.kind)) return point{last.kind, last.nth + 1};
    if (last.kind == disturbance::error_at_entry) return std::nullopt;
    last = {static_cast<disturbance>(std::to_underlying(last.kind) + 1), 0};
  }
}

std::string disturbed_runs::describe(const point& at) const {
  std::string text(to_string(at.kind));
  if (at.nth == 0) return text;
  return text + " " + std::to_string(at.nth) + " of " + std::to_string(points_of(at.kind));
}

std::string disturbed_runs::describe() const { return describe(current_); }

std::string disturbed_runs::describe_next() const {
  return next_ ? describe(*next_) : std::string("no further run");
}

bool disturbed_runs::next() {
  if (!next_) return false;
  current_ = *next_;
  problems_.clear();
  make(current_);
  ++made_;
  // What fails undisturbed says nothing when it is disturbed.
  next_ = current_.kind == disturbance::none && !problems_.empty() ? std::nullopt : after(current_);
  return true;
}

void disturbed_runs::make(const point& at) {
  trial one(at.kind, at.nth);
  {
    auto call = [&] { return body_(one); };
    runtime::typed_main<void, decltype(call)> entry(call, std::source_location::current());
    virtual_run run(options_.run);
    run.run(entry, coro::live_frames());
    problems_ = run.problems();
    if (run.failure() && !holds_exception<requirement_failed>(run.failure())) {
      problems_.push_back("the body threw " + describe_exception(run.failure()));
    }
  }
  if (at.kind != disturbance::none) {
    if (!one.disturbed())
      problems_.push_back("the point was not reached: the body differs from run to run");
    return;
  }
  counts_ = one.counts();
  if (counts_.entries == 0) problems_.push_back("what is exposed has no operation to disturb");
  if (std::max(counts_.entries, counts_.steps) > options_.limit) {
    problems_.push_back("what is exposed has more points than the limit");
  }
}

}  // namespace eddy::testing
