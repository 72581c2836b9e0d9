#include <eddy/resilience/retry.hpp>

#include <algorithm>
#include <new>
#include <stdexcept>
#include <vector>

#include <eddy/coro/scheduler.hpp>
#include <eddy/coro/scope.hpp>
#include <eddy/resilience/retry_budget.hpp>

namespace eddy {
namespace {

constexpr std::uint64_t default_attempts = 3;
constexpr duration default_longest_wish = std::chrono::minutes(5);

std::optional<duration> wish_of_failure(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const retry_after_hint& hint) {
    return hint.retry_after();
  } catch (...) {
    return std::nullopt;
  }
}

}  // namespace

// --- limits ---

retry_limit::retry_limit(function reached)
    : reached_(std::make_shared<const function>(std::move(reached))) {}

retry_limit stop_never() {
  return retry_limit([](const retry_progress&) { return false; });
}

retry_limit stop_after_attempts(std::uint64_t most) {
  if (most == 0) throw_invalid_input("stop_after_attempts: zero attempts");
  return retry_limit([most](const retry_progress& p) { return p.attempts >= most; });
}

retry_limit stop_after(duration total) {
  return retry_limit([total](const retry_progress& p) { return p.elapsed >= total; });
}

retry_limit stop_before(duration total) {
  return retry_limit([total](const retry_progress& p) {
    return p.elapsed >= total || p.next_pause >= total - p.elapsed;
  });
}

retry_limit operator|(retry_limit a, retry_limit b) {
  return retry_limit([a = std::move(a), b = std::move(b)](const retry_progress& p) {
    return a.reached(p) || b.reached(p);
  });
}

retry_limit operator&(retry_limit a, retry_limit b) {
  return retry_limit([a = std::move(a), b = std::move(b)](const retry_progress& p) {
    return a.reached(p) && b.reached(p);
  });
}

// --- policy ---

bool is_worth_retrying(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const std::system_error& e) {
    const condition kind = condition_of(e.code());
    return kind != condition::invalid_input && kind != condition::unsupported;
  } catch (const std::logic_error&) {
    return false;
  } catch (const std::bad_alloc&) {
    return false;
  } catch (const exception_group& several) {
    return std::ranges::all_of(several.members(), is_worth_retrying);
  } catch (...) {
    return true;
  }
}

retry_policy::retry_policy()
    : rules_(std::make_shared<const rules>(rules{stop_after_attempts(default_attempts),
                                                 full_jitter(wait_exponential()), is_worth_retrying,
                                                 nullptr, default_longest_wish, nullptr})) {}

retry_policy::retry_policy(std::shared_ptr<const rules> changed) noexcept
    : rules_(std::move(changed)) {}

retry_policy retry_policy::limit(retry_limit when_to_stop) const {
  auto changed = std::make_shared<rules>(*rules_);
  changed->limit = std::move(when_to_stop);
  return retry_policy(std::move(changed));
}

retry_policy retry_policy::attempts(std::uint64_t most) const {
  return limit(stop_after_attempts(most));
}

retry_policy retry_policy::pause(retry_wait between) const {
  auto changed = std::make_shared<rules>(*rules_);
  changed->pause = std::move(between);
  return retry_policy(std::move(changed));
}

retry_policy retry_policy::on_failure(predicate retryable) const {
  auto changed = std::make_shared<rules>(*rules_);
  changed->retryable = std::move(retryable);
  return retry_policy(std::move(changed));
}

retry_policy retry_policy::on(std::initializer_list<condition> kinds) const {
  const std::vector<condition> wanted(kinds);
  return on_failure([wanted](const std::exception_ptr& failure) {
    try {
      std::rethrow_exception(failure);
    } catch (const std::system_error& e) {
      return std::ranges::find(wanted, condition_of(e.code())) != wanted.end();
    } catch (...) {
      return false;
    }
  });
}

retry_policy retry_policy::before_pause(hook called) const {
  auto changed = std::make_shared<rules>(*rules_);
  changed->before_pause = std::move(called);
  return retry_policy(std::move(changed));
}

retry_policy retry_policy::longest_retry_after(duration longest) const {
  auto changed = std::make_shared<rules>(*rules_);
  changed->longest_retry_after = longest;
  return retry_policy(std::move(changed));
}

retry_policy retry_policy::budget(retry_budget& shared) const {
  auto changed = std::make_shared<rules>(*rules_);
  changed->budget = &shared;
  return retry_policy(std::move(changed));
}

// --- one call ---

namespace resilience::detail {

retry_run::retry_run(const retry_policy& policy) : rules_(policy.get()), started_(now()) {
  if (rules_.budget != nullptr) rules_.budget->deposit();
}

retry_run::~retry_run() {
  if (paid_) rules_.budget->refund();
}

std::optional<duration> retry_run::pause_after(const std::exception_ptr& failure) {
  ++attempts_;
  // In a cancelled task the next attempt would be refused; the failure says more than that.
  if (is_cancelled() || !rules_.retryable(failure)) return std::nullopt;
  return next_pause(failure, wish_of_failure(failure));
}

std::optional<duration> retry_run::pause_after_result(std::optional<duration> wish) {
  ++attempts_;
  return next_pause(nullptr, wish);
}

std::optional<duration> retry_run::next_pause(const std::exception_ptr& failure,
                                              std::optional<duration> wish) {
  retry_progress progress;
  progress.attempts = attempts_;
  progress.elapsed = now() - started_;
  progress.next_pause = rules_.pause.length(attempts_, coro::scheduler::require().random());
  if (wish && rules_.longest_retry_after > duration::zero()) {
    if (*wish > rules_.longest_retry_after) return std::nullopt;
    progress.next_pause = std::max(progress.next_pause, *wish);
  }
  if (rules_.limit.reached(progress)) return std::nullopt;
  if (rules_.budget != nullptr) {
    if (!rules_.budget->withdraw()) return std::nullopt;
    paid_ = true;
  }
  if (rules_.before_pause) {
    rules_.before_pause({progress.attempts, progress.elapsed, progress.next_pause, failure});
  }
  return progress.next_pause;
}

}  // namespace resilience::detail

// --- budget ---

retry_budget::retry_budget(retry_budget_options options)
    : options_(options), tokens_(options.capacity) {
  if (!(options.ratio >= 0) || !(options.per_second >= 0) || options.capacity == 0) {
    throw_invalid_input("retry_budget: a negative rate, or a capacity of zero");
  }
}

void retry_budget::add(double tokens) noexcept {
  tokens_ = std::min(tokens_ + tokens, static_cast<double>(options_.capacity));
}

void retry_budget::accrue() {
  const time_point present = now();
  if (accrued_at_ != time_point::min()) {
    const std::chrono::duration<double> passed = present - accrued_at_;
    add(passed.count() * options_.per_second);
  }
  accrued_at_ = present;
}

void retry_budget::deposit() {
  ++counts_.calls;
  accrue();
  add(options_.ratio);
}

bool retry_budget::withdraw() {
  accrue();
  if (tokens_ < 1) {
    ++counts_.refusals;
    return false;
  }
  tokens_ -= 1;
  ++counts_.retries;
  return true;
}

void retry_budget::refund() noexcept {
  --counts_.retries;
  add(1);
}

retry_budget_statistics retry_budget::statistics() {
  accrue();
  counts_.available = tokens_;
  return counts_;
}

}  // namespace eddy
