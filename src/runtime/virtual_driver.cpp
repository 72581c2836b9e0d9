#include <eddy/runtime/virtual_driver.hpp>

#include "virtual_socket.hpp"

#include <algorithm>
#include <cerrno>

#include <unistd.h>

#include <eddy/base/check.hpp>
#include <eddy/base/error.hpp>

namespace eddy::runtime {

namespace {
constexpr std::uint16_t first_ephemeral_port = 32768;
}

// --- virtual_network ---

virtual_network::virtual_network(network_conditions conditions, calendar_time epoch)
    : clock_(epoch), conditions_(conditions), next_port_(first_ephemeral_port) {}

virtual_network::~virtual_network() {
  check(drivers_.empty(), "a virtual_network was destroyed before its drivers");
}

virtual_network::calendar_time virtual_network::virtual_clock::calendar() noexcept {
  return epoch_ + std::chrono::duration_cast<calendar_time::duration>(now_.time_since_epoch());
}

void virtual_network::at(time_point t, std::move_only_function<void()> action) {
  events_.emplace(event_key(t, event_count_++), std::move(action));
}

bool virtual_network::run_due_events() {
  bool any = false;
  for (; !events_.empty() && events_.begin()->first.first <= now(); any = true) {
    auto event = events_.extract(events_.begin());
    event.mapped()();
  }
  // Whatever an event has made ready, on whichever loop, comes before the clock moves on.
  if (any) {
    for (virtual_driver* each : drivers_) each->idle_until_ = time_point::min();
  }
  return any;
}

void virtual_network::advance_to(time_point t) {
  while (!events_.empty() && events_.begin()->first.first <= t) {
    clock_.now_ = std::max(clock_.now_, events_.begin()->first.first);
    run_due_events();
  }
  clock_.now_ = std::max(clock_.now_, t);
}

time_point virtual_network::next_instant() const noexcept {
  time_point next = events_.empty() ? never : events_.begin()->first.first;
  for (const virtual_driver* each : drivers_) next = std::min(next, each->idle_until());
  return next;
}

// --- virtual_driver ---

virtual_driver::virtual_driver(std::shared_ptr<virtual_network> network)
    : network_(network != nullptr ? std::move(network) : std::make_shared<virtual_network>()) {
  network_->drivers_.push_back(this);
  sem_init(&wake_signal_, 0, 0);
}

virtual_driver::~virtual_driver() {
  while (auto* socket = sockets_.pop_front()) {
    socket->close();
    ++network_->open_sockets_;
  }
  std::erase(network_->drivers_, this);
  sem_destroy(&wake_signal_);
}

std::unique_ptr<descriptor> virtual_driver::open_socket(int family, int type, int protocol) {
  return detail::virtual_socket::open(*this, family, type, protocol);
}

std::unique_ptr<descriptor> virtual_driver::adopt(int fd) {
  ::close(fd);
  throw_error(errc::unsupported, "adopt a file descriptor in virtual time");
}

bool virtual_driver::has_io() const noexcept {
  const auto& events = network_->events_;
  return !active_.empty() || !due_calls_->empty() ||
         (!events.empty() && events.begin()->first.first <= network_->now());
}

bool virtual_driver::take_call(std::move_only_function<void()>& call) {
  if (!call_length_) return false;
  // On a shared network another driver may meet the event: the call has to be made on its own loop.
  auto make_due = [due = due_calls_, made = std::move(call)]() mutable {
    due->push_back(std::move(made));
  };
  network_->at(after(network_->now(), call_length_()), std::move(make_due));
  return true;
}

bool virtual_driver::finish_operations() {
  bool any = !due_calls_->empty();
  for (auto& call : std::exchange(*due_calls_, {})) call();
  while (auto* socket = active_.pop_front()) any |= socket->resume_operations();
  return any;
}

time_point virtual_driver::idle_until() const noexcept {
  const bool busy = !active_.empty() || !due_calls_->empty() || wake_expected_ ||
                    woken_.load(std::memory_order_acquire);
  return busy ? time_point::min() : idle_until_;
}

void virtual_driver::wait(time_point deadline) {
  for (;;) {
    idle_until_ = time_point::min();
    const bool something_happened = network_->run_due_events();
    if (finish_operations() || something_happened || take_wake() || deadline <= network_->now())
      return;
    if (auto* waiter = idle_waiters_.pop_front()) {
      waiter->became_idle();
      return;
    }
    if (wake_expected_) {
      // Thread jobs take real time, which virtual time must not overtake.
      sleep_until_woken();
      return;
    }
    idle_until_ = deadline;
    const time_point next = network_->next_instant();
    if (next <= network_->now()) return;  // another driver's loop has something to do first
    if (next == never) {
      if (!deadlock_handler_) {
        stop_program("deadlock: nothing is ready, no timer is armed and nothing is under way");
      }
      deadlock_handler_();
      return;
    }
    network_->jump(next);
  }
}

void virtual_driver::wake() noexcept {
  if (!woken_.exchange(true, std::memory_order_acq_rel)) sem_post(&wake_signal_);
}

bool virtual_driver::take_wake() noexcept {
  if (!woken_.load(std::memory_order_acquire)) return false;
  sleep_until_woken();  // the signal is there, or about to be
  return true;
}

void virtual_driver::sleep_until_woken() noexcept {
  while (sem_wait(&wake_signal_) == -1 && errno == EINTR) {
  }
  woken_.store(false, std::memory_order_release);
}

}  // namespace eddy::runtime
