// A driver without an operating system: a clock that jumps and a network in memory.
//
// The clock stands still while tasks run. wait() moves it to the next deadline or arrival when nothing is ready and no
// outside work (a thread job) is outstanding; it can be moved by hand as well. The network has TCP and Unix stream
// sockets and datagram sockets with the semantics of Linux's: bounded windows and so real back-pressure, short
// transfers, half-close, reset after a close with unread data, EPIPE after the peer has gone. Every IP address belongs
// to the simulated host; Unix paths live in a table of their own and are free again when their socket is closed.
//
// The same program with the same seed of the loop's random source sees the same sequence of events. Programs under test
// usually get all this from eddy::testing::run_virtual.
//
// Everything is used on one thread, except virtual_driver::wake. Several drivers, each with its loop, may share a
// network if one thread steps all of them in turn: the clock then moves when all of them are idle.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <semaphore.h>

#include <eddy/base/intrusive_list.hpp>
#include <eddy/base/time.hpp>
#include <eddy/runtime/driver.hpp>

namespace eddy::runtime {

class virtual_driver;

namespace detail {
class virtual_socket;
struct sockets_of_driver;
}  // namespace detail

/// What a simulated network does to its traffic. A connection keeps the conditions it was made under. Chance draws from
/// the random source of the running loop.
struct network_conditions {
  duration latency{};  ///< one way; a connect takes two of them
  duration jitter{};   ///< up to this much is added to each latency; streams keep their order
  std::size_t max_transfer =
      0;  ///< a receive or send moves 1 to this many bytes, by chance; zero: any number
  std::size_t window =
      64 << 10;  ///< bytes of a direction sent and not yet read before send has to wait
  double refuse_probability = 0;  ///< of a connect, in [0, 1]
  double datagram_loss = 0;       ///< probability, in [0, 1]
};

/// The sockets, the traffic under way and the clock that one or several virtual drivers share.
class virtual_network {
 public:
  using calendar_time = std::chrono::system_clock::time_point;
  /// 2026-01-01 00:00 UTC.
  static constexpr calendar_time default_epoch{
      std::chrono::sys_days(std::chrono::January / 1 / 2026)};

  /// `epoch` is the calendar time at virtual time zero.
  explicit virtual_network(network_conditions conditions = {}, calendar_time epoch = default_epoch);
  virtual_network(const virtual_network&) = delete;
  virtual_network& operator=(const virtual_network&) = delete;
  ~virtual_network();

  [[nodiscard]] clock& time() noexcept { return clock_; }
  [[nodiscard]] time_point now() const noexcept { return clock_.now_; }

  /// Conditions of what is started from now on; may be changed at any time.
  [[nodiscard]] network_conditions& conditions() noexcept { return conditions_; }
  /// Sockets beyond this many fail with EMFILE. Unlimited at first.
  void limit_sockets(std::size_t most) noexcept { socket_limit_ = most; }
  [[nodiscard]] std::size_t open_sockets() const noexcept { return open_sockets_; }

  /// Calls `action` at virtual time `t` (the past: with the next wait), from inside wait() or advance_to: scripted
  /// events. Actions of one instant run in order of registration.
  void at(time_point t, std::move_only_function<void()> action);

  /// Moves the clock to `t`, never backwards; what was under way until then arrives at its own time. Due timers fire in
  /// the next turns of their loops.
  void advance_to(time_point t);

 private:
  friend class virtual_driver;
  friend class detail::virtual_socket;
  using event_key = std::pair<time_point, std::uint64_t>;

  class virtual_clock final : public clock {
   public:
    explicit virtual_clock(calendar_time epoch) noexcept : epoch_(epoch) {}
    [[nodiscard]] time_point now() noexcept override { return now_; }
    [[nodiscard]] calendar_time calendar() noexcept override;

   private:
    friend class virtual_network;
    calendar_time epoch_;
    time_point now_{};
  };

  bool run_due_events();
  void jump(time_point t) noexcept { clock_.now_ = t; }
  /// Where the clock may jump: `never` when there is no such time; now when a driver is not idle.
  [[nodiscard]] time_point next_instant() const noexcept;

