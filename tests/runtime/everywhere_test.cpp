// What crosses threads and loops, and signals, cancelled and made to fail at every point. Both sides are on one virtual
// loop here; with several loops: cross_loop_test.cpp.
#include <eddy/testing/everywhere.hpp>

#include "undisturbed.hpp"

#include <csignal>
#include <memory>
#include <vector>

#include <gmock/gmock.h>

#include <eddy/coro/handle.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/runtime/cross_loop_channel.hpp>
#include <eddy/runtime/dump.hpp>
#include <eddy/runtime/offload.hpp>
#include <eddy/runtime/remote.hpp>
#include <eddy/runtime/run.hpp>
#include <eddy/runtime/signals.hpp>
#include <eddy/testing/gtest.hpp>

namespace eddy {
namespace {

using namespace std::chrono_literals;
using testing::cancel_everywhere;
using testing::trial;
using tests::expect_value_when_undisturbed;

// clk.6
// Exposes: runtime/cross_loop_channel.send
TEST(everywhere, a_value_that_was_not_sent_across_loops_is_intact) {
  cancel_everywhere([](trial& t) -> task<void> {
    cross_loop_channel<std::unique_ptr<int>> values(1);
    auto sender = std::move(values.sender());
    auto receiver = std::move(values.receiver());
    std::vector<std::unique_ptr<int>> mine;
    for (int i = 0; i < 3; ++i) mine.push_back(std::make_unique<int>(i));
    std::vector<int> taken;
    auto consumer = spawn([&]() -> task<void> {
      while (auto value = co_await receiver.receive()) {
        taken.push_back(**value);
        co_await sleep(1s);
      }
    });
    const auto send = [&]() -> task<void> {
      for (auto& value : mine) co_await sender.send(std::move(value));
    };
    const auto ended = co_await t.expose(send());
    expect_value_when_undisturbed(t, ended);
    EXPECT_EQ(sender.statistics().waiting_senders, 0U);
    for (auto& value : mine) {
      if (value) co_await sender.send(std::move(value));
    }
    {
      const auto last = std::move(sender);
    }
    co_await consumer;
    EXPECT_THAT(taken, ::testing::ElementsAre(0, 1, 2));
  });
}

// clk.6
// Exposes: runtime/cross_loop_channel.receive
TEST(everywhere, a_cross_loop_channel_loses_no_value_at_its_receiver) {
  cancel_everywhere([](trial& t) -> task<void> {
    cross_loop_channel<int> values(1);
    auto receiver = std::move(values.receiver());
    auto producer = spawn(
        [](auto to) -> task<void> {
          for (int i = 0; i < 4; ++i) {
            co_await to.send(int(i));
            co_await sleep(1s * (i % 2));
          }
        },
        std::move(values.sender()));
    std::vector<int> taken;
    const auto receive = [&]() -> task<void> {
      while (const auto value = co_await receiver.receive()) taken.push_back(*value);
    };
    const auto ended = co_await t.expose(receive());
    expect_value_when_undisturbed(t, ended);
    EXPECT_EQ(receiver.statistics().waiting_receivers, 0U);
    co_await receive();
    co_await producer;
    EXPECT_THAT(taken, ::testing::ElementsAre(0, 1, 2, 3));
  });
}

// clk.6
// Exposes: runtime/remote.run_on
TEST(everywhere, work_on_a_loop_has_ended_when_its_caller_goes_on) {
  cancel_everywhere([](trial& t) -> task<void> {
    int running = 0;
    const auto work = [&running]() -> task<int> {
      ++running;
      // No sleep: virtual time stands still while another loop may have something to say.
      const auto napped = co_await as_result(yield());
      --running;
      static_cast<void>(napped.value());
      co_return 7;
    };
    const auto use = [&]() -> task<int> {
      const int first = co_await run_on(current_loop(), work);
      const int second = co_await run_on(current_loop(), work);
      co_return first + second;
    };
    const auto ended = co_await t.expose(use());
    expect_value_when_undisturbed(t, ended);
    EXPECT_EQ(running, 0);
  });
}

// clk.6
// Exposes: runtime/offload.to_thread runtime/offload.to_cpu_thread
TEST(everywhere, thread_calls_have_ended_or_never_began) {
  cancel_everywhere([](trial& t) -> task<void> {
    const auto calls = std::make_shared<int>(0);
    const auto finished = std::make_shared<int>(0);
    const auto work = [calls, finished] {
      ++*calls;
      ++*finished;
      return 7;
    };
    const auto body = [&]() -> task<int> {
      const int blocking = co_await to_thread(work);
      const int computed = co_await to_cpu_thread(work);
      co_return blocking + computed;
    };
    const auto ended = co_await t.expose(body());
    expect_value_when_undisturbed(t, ended);
    EXPECT_EQ(*calls, *finished);
    EXPECT_LE(*calls, 2);
    if (ended.has_value()) {
      EXPECT_EQ(*calls, 2);
    }
  });
}

// clk.6
// Exposes: runtime/signals.next
TEST(everywhere, a_signal_reaches_the_next_who_asks) {
  const auto before = std::signal(SIGUSR2, SIG_IGN);
  cancel_everywhere([](trial& t) -> task<void> {
    auto stream = signals({SIGUSR2});
    auto sender = spawn([]() -> task<void> {
      co_await sleep(1s);
      std::raise(SIGUSR2);
    });
    int received = 0;
    const auto receive = [&]() -> task<void> { received = co_await stream.next(); };
    const auto ended = co_await t.expose(receive());
    expect_value_when_undisturbed(t, ended);
    if (received == 0) co_await receive();
    EXPECT_EQ(received, SIGUSR2);
    co_await sender;
  });
  std::signal(SIGUSR2, before);
}

// clk.6
// Exposes: runtime/dump.read_task_tree
TEST(everywhere, reading_the_task_tree_holds_nobody_back) {
  cancel_everywhere([](trial& t) -> task<void> {
    std::vector<task_handle<void>> others;
    for (int i = 0; i < 300; ++i)
      others.push_back(spawn([]() -> task<void> { co_await sleep(1s); }));
    const auto ended = co_await t.expose(read_task_tree());
    expect_value_when_undisturbed(t, ended);
    for (auto& other : others) co_await other;
  });
}

}  // namespace
}  // namespace eddy
