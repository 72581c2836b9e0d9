// What crosses from loop to loop and from thread to loop: posts, submit, run_on, cross_loop_channel.
#include <atomic>
#include <chrono>
#include <future>
#include <latch>
#include <memory>
#include <numeric>
#include <optional>
#include <stdexcept>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <eddy/base/error.hpp>
#include <eddy/coro/future.hpp>
#include <eddy/coro/result.hpp>
#include <eddy/coro/scope.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/coro/timeout.hpp>
#include <eddy/runtime/cross_loop_channel.hpp>
#include <eddy/runtime/remote.hpp>
#include <eddy/runtime/run.hpp>

namespace eddy {
namespace {

using namespace std::chrono_literals;

/// A loop on a thread of its own, until it is destroyed.
class loop_thread {
 public:
  loop_thread() {
    std::promise<runtime::loop_ref> started;
    auto ref = started.get_future();
    thread_ = std::thread([this, &started] {
      run([&]() -> task<void> {
        promise<> end;
        const future<> ended = end.get_future();
        end_ = &end;
        started.set_value(current_loop());
        co_await ended;
      });
    });
    ref_ = ref.get();
  }
  ~loop_thread() { stop(); }
  void stop() {
    if (!thread_.joinable()) return;
    ref_.post([this] { end_->set_value(); });
    thread_.join();
  }
  [[nodiscard]] const runtime::loop_ref& ref() const { return ref_; }
  [[nodiscard]] std::thread::id id() const { return thread_.get_id(); }

 private:
  eddy::promise<>* end_ = nullptr;
  runtime::loop_ref ref_;
  std::thread thread_;
};

/// Says on which thread it was destroyed.
class noted {
 public:
  explicit noted(std::thread::id& destroyed_on) : destroyed_on_(&destroyed_on) {}
  noted(noted&& other) noexcept : destroyed_on_(std::exchange(other.destroyed_on_, nullptr)) {}
  noted& operator=(noted&&) = delete;
  ~noted() {
    if (destroyed_on_ != nullptr) *destroyed_on_ = std::this_thread::get_id();
  }

