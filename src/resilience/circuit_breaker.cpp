#include <eddy/resilience/circuit_breaker.hpp>

#include <algorithm>

#include <eddy/base/check.hpp>
#include <eddy/coro/scheduler.hpp>

namespace eddy {

std::string_view to_string(breaker_state state) noexcept {
  switch (state) {
    case breaker_state::closed: return "closed";
    case breaker_state::open: return "open";
    case breaker_state::half_open: return "half-open";
  }
  return "unknown";
}

circuit_open_error::circuit_open_error(std::string name, duration retry_in)
    : error(make_error_code(resilience::errc::circuit_open), "call", std::move(name)),
      retry_in_(retry_in) {}

circuit_breaker::circuit_breaker(const circuit_breaker_options& options)
    : options_(options), name_(options.name) {
  options_.name = {};  // what it refers to may go away
  if (!(options.failure_rate >= 0 && options.failure_rate <= 1)) {
    throw_invalid_input("circuit_breaker: failure_rate outside [0, 1]");
  }
  if (options.failure_rate == 0 && options.failure_threshold == 0) {
    throw_invalid_input("circuit_breaker: neither a threshold nor a rate");
  }
  if (options.half_open_probes == 0 || options.required_successes == 0) {
    throw_invalid_input("circuit_breaker: no trials, or no required successes");
  }
  if (options.failure_rate == 0) return;
  if (options.window_time > duration::zero()) {
    window_.emplace(options.window_time);
  } else if (options.window_calls > 0) {
    window_.emplace(options.window_calls);
  } else {
    throw_invalid_input("circuit_breaker: a rate without a window");
  }
  if (options.window_time <= duration::zero() && options.minimum_volume > options.window_calls) {
    throw_invalid_input("circuit_breaker: minimum_volume above window_calls");
  }
}

circuit_breaker::~circuit_breaker() {
  check(calls_ == 0, "a circuit breaker was destroyed while calls are under way");
}

// --- calls ---

circuit_breaker::permit circuit_breaker::admit() {
  if (state_ == breaker_state::open) {
    if (now() < reopens_at_) reject();
    change_to(breaker_state::half_open, false);
  }
  if (state_ == breaker_state::half_open) {
    if (probes_ >= options_.half_open_probes) reject();
    ++probes_;
  } else if (state_ == breaker_state::open) {
    reject();  // by a listener
  }
  ++calls_;
  return permit(*this, generation_);
}

void circuit_breaker::reject() {
  ++totals_.rejected;
  const bool waits_for_time = state_ == breaker_state::open;
  throw circuit_open_error(name_, waits_for_time ? reopens_at_ - now() : duration::zero());
}

circuit_breaker::permit::~permit() {
  if (breaker_ == nullptr) return;
  --breaker_->calls_;
  ++breaker_->totals_.cancelled;
  const bool trial = breaker_->state_ == breaker_state::half_open;
  if (trial && generation_ == breaker_->generation_) --breaker_->probes_;
}

void circuit_breaker::permit::succeeded() {
  std::exchange(breaker_, nullptr)->end_call(generation_, true);
}

void circuit_breaker::permit::failed(const std::exception_ptr& failure) {
  circuit_breaker& breaker = *std::exchange(breaker_, nullptr);
  const bool excluded = breaker.excluded_ && breaker.excluded_(failure);
  breaker.end_call(generation_, excluded);
}

void circuit_breaker::end_call(std::uint64_t generation, bool success) {
  --calls_;
  ++(success ? totals_.succeeded : totals_.failed);
  if (generation != generation_) return;
  if (state_ == breaker_state::closed) {
    count_closed(success);
  } else if (state_ == breaker_state::half_open) {
    count_trial(success);
  }
}

void circuit_breaker::count_closed(bool success) {
  if (window_) window_->add(!success, now());
  if (success) {
    consecutive_failures_ = 0;
    return;
  }
  ++consecutive_failures_;
  const bool many =
      options_.failure_threshold != 0 && consecutive_failures_ >= options_.failure_threshold;
  if (!many && !rate_exceeded()) return;
  reopens_at_ = after(now(), options_.reset_time);
  change_to(breaker_state::open, false);
}

bool circuit_breaker::rate_exceeded() {
  if (!window_) return false;
  const auto [calls, failures] = window_->at(now());
  if (calls < std::max<std::size_t>(options_.minimum_volume, 1)) return false;
  return static_cast<double>(failures) >= options_.failure_rate * static_cast<double>(calls);
}

void circuit_breaker::count_trial(bool success) {
  --probes_;
  if (!success) {
    reopens_at_ = after(now(), options_.reset_time);
    change_to(breaker_state::open, false);
  } else if (++trial_successes_ >= options_.required_successes) {
    change_to(breaker_state::closed, false);
  }
}

// --- changes ---

void circuit_breaker::change_to(breaker_state next, bool by_hand) {
  const breaker_state former = std::exchange(state_, next);
  ++generation_;
  probes_ = 0;
  trial_successes_ = 0;
  consecutive_failures_ = 0;
  if (window_) window_->clear();
  if (next == breaker_state::open && former != next) ++totals_.opened;
  if (former == next || listeners_.empty()) return;
  untold_.push_back({former, next, now(), by_hand});
  tell_listeners();
}

void circuit_breaker::open() { open(options_.reset_time); }

void circuit_breaker::open(duration reset_time) {
  reopens_at_ = after(now(), reset_time);
  change_to(breaker_state::open, true);
}

void circuit_breaker::close() { change_to(breaker_state::closed, true); }

void circuit_breaker::half_open() { change_to(breaker_state::half_open, true); }

void circuit_breaker::tell_listeners() noexcept {
  // A listener that changes the state adds an event; all listeners hear of the former one first.
  if (std::exchange(telling_, true)) return;
  while (!untold_.empty()) {
    const breaker_event event = untold_.front();
    untold_.pop_front();
    for (std::size_t i = 0; i < listeners_.size(); ++i) {
      try {
        const listener called = listeners_[i];  // it may add others
        called(event);
      } catch (...) {
        coro::scheduler::require().report(
            {"a listener of " + name_ + " failed", std::current_exception(), {}, {}});
      }
    }
  }
  telling_ = false;
}

circuit_breaker_statistics circuit_breaker::statistics() {
  circuit_breaker_statistics all = totals_;
  all.state = state_;
  all.consecutive_failures = consecutive_failures_;
  all.probes = probes_;
  if (window_) {
    const auto [calls, failures] = window_->at(now());
    all.window_calls = calls;
    all.window_failures = failures;
  }
  return all;
}

}  // namespace eddy
