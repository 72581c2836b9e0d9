#include <eddy/runtime/loop.hpp>

#include "cancellation_watch.hpp"
#include "inbox.hpp"
#include "registry.hpp"
#include "signal_table.hpp"

#include <algorithm>
#include <random>
#include <string>
#include <thread>

#include <eddy/runtime/offload.hpp>

namespace eddy::runtime {
namespace {

// With tasks always ready and no I/O, the clock and the driver are looked at once in this many turns.
constexpr std::uint32_t turns_between_polls = 64;

// Blocking calls sleep; more threads than asyncio's default bring little.
constexpr std::size_t blocking_threads = 32;

std::uint64_t chosen_seed(std::uint64_t wanted) {
  if (wanted != 0) return wanted;
  std::random_device device;
  return (std::uint64_t{device()} << 32) | device();
}

std::unique_ptr<driver> chosen_driver(std::unique_ptr<driver> given) {
  return given ? std::move(given) : make_driver();
}

}  // namespace

loop::loop(loop_options options) : loop(chosen_driver(std::move(options.io)), options) {}

loop::loop(std::unique_ptr<driver> io, loop_options& options)
    : scheduler(io->time(), chosen_seed(options.seed)),
      driver_(std::move(io)),
      inbox_(std::make_shared<loop_ref::inbox>(*driver_)),
      threads_(std::make_unique<offload>(
          *this, options.threads == 0 ? blocking_threads : options.threads)),
      cpu_threads_(std::make_unique<offload>(
          *this, options.cpu_threads == 0 ? std::max(1u, std::thread::hardware_concurrency())
                                          : options.cpu_threads)),
      signals_(std::make_unique<signal_desk>(*this)),
      thread_shutdown_(options.thread_shutdown) {
  shuffle_ready(options.shuffle_ready);
  if (options.cancel_report_after > duration::zero())
    cancellation_watch_ = std::make_unique<cancellation_watch>(*this, options.cancel_report_after);
  if (options.on_error) set_error_hook(std::move(options.on_error));
  registry::add(*this);
}

loop::~loop() {
  registry::remove(*this);
  check(live_tasks() == 0, "a loop was destroyed while tasks were running on it");
  run_out();
  const entered here(*this);
  stop_threads();
  while (!services_.empty()) services_.pop_back();
  cancellation_watch_.reset();
}

loop& loop::current() { return static_cast<loop&>(require()); }

loop_ref loop::ref() const noexcept { return loop_ref(inbox_); }

void loop::drain_posts() {
  const entered here(*this);
  while (inbox_->deliver_all(*this) || anything_ready()) run_batch();
}

void loop::run_out() {
  {
    const entered here(*this);
    inbox_->close(*this);
  }
  run_until([this] { return live_tasks() == 0 && !anything_ready(); });
}

void loop::look_outside() {
  signals_->look();
  if (anything_ready() && ++turns_since_poll_ < turns_between_polls && timers().empty() &&
      !driver_->has_io() && inbox_->empty()) {
    count_turn();
    return;
  }
  look_at_everything();
}

void loop::look_at_everything() {
  turns_since_poll_ = 0;
  poll();
  inbox_->deliver_all(*this);
  begin_turn();
  timers().expire(turn_started());
}

void loop::poll() {
  const bool may_sleep = !anything_ready() && inbox_->prepare_sleep();
  driver_->wait(may_sleep ? timers().next_deadline() : time_point::min());
  inbox_->awake();
}

void loop::expect_return(bool expected) noexcept {
  pools_expecting_ += expected ? 1 : -1;
  driver_->expect_wake(pools_expecting_ != 0);
}

void loop::stop_threads() noexcept {
  for (offload* pool : {threads_.get(), cpu_threads_.get()}) {
    if (pool->stop(thread_shutdown_)) continue;
    report({std::to_string(pool->abandoned()) +
                " abandoned thread calls were still running at the end and are left behind",
            nullptr,
            {},
            {},
            {}});
  }
}

void loop::interrupt() noexcept { inbox_->interrupt(); }

}  // namespace eddy::runtime