  virtual_clock clock_;
  network_conditions conditions_;
  std::map<event_key, std::move_only_function<void()>> events_;
  std::uint64_t event_count_ = 0;
  std::map<std::string, std::vector<detail::virtual_socket*>> bound_;  // by kind and port, or path
  std::uint16_t next_port_;
  std::size_t open_sockets_ = 0;
  std::size_t socket_limit_ = SIZE_MAX;
  std::vector<virtual_driver*> drivers_;
};

/// The driver of one loop on a virtual network.
class virtual_driver final : public driver {
 public:
  /// On a network of its own, or on a shared one.
  explicit virtual_driver(std::shared_ptr<virtual_network> network = nullptr);
  /// Closes what sockets are left; they still count as open on the network.
  ~virtual_driver() override;

  [[nodiscard]] virtual_network& network() noexcept { return *network_; }
  /// Moves the clock; see virtual_network::advance_to.
  void advance(duration d) { network_->advance_to(after(network_->now(), d)); }
  void advance_to(time_point t) { network_->advance_to(t); }

  /// Called by wait() when nothing can ever happen any more: nothing is ready, no timer is armed, nothing is under way
  /// and no outside work is expected. It must change that, or throw (through wait). Empty: stops the program.
  void on_deadlock(std::function<void()> handler) { deadlock_handler_ = std::move(handler); }

  /// From now on calls of to_thread and to_cpu_thread need no threads: each begins when its pool has a place, takes
  /// the virtual time that `length` gives for it, and is made at the end of that time, on the loop's own thread. Empty:
  /// they go to threads, and virtual time stands still meanwhile, as at first.
  void script_calls(std::function<duration()> length) { call_length_ = std::move(length); }

  /// Something to be told once when everything else is blocked, before the clock moves.
  class idle_waiter : public list_hook<idle_waiter> {
   protected:
    ~idle_waiter() = default;

   private:
    friend class virtual_driver;
    virtual void became_idle() noexcept = 0;
  };
  /// Queues `waiter`, which must unlink itself before it is destroyed.
  void when_idle(idle_waiter& waiter) noexcept { idle_waiters_.push_back(waiter); }

  // --- driver ---
  [[nodiscard]] std::string_view name() const noexcept override { return "virtual"; }
  [[nodiscard]] clock& time() noexcept override { return network_->time(); }
  /// SOCK_STREAM and SOCK_DGRAM of AF_INET, AF_INET6 and AF_UNIX.
  [[nodiscard]] std::unique_ptr<descriptor> open_socket(int family, int type,
                                                        int protocol) override;
  /// Throws errc::unsupported, and closes `fd`: real descriptors have no place in virtual time.
  [[nodiscard]] std::unique_ptr<descriptor> adopt(int fd) override;
  [[nodiscard]] bool has_io() const noexcept override;
  void wait(time_point deadline) override;
  void expect_wake(bool expected) noexcept override { wake_expected_ = expected; }
  [[nodiscard]] bool take_call(std::move_only_function<void()>& call) override;
  void wake() noexcept override;

 private:
  friend class virtual_network;
  friend class detail::virtual_socket;

  bool finish_operations();
  bool take_wake() noexcept;
  void sleep_until_woken() noexcept;
  [[nodiscard]] time_point idle_until() const noexcept;

  std::shared_ptr<virtual_network> network_;
  intrusive_list<detail::virtual_socket, detail::sockets_of_driver> sockets_;
  intrusive_list<detail::virtual_socket> active_;  // have an operation that may be able to go on
  intrusive_list<idle_waiter, idle_waiter> idle_waiters_;
  std::function<void()> deadlock_handler_;
  std::function<duration()> call_length_;
  using calls = std::vector<std::move_only_function<void()>>;
  std::shared_ptr<calls> due_calls_ =
      std::make_shared<calls>();  // scripted ones whose time is over; events refer to it
  time_point idle_until_ = time_point::min();
  bool wake_expected_ = false;
  std::atomic<bool> woken_ = false;
  sem_t
      wake_signal_;  // posted once per change of woken_ to true; sem_post may be called by signal handlers
};

}  // namespace eddy::runtime