 private:
  std::thread::id* destroyed_on_;
};

task<std::thread::id> where_am_i() { co_return std::this_thread::get_id(); }

task<int> fails() {
  co_await yield();
  throw std::runtime_error("no");
}

// xloop.1
TEST(submit, gives_the_value_or_the_failure_to_the_thread) {
  loop_thread other;
  EXPECT_EQ(submit(other.ref(), where_am_i).get(), other.id());
  const auto add = [](int a, std::unique_ptr<int> b) -> task<std::unique_ptr<int>> {
    co_await yield();
    co_return std::make_unique<int>(a + *b);
  };
  auto sum = submit(other.ref(), add, 40, std::make_unique<int>(2));
  EXPECT_EQ(*sum.get(), 42);
  auto failing = submit(other.ref(), fails);
  EXPECT_THROW(failing.get(), std::runtime_error);
}

// xloop.1
TEST(submit, leaves_the_task_alone_when_a_timed_wait_expires) {
  loop_thread other;
  std::atomic<bool> go{false};
  auto handle = submit(other.ref(), [&]() -> task<int> {
    while (!go) co_await sleep(1ms);
    co_return 3;
  });
  EXPECT_FALSE(handle.wait_for(5ms));
  EXPECT_FALSE(handle.done());
  go = true;
  EXPECT_TRUE(handle.wait_for(60s));
  EXPECT_EQ(handle.get(), 3);
}

TEST(submit, can_be_cancelled_from_the_thread) {
  loop_thread other;
  std::atomic<int> seen{0};
  auto handle = submit(other.ref(), [&]() -> task<void> {
    try {
      co_await sleep(1h);
    } catch (const cancelled& stop) {
      seen = stop.text() == "enough" ? 1 : 2;
      throw;
    }
  });
  handle.cancel(cancel_reason::overload, "enough");
  handle.cancel(cancel_reason::overload, "once more");
  try {
    handle.get();
    ADD_FAILURE() << "a value";
  } catch (const error& e) {
    EXPECT_EQ(e.code(), errc::task_cancelled);
  }
  EXPECT_LE(seen, 1);  // 0: it was cancelled before its first step, and refused
}

TEST(submit, destroys_the_callable_on_the_loop) {
  loop_thread other;
  std::thread::id destroyed_on;
  const auto use = [](noted) -> task<void> { co_return; };
  submit(other.ref(), use, noted(destroyed_on)).get();
  EXPECT_EQ(destroyed_on, other.id());
}

// xloop.4
TEST(submit, to_a_loop_that_has_ended_is_refused_and_the_callable_destroyed_here) {
  loop_thread other;
  other.stop();
  std::thread::id destroyed_on;
  const auto use = [](noted) -> task<void> { co_return; };
  try {
    static_cast<void>(submit(other.ref(), use, noted(destroyed_on)));
    ADD_FAILURE() << "submitted";
  } catch (const error& e) {
    EXPECT_EQ(e.code(), errc::closed);
  }
  EXPECT_EQ(destroyed_on, std::this_thread::get_id());
  std::thread::id post_destroyed_on;
  EXPECT_FALSE(other.ref().post([n = noted(post_destroyed_on)] {}));
  EXPECT_EQ(post_destroyed_on, std::this_thread::get_id());
  EXPECT_FALSE(runtime::loop_ref().post([] {}));
}

// thr.10
TEST(submit_death, blocking_for_a_task_of_the_own_loop_stops_the_program) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto block = [] {
    run([]() -> task<void> {
      auto handle = submit(current_loop(), where_am_i);
      handle.get();
      co_return;
    });
  };
  EXPECT_DEATH(block(), "waited for a task of the loop that it runs itself");
}

task<void> run_on_another(const loop_thread& other) {
  const auto id = co_await run_on(other.ref(), where_am_i);
  EXPECT_EQ(id, other.id());
  EXPECT_THROW(co_await run_on(other.ref(), fails), std::runtime_error);
  const auto here = co_await run_on(current_loop(), where_am_i);
  EXPECT_EQ(here, std::this_thread::get_id());
}

// xloop.2
TEST(run_on, gives_value_and_failure_of_work_on_another_loop) {
  const loop_thread other;
  run([&] { return run_on_another(other); });
}

task<void> cancel_across(const loop_thread& other) {
  std::atomic<bool> cleaned{false};
  const auto work = [](std::atomic<bool>& done) -> task<int> {
    try {
      co_await sleep(1h);
    } catch (const cancelled& stop) {
      EXPECT_EQ(stop.reason(), cancel_reason::timeout);
      const auto until = std::chrono::steady_clock::now() + 5ms;
      while (std::chrono::steady_clock::now() < until) std::this_thread::yield();
      done = true;
      throw;
    }
    co_return 1;
  };
  auto op = run_on(other.ref(), work, std::ref(cleaned));
  const auto value = co_await move_on_after(5ms, std::move(op));
  EXPECT_FALSE(value.has_value());
  EXPECT_TRUE(cleaned);  // the other loop's task had ended before
}

// xloop.2
TEST(run_on, cancels_the_work_there_and_waits_for_its_end) {
  const loop_thread other;
  run([&] { return cancel_across(other); });
}

task<int> late_value(const loop_thread& other) {
  const auto stubborn = []() -> task<int> {
    const auto slept = co_await as_result(sleep(1h));
    co_return slept.has_value() ? 0 : 9;
  };
  auto op = run_on(other.ref(), stubborn);
  const auto value = co_await move_on_after(5ms, std::move(op));
  co_return value.value_or(0);
}

// xloop.2
TEST(run_on, gives_the_value_of_work_that_finishes_all_the_same) {
  const loop_thread other;
  EXPECT_EQ(run([&] { return late_value(other); }), 9);
}

// xloop.4
TEST(run_on, a_loop_that_has_ended_is_refused) {
  loop_thread other;
  other.stop();
  const auto code = run([&]() -> task<std::error_code> {
    const auto result = co_await as_result(run_on(other.ref(), where_am_i));
    try {
      std::rethrow_exception(result.error());
    } catch (const error& e) {
      co_return e.code();
    }
  });
  EXPECT_EQ(code, errc::closed);
}

// xloop.5
TEST(posts, of_eight_threads_each_run_once) {
  constexpr int each = 125'000;
  constexpr int threads = 8;
  std::vector<int> last(threads, -1);  // the loop's only
  int ran = 0;
  run([&]() -> task<void> {
    const auto home = current_loop();
    std::vector<std::thread> posting;
    for (int t = 0; t < threads; ++t) {
      posting.emplace_back([&, t] {
        const auto slot = static_cast<std::size_t>(t);
        for (int i = 0; i < each; ++i) {
          home.post([&, slot, i] {
            EXPECT_EQ(last[slot], i - 1);
            last[slot] = i;
            ++ran;
          });
        }
      });
    }
    while (ran < each * threads) co_await sleep(1ms);
    for (auto& thread : posting) thread.join();
  });
  EXPECT_EQ(ran, each * threads);
}

// xloop.6
TEST(several_loops, run_main_once_each_and_the_first_failure_ends_the_others) {
  run_options options;
  options.loops = 4;
  std::atomic<int> started{0};
  std::atomic<int> ended_by_sibling{0};
  const auto main = [&]() -> task<void> {
    ++started;
    if (runtime::loop::current().index() == 2) throw std::runtime_error("the first");
    try {
      co_await sleep(1h);
    } catch (const cancelled& stop) {
      if (stop.reason() == cancel_reason::sibling_failed) ++ended_by_sibling;
      throw;
    }
  };
  EXPECT_THROW(run(main, options), std::runtime_error);
  EXPECT_EQ(started, 4);
  EXPECT_EQ(ended_by_sibling, 3);
}

// --- cross_loop_channel ---

struct item {
  int sender = 0;
  int number = 0;
};
using channel = cross_loop_channel<item>;

task<void> send_from_loop(channel::sender_type to, int name, int count) {
  for (int i = 0; i < count; ++i) {
    item next{name, i};
    co_await to.send(std::move(next));
  }
}

// xloop.3
TEST(cross_loop_channel, keeps_each_senders_order_and_loses_nothing) {
  static constexpr int each = 20'000;
  std::vector<int> next(6, 0);
  int total = 0;
  run([&]() -> task<void> {
    std::vector<std::unique_ptr<loop_thread>> loops;
    std::vector<std::thread> threads;
    std::vector<thread_handle<void>> sending;
    auto receiver = [&] {
      channel made(16);
      for (int name = 0; name < 3; ++name) {
        loops.push_back(std::make_unique<loop_thread>());
        sending.push_back(submit(loops.back()->ref(), send_from_loop, made.sender(), name, each));
      }
      for (int name = 3; name < 6; ++name) {
        threads.emplace_back([name, to = made.sender()]() mutable {
          for (int i = 0; i < each; ++i) to.send_from_thread(item{name, i});
        });
      }
      return std::move(made.receiver());
    }();
    for (;;) {
      const auto got = co_await receiver.receive();
      if (!got) break;
      EXPECT_EQ(next[static_cast<std::size_t>(got->sender)]++, got->number);
      ++total;
    }
    for (auto& thread : threads) thread.join();
    for (auto& handle : sending) handle.get();
  });
  EXPECT_EQ(total, 6 * each);
}

// xloop.3
TEST(cross_loop_channel, gives_nothing_when_all_senders_have_gone) {
  run([]() -> task<void> {
    channel made(2);
    auto receiver = std::move(made.receiver());
    {
      auto sender = std::move(made.sender());
      item one{1, 1};
      co_await sender.send(std::move(one));
      EXPECT_TRUE(sender.try_send(item{1, 2}));
      EXPECT_FALSE(sender.try_send(item{1, 3}));
      EXPECT_EQ(sender.statistics().size, 2U);
    }
    EXPECT_TRUE(receiver.statistics().closed);
    for (int i = 1; i <= 2; ++i) {
      const auto got = co_await receiver.receive();
      EXPECT_EQ(got.value().number, i);
    }
    const auto end = co_await receiver.receive();
    EXPECT_FALSE(end.has_value());
  });
}

// xloop.3
TEST(cross_loop_channel, tells_waiting_senders_that_the_receiver_has_gone) {
  run([]() -> task<void> {
    channel made(1);
    std::optional<channel::receiver_type> receiver(std::move(made.receiver()));
    EXPECT_TRUE(made.sender().try_send(item{}));
    auto blocked = spawn([to = made.sender()]() mutable -> task<void> {
      item next{};
      co_await to.send(std::move(next));
    });
    std::thread thread(
        [to = made.sender()]() mutable { EXPECT_THROW(to.send_from_thread(item{}), error); });
    while (receiver->statistics().waiting_senders < 2) co_await sleep(1ms);
    receiver.reset();
    const auto ended = co_await as_result(std::move(blocked));
    EXPECT_TRUE(ended.has_error());
    thread.join();
    EXPECT_THROW(static_cast<void>(made.sender().try_send(item{})), error);
  });
}

// xloop.3
TEST(cross_loop_channel, loses_nothing_when_waits_are_cancelled) {
  run([]() -> task<void> {
    cross_loop_channel<std::unique_ptr<int>> made(1);
    auto receiver = std::move(made.receiver());
    auto none = co_await move_on_after(1ms, receiver.receive());
    EXPECT_FALSE(none.has_value());
    EXPECT_EQ(receiver.statistics().waiting_receivers, 0U);
    EXPECT_TRUE(made.sender().try_send(std::make_unique<int>(1)));
    auto second = std::make_unique<int>(2);
    const bool sent = co_await move_on_after(1ms, made.sender().send(std::move(second)));
    EXPECT_FALSE(sent);
    EXPECT_NE(second, nullptr);  // intact
    EXPECT_EQ(receiver.statistics().waiting_senders, 0U);
    const auto first = co_await receiver.receive();
    EXPECT_EQ(**first, 1);
    EXPECT_FALSE(receiver.try_receive().has_value());
  });
}

// xloop.3
TEST(cross_loop_channel, cancelled_receives_race_with_sends_and_lose_nothing) {
  static constexpr int count = 5'000;
  int next = 0;
  run([&]() -> task<void> {
    channel made(4);
    auto receiver = std::move(made.receiver());
    std::thread thread([to = std::move(made.sender())]() mutable {
      for (int i = 0; i < count; ++i) to.send_from_thread(item{0, i});
    });
    int attempt = 0;
    for (bool open = true; open;) {
      // From too short for anything to long enough on the slowest machine.
      const auto limit = (attempt++ % 100) * 20us;
      const auto got = co_await move_on_after(limit, receiver.receive());
      if (!got) continue;  // cancelled
      open = got->has_value();
      if (!open) break;
      EXPECT_EQ((*got)->number, next++);
    }
    thread.join();
  });
  EXPECT_EQ(next, count);
}

TEST(cross_loop_channel, refuses_a_capacity_of_zero) { EXPECT_THROW(channel(0), error); }

}  // namespace
}  // namespace eddy
