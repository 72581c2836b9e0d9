// Signal streams, and what run() does about SIGINT, SIGTERM and SIGUSR1: one mechanism.
#include <eddy/runtime/signals.hpp>

#include "sanitizers.hpp"

#include <array>
#include <atomic>
#include <csignal>
#include <functional>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <eddy/base/error.hpp>
#include <eddy/coro/finally.hpp>
#include <eddy/coro/group.hpp>
#include <eddy/coro/scope.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/coro/timeout.hpp>
#include <eddy/runtime/offload.hpp>
#include <eddy/runtime/run.hpp>

namespace eddy {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

using handler = void (*)(int);

handler disposition(int number) {
  struct sigaction present = {};
  ::sigaction(number, nullptr, &present);
  return present.sa_handler;
}

template <class Fn>
auto run_plain(Fn main) {
  run_options options;
  options.handle_signals = false;
  return run(std::move(main), options);
}

// sig.1
TEST(signals, arrive_as_results_while_the_loop_sleeps) {
  const int number = run_plain([]() -> task<int> {
    auto stream = signals({SIGUSR1, SIGUSR2});
    auto sender =
        spawn([]() -> task<void> { co_await to_thread([] { ::kill(::getpid(), SIGUSR2); }); });
    const int got = co_await with_timeout(10s, stream.next());
    co_await sender;
    co_return got;
  });
  EXPECT_EQ(number, SIGUSR2);
}

// sig.2
TEST(signals, restore_the_previous_disposition_when_the_receiver_goes) {
  handler own = [](int) {};
  std::signal(SIGUSR1, own);
  run_plain([&]() -> task<void> {
    {
      auto stream = signals({SIGUSR1});
      EXPECT_NE(disposition(SIGUSR1), own);
      auto second = signals({SIGUSR1});
      {
        const auto moved = std::move(stream);
      }
      EXPECT_NE(disposition(SIGUSR1), own);  // the second stream still receives
    }
    EXPECT_EQ(disposition(SIGUSR1), own);
    auto waiting = [own]() -> task<void> {
      auto stream = signals({SIGUSR1});
      EXPECT_NE(disposition(SIGUSR1), own);
      co_await stream.next();
    };
    const bool ended = co_await move_on_after(1ms, waiting());
    EXPECT_FALSE(ended);
    EXPECT_EQ(disposition(SIGUSR1), own);
  });
  std::signal(SIGUSR1, SIG_DFL);
}

void expect_refused(std::initializer_list<int> numbers, errc why) {
  const handler before = disposition(SIGUSR1);
  try {
    const auto stream = signals(numbers);
    ADD_FAILURE() << "a stream was made";
  } catch (const error& refusal) {
    EXPECT_EQ(refusal.code(), why);
  }
  EXPECT_EQ(disposition(SIGUSR1), before);
}

// sig.3
TEST(signals, refuse_what_cannot_be_caught_and_change_nothing) {
  run_plain([]() -> task<void> {
    expect_refused({}, errc::invalid_input);
    expect_refused({SIGUSR1, 0}, errc::invalid_input);
    expect_refused({SIGUSR1, -1}, errc::invalid_input);
    expect_refused({SIGUSR1, 65}, errc::invalid_input);
    expect_refused({SIGUSR1, SIGKILL}, errc::invalid_input);
    expect_refused({SIGUSR1, SIGSTOP}, errc::invalid_input);
    expect_refused({SIGUSR1, SIGSEGV}, errc::invalid_input);
    expect_refused({SIGUSR1, 32}, errc::invalid_input);  // the C library's own
    co_return;
  });
}

// sig.3
TEST(signals, are_refused_off_the_first_thread) {
  std::thread other([] {
    run_plain([]() -> task<void> {
      expect_refused({SIGUSR1}, errc::unsupported);
      co_return;
    });
  });
  other.join();
}

// sig.4
TEST(signals, of_a_burst_arrive_at_least_once_each) {
  const auto got = run_plain([]() -> task<std::vector<int>> {
    auto stream = signals({SIGUSR1, SIGUSR2, SIGHUP});
    for (int i = 0; i < 100'000;
         ++i) {  // far more than a pipe would hold; the loop does not look meanwhile
      ::raise(SIGUSR1);
      if (i % 1000 == 0) ::raise(SIGUSR2);
    }
    ::raise(SIGHUP);
    std::vector<int> numbers;
    for (int i = 0; i < 3; ++i) {
      const int number = co_await stream.next();
      numbers.push_back(number);
    }
    const bool more = co_await move_on_after(1ms, stream.next()) != std::nullopt;
    EXPECT_FALSE(more);
    co_return numbers;
  });
  EXPECT_THAT(got, ::testing::UnorderedElementsAre(SIGUSR1, SIGUSR2, SIGHUP));
}

// sig.5
TEST(signals, that_are_always_pending_are_delivered_in_turn) {
  const auto got = run_plain([]() -> task<std::vector<int>> {
    auto stream = signals({SIGUSR1, SIGUSR2});
    std::vector<int> numbers;
    for (int i = 0; i < 6; ++i) {
      ::raise(SIGUSR1);
      ::raise(SIGUSR2);
      co_await sleep(1ms);  // the loop looks: both are pending
      const int number = co_await stream.next();
      numbers.push_back(number);
    }
    co_return numbers;
  });
  EXPECT_THAT(got, ElementsAre(SIGUSR1, SIGUSR2, SIGUSR1, SIGUSR2, SIGUSR1, SIGUSR2));
}

// sig.6
TEST(signals, in_a_forked_child_have_their_former_effect_and_leave_the_parent_alone) {
#ifdef EDDY_HAS_TSAN
  GTEST_SKIP() << "TSan calls no signal handlers in the fork of a program with threads";
#endif
  const bool woken = run_plain([]() -> task<bool> {
    auto stream = signals({SIGUSR1});
    const pid_t child = ::fork();
    if (child == 0) {
      ::raise(SIGUSR1);
      ::_exit(7);  // reached only if the signal did not end the child
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_TRUE(WIFSIGNALED(status));
    EXPECT_EQ(WTERMSIG(status), SIGUSR1);
    const auto number = co_await move_on_after(5ms, stream.next());
    co_return number.has_value();
  });
  EXPECT_FALSE(woken);
}

TEST(signals, serve_several_waiting_tasks_in_order) {
  const auto got = run_plain([]() -> task<std::vector<int>> {
    auto stream = signals({SIGUSR1, SIGUSR2});
    std::vector<int> numbers;
    co_await with_group([&](task_group& group) -> task<void> {
      for (int i = 0; i < 2; ++i) {
        group.spawn([&]() -> task<void> {
          const int number = co_await stream.next();
          numbers.push_back(number);
        });
      }
      co_await yield();
      ::raise(SIGUSR2);
      ::raise(SIGUSR1);
    });
    co_return numbers;
  });
  EXPECT_THAT(got, ::testing::UnorderedElementsAre(SIGUSR1, SIGUSR2));
}

// --- run() ---

// run.8
TEST(run_signals, end_main_and_throw_interrupted) {
  bool cleaned = false;
  const auto main = [&]() -> task<void> {
    auto work = []() -> task<void> {
      ::raise(SIGTERM);
      co_await sleep(1h);
    };
    auto cleanup = [&]() -> task<void> {
      co_await sleep(1ms);
      cleaned = true;
    };
    co_await finally(work(), cleanup);
  };
  try {
    run(main);
    ADD_FAILURE() << "run returned";
  } catch (const error& e) {
    EXPECT_EQ(e.code(), errc::interrupted);
    EXPECT_THAT(e.what(), HasSubstr("signal 15"));
  }
  EXPECT_TRUE(cleaned);
  EXPECT_EQ(disposition(SIGTERM), SIG_DFL);
  EXPECT_EQ(disposition(SIGINT), SIG_DFL);
}

// run.9
TEST(run_signals, give_the_value_of_a_main_that_swallows_the_cancellation) {
  const int value = run([]() -> task<int> {
    try {
      ::raise(SIGINT);
      co_await sleep(1h);
    } catch (const cancelled& stop) {
      EXPECT_EQ(stop.reason(), cancel_reason::shutdown);
    }
    co_return 5;
  });
  EXPECT_EQ(value, 5);
}

// run.10
TEST(run_signals, let_another_error_of_mains_cleanup_through) {
  const auto main = []() -> task<void> {
    try {
      ::raise(SIGINT);
      co_await sleep(1h);
    } catch (const cancelled&) {
      throw std::runtime_error("cleanup");
    }
  };
  EXPECT_THROW(run(main), std::runtime_error);
}

// run.11
TEST(run_signals, leave_root_tasks_running_until_main_has_ended) {
  bool during_cleanup = false;
  bool cancelled_later = false;
  const auto main = [&]() -> task<void> {
    auto beside = [&]() -> task<void> {
      try {
        for (;;) co_await sleep(1ms);
      } catch (const cancelled&) {
        cancelled_later = true;
        throw;
      }
    };
    auto handle = spawn(beside);
    auto work = []() -> task<void> {
      ::raise(SIGINT);
      co_await sleep(1h);
    };
    auto cleanup = [&]() -> task<void> {
      co_await sleep(5ms);
      during_cleanup = !handle.done();
    };
    co_await finally(work(), cleanup);
  };
  EXPECT_THROW(run(main), error);
  EXPECT_TRUE(during_cleanup);
  EXPECT_TRUE(cancelled_later);
}

// run.12
TEST(run_signals, a_second_one_goes_through_shields_and_restores_the_default) {
  bool shield_ended = false;
  handler after_second = nullptr;
  const auto main = [&]() -> task<void> {
    auto stubborn = [&]() -> task<void> {
      ::raise(SIGINT);
      try {
        co_await sleep(1ms);
        ::raise(SIGINT);
        co_await sleep(1h);
      } catch (const cancelled&) {
        shield_ended = true;
        after_second = disposition(SIGINT);
        throw;
      }
    };
    co_await shield(stubborn());
  };
  EXPECT_THROW(run(main), error);
  EXPECT_TRUE(shield_ended);
  EXPECT_EQ(after_second, SIG_DFL);
}

// run.13
TEST(run_signals, leave_the_applications_own_handler_alone) {
  static volatile std::sig_atomic_t called = 0;
  handler own = [](int) { called = 1; };
  std::signal(SIGINT, own);
  run([]() -> task<void> {
    ::raise(SIGINT);
    co_await sleep(1ms);
  });
  EXPECT_EQ(called, 1);
  EXPECT_EQ(disposition(SIGINT), own);
  std::signal(SIGINT, SIG_DFL);
}

// run.13 run.14
TEST(run_signals, are_handled_on_the_first_thread_only_and_removed_at_the_end) {
  std::thread other([] {
    run([]() -> task<void> {
      EXPECT_EQ(disposition(SIGINT), SIG_DFL);
      co_return;
    });
  });
  other.join();
  run([]() -> task<void> {
    EXPECT_NE(disposition(SIGINT), SIG_DFL);
    co_return;
  });
  EXPECT_EQ(disposition(SIGINT), SIG_DFL);
}

TEST(run_signals, are_left_to_a_stream_that_receives_them) {
  const int number = run([]() -> task<int> {
    auto stream = signals({SIGTERM});
    ::raise(SIGTERM);
    co_return co_await stream.next();
  });
  EXPECT_EQ(number, SIGTERM);
}

// run.8
TEST(run_signals, cancel_the_mains_of_all_loops) {
  run_options options;
  options.loops = 3;
  std::atomic<int> cancelled_mains{0};
  const auto main = [&]() -> task<void> {
    if (runtime::loop::current().index() == 0) ::raise(SIGINT);
    try {
      co_await sleep(1h);
    } catch (const cancelled&) {
      ++cancelled_mains;
      throw;
    }
  };
  EXPECT_THROW(run(main, options), error);
  EXPECT_EQ(cancelled_mains, 3);
}

}  // namespace
}  // namespace eddy
