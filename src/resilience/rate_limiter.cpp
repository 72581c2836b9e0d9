#include <eddy/resilience/rate_limiter.hpp>

#include <algorithm>
#include <string>
#include <vector>

#include <eddy/base/check.hpp>
#include <eddy/base/error.hpp>
#include <eddy/coro/scheduler.hpp>

namespace eddy {

using resilience::detail::wide;

namespace {

wide nanoseconds(duration d) { return d.count(); }
wide nanoseconds(time_point t) { return nanoseconds(t.time_since_epoch()); }

// The first whole nanosecond that is not before `numerator / denominator`; `never` when it cannot be represented.
time_point time_of(wide numerator, wide denominator) {
  const wide ns = (numerator + denominator - 1) / denominator;
  return ns >= nanoseconds(never) ? never : time_point(duration(static_cast<duration::rep>(ns)));
}

wide sum_of(std::span<const std::size_t> requests) {
  wide sum = 0;
  for (const std::size_t n : requests) sum += static_cast<wide>(n);
  return sum;
}

duration positive(duration period) {
  if (period <= duration::zero()) throw_invalid_input("rate_limiter: the period is not positive");
  return period;
}

}  // namespace

rate_limiter::rate_limiter(std::size_t capacity) : capacity_(capacity) {
  if (capacity == 0) throw_invalid_input("rate_limiter: a count of zero");
  if (capacity > largest_count) throw_invalid_input("rate_limiter: the count is too large");
}

rate_limiter::~rate_limiter() {
  check(waiters_.empty(), "a rate limiter was destroyed while tasks wait for it");
}

void rate_limiter::require_possible(std::size_t n) const {
  if (n >= 1 && n <= capacity_) return;
  throw_invalid_input("rate_limiter: acquire of " + std::to_string(n) + ", capacity " +
                      std::to_string(capacity_));
}

rate_limiter::acquire_operation rate_limiter::acquire(std::size_t n) {
  require_possible(n);
  return {*this, n};
}

bool rate_limiter::try_acquire(std::size_t n) {
  require_possible(n);
  if (!waiters_.empty() || !take(n, now())) return false;
  granted_ += n;
  return true;
}

duration rate_limiter::wait_time(std::size_t n) {
  require_possible(n);
  std::vector<std::size_t> requests;
  for (auto* w = waiters_.front(); w != nullptr; w = waiters_.next(*w)) requests.push_back(w->n_);
  requests.push_back(n);
  const time_point present = now();
  const time_point granted = when(requests, present);
  return granted == never ? duration::max() : std::max(granted - present, duration::zero());
}

rate_limiter_statistics rate_limiter::statistics() {
  return {capacity_, available(now()), waiters_.size(), granted_};
}

void rate_limiter::grant() {
  auto* head = waiters_.front();
  if (head == nullptr) return;
  const time_point present = head->loop().now();
  while (head != nullptr && take(head->n_, present)) {
    waiters_.pop_front();
    granted_ += head->n_;
    head->complete();
    head = waiters_.front();
  }
  if (head != nullptr) rearm();
}

void rate_limiter::rearm() noexcept {
  auto& head = *waiters_.front();
  coro::scheduler& loop = head.loop();
  loop.timers().remove(*this);
  loop.timers().add(*this, when({&head.n_, 1}, loop.now()));
}

coro::wait_info rate_limiter::acquire_operation::describe() const {
  return {"rate_limiter.acquire", limiter_, nullptr, std::to_string(n_)};
}

void rate_limiter::acquire_operation::enqueue() {
  limiter_->waiters_.push_back(*this);
  if (limiter_->waiters_.front() == this) limiter_->rearm();
}

void rate_limiter::acquire_operation::withdraw() noexcept {
  const bool was_head = limiter_->waiters_.front() == this;
  unlink();
  if (was_head) {
    loop().timers().remove(*limiter_);
    limiter_->grant();
  }
  withdrawn();
}

// --- sliding window ---

sliding_window::sliding_window(std::size_t count, duration period)
    : rate_limiter(count), period_(positive(period)) {}

void sliding_window::forget(time_point now) {
  while (!log_.empty() && after(log_.front().at, period_) <= now) {
    used_ -= log_.front().units;
    log_.pop_front();
  }
}

bool sliding_window::take(std::size_t n, time_point now) {
  forget(now);
  if (n > capacity() - used_) return false;
  if (!log_.empty() && log_.back().at == now) {
    log_.back().units += n;
  } else {
    log_.push_back({now, n});
  }
  used_ += n;
  return true;
}

time_point sliding_window::when(std::span<const std::size_t> requests, time_point now) {
  forget(now);
  std::deque<entry> log = log_;
  std::size_t used = used_;
  time_point at = now;
  for (const std::size_t n : requests) {
    while (n > capacity() - used) {
      at = std::max(at, after(log.front().at, period_));
      used -= log.front().units;
      log.pop_front();
    }
    log.push_back({at, n});
    used += n;
  }
  return at;
}

std::size_t sliding_window::available(time_point now) {
  forget(now);
  return capacity() - used_;
}

// --- token bucket ---

token_bucket::token_bucket(std::size_t count, duration period)
    : rate_limiter(count),
      period_(nanoseconds(positive(period))),
      level_(period_ * static_cast<wide>(count)) {}

void token_bucket::refill(time_point now) {
  const wide count = static_cast<wide>(capacity());
  const wide full = period_ * count;
  if (refilled_at_ == time_point::min()) refilled_at_ = now;
  const wide passed = nanoseconds(now) - nanoseconds(refilled_at_);
  level_ = std::min(level_ + passed * count, full);
  refilled_at_ = now;
}

bool token_bucket::take(std::size_t n, time_point now) {
  refill(now);
  const wide cost = static_cast<wide>(n) * period_;
  if (cost > level_) return false;
  level_ -= cost;
  return true;
}

time_point token_bucket::when(std::span<const std::size_t> requests, time_point now) {
  refill(now);
  const wide missing = sum_of(requests) * period_ - level_;
  if (missing <= 0) return now;
  const wide count = static_cast<wide>(capacity());
  return time_of(nanoseconds(now) * count + missing, count);
}

std::size_t token_bucket::available(time_point now) {
  refill(now);
  return static_cast<std::size_t>(level_ / period_);
}

// --- generic cell rate algorithm ---

gcra::gcra(std::size_t count, duration period, std::size_t burst)
    : rate_limiter(burst),
      count_(static_cast<wide>(count)),
      interval_(nanoseconds(positive(period))),
      due_(scaled(time_point::min())) {
  if (count == 0 || count > largest_count) throw_invalid_input("rate_limiter: the count");
}

wide gcra::scaled(time_point t) const noexcept { return nanoseconds(t) * count_; }

wide gcra::begin_of_next(wide present) const noexcept {
  // Grants happen at whole nanoseconds. The fraction that one waited for is not lost, or it would add up.
  return present - due_ < count_ ? due_ : present;
}

bool gcra::take(std::size_t n, time_point now) {
  const wide present = scaled(now);
  const wide next = begin_of_next(present) + static_cast<wide>(n) * interval_;
  if (next - present > static_cast<wide>(capacity()) * interval_) return false;
  due_ = next;
  return true;
}

time_point gcra::when(std::span<const std::size_t> requests, time_point now) {
  const wide present = scaled(now);
  const wide next = begin_of_next(present) + sum_of(requests) * interval_;
  const wide earliest = next - static_cast<wide>(capacity()) * interval_;
  return earliest <= present ? now : time_of(earliest, count_);
}

std::size_t gcra::available(time_point now) {
  const wide present = scaled(now);
  const wide used = std::max(due_, present) - present;
  const wide whole = static_cast<wide>(capacity()) * interval_ - used;
  return static_cast<std::size_t>(whole / interval_);
}

}  // namespace eddy
