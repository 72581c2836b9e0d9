// What one serve() shares among its connections, on one loop: routes, limits, buffers, the date, figures.
#pragma once

#include "exchange.hpp"
#include "server_core.hpp"
#include "transfer_pace.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include <eddy/base/intrusive_list.hpp>
#include <eddy/coro/future.hpp>
#include <eddy/coro/group.hpp>
#include <eddy/coro/timer_queue.hpp>
#include <eddy/runtime/loop.hpp>
#include <eddy/wire/http1_date.hpp>

namespace eddy::http::detail {

class connection_base;

/// A connection of any protocol, for the end of serving.
class draining_connection : public list_hook<> {
 public:
  /// No further request will be served but what is on its way.
  virtual void drain() noexcept {}
  /// A connection without a request ends now; called at drain() or later.
  virtual void end_if_idle() noexcept {}

 protected:
  ~draining_connection() { unlink(); }
};

struct handling_tag;

/// The time without a request after which a connection comes to rest: it keeps its stream and gives back all else.
inline constexpr duration rest_delay = std::chrono::seconds(1);

/// How long a client's first request may take to come when serving ends, and how long one may take to notice that.
inline constexpr duration end_notice = std::chrono::seconds(1);

/// A connection that rests, in the task of which it is made. The task is cancelled when the rest has been too long, or
/// when serving ends.
class resting_connection final : public list_hook<> {
 public:
  explicit resting_connection(server_loop& server);
  resting_connection(const resting_connection&) = delete;
  resting_connection& operator=(const resting_connection&) = delete;
  ~resting_connection() { unlink(); }

  [[nodiscard]] time_point until() const noexcept { return until_; }
  void end(cancel_reason why) noexcept;

 private:
  coro::task_state& task_;
  time_point until_;
};

/// Counts a connection as open.
class open_connection {
 public:
  explicit open_connection(figures& counts) noexcept : counts_(counts) {
    counts_.connections_open.add(1);
    counts_.connections_total.add(1);
  }
  open_connection(const open_connection&) = delete;
  open_connection& operator=(const open_connection&) = delete;
  ~open_connection() { counts_.connections_open.subtract(1); }

 private:
  figures& counts_;
};

class server_loop {
 public:
  explicit server_loop(server_core& core);
  server_loop(const server_loop&) = delete;
  server_loop& operator=(const server_loop&) = delete;
  ~server_loop();

  [[nodiscard]] const server_core& core() const noexcept { return core_; }
  [[nodiscard]] const server_options& options() const noexcept { return core_.options_; }
  [[nodiscard]] pace_limit pace() const noexcept {
    return {.rate = options().min_rate, .grace = options().rate_grace};
  }
  [[nodiscard]] runtime::loop& loop() noexcept { return loop_; }
  [[nodiscard]] figures& counts() noexcept { return figures_; }
  [[nodiscard]] const figures& counts() const noexcept { return figures_; }

  /// Runs `serving`, with a place for the tasks that watch for hang-ups. `stop_accepting` is called when a stop is
  /// requested; `serving` then calls begin_drain(), as when it is cancelled.
  task<void> run(task<void> serving, std::function<void()> stop_accepting);
  /// The same for what does not accept: the drain begins with the request, or with a cancellation.
  task<void> run(task<void> serving);

  // --- the end ---
  /// Not ready any more, to be called first.
  void note_end() noexcept;
  /// Requests on their way are answered, and their connections closed.
  void begin_drain() noexcept;
  /// How long after that connections without a request are kept.
  void keep_idle(duration notice) noexcept { idle_notice_ = notice; }
  [[nodiscard]] bool draining() const noexcept { return draining_; }
  [[nodiscard]] bool ends_idle() const noexcept { return ends_idle_; }
  /// Set when it begins.
  [[nodiscard]] const future<void>& end_began() const noexcept { return end_began_; }
  /// From any thread, while the loop is among those of the core.
  void request_stop();

  // --- for connections ---
  [[nodiscard]] std::unique_ptr<exchange> acquire();
  void release(std::unique_ptr<exchange> used) noexcept;
  /// The Date field, which is made once per second.
  [[nodiscard]] std::string_view date();
  void add(draining_connection& c) { connections_.push_back(c); }
  void add(resting_connection& c);
  void handler_started(connection_base& c);
  /// Runs `watching` beside the connections.
  any_task_handle spawn_watch(task<void> watching);

 private:
  class call_timer final : public coro::timer {
   public:
    call_timer(server_loop& owner, void (server_loop::*call)() noexcept) noexcept
        : owner_(owner), call_(call) {}

   private:
    void expired() noexcept override { (owner_.*call_)(); }
    server_loop& owner_;
    void (server_loop::*call_)() noexcept;
  };

  void watch_long_handlers() noexcept;
  void end_long_rests() noexcept;
  void end_idle() noexcept;
  task<void> announce_end();
  task<void> run_in(task_group& group, task<void> serving);

  server_core& core_;
  runtime::loop& loop_;
  figures figures_;
  bool end_noted_ = false;
  bool draining_ = false;
  bool ends_idle_ = false;
  duration idle_notice_{};
  promise<void> end_begins_;
  future<void> end_began_ = end_begins_.get_future();
  std::function<void()> stop_accepting_;
  std::shared_ptr<server_loop*> alive_;  // null inside once this has gone; for posts
  task_group* watches_ = nullptr;
  intrusive_list<draining_connection> connections_;
  intrusive_list<connection_base, handling_tag> handling_;
  intrusive_list<resting_connection>
      resting_;  // all rest equally long: the first to end is the first
  call_timer hang_up_timer_;
  call_timer rest_timer_;
  call_timer idle_timer_;
  std::vector<std::unique_ptr<exchange>> unused_;
  wire::http1::date_text date_{};
  time_point date_ends_ = time_point::min();
};

/// Counts a request from its head to the end of its answer, and tells the server's observer.
class request_meter {
 public:
  explicit request_meter(server_loop& server) noexcept : server_(server) {}
  request_meter(const request_meter&) = delete;
  request_meter& operator=(const request_meter&) = delete;
  ~request_meter() {
    if (running_) server_.counts().requests_running.subtract(1);
  }

  /// The head is complete. Finds out whom `asked` comes from.
  void begin(request& asked);
  /// The answer is. `asked` still is what it was.
  void end(const request& asked, int status);

 private:
  server_loop& server_;
  time_point began_{};
  bool running_ = false;
};

}  // namespace eddy::http::detail
