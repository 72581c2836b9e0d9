// Every operation on child processes, cancelled and made to fail at every point, with real programs: no descriptor and
// no child is left. How many points there are depends on timing, so a run may not reach its point.
#include <eddy/testing/everywhere.hpp>

#include <array>
#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <eddy/coro/finally.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/coro/timeout.hpp>
#include <eddy/io/stream.hpp>
#include <eddy/process/child.hpp>
#include <eddy/process/run.hpp>
#include <eddy/runtime/run.hpp>

namespace eddy::process {
namespace {

using namespace std::chrono_literals;
using ::eddy::testing::disturbance;
using ::eddy::testing::point_counts;
using ::eddy::testing::trial;

std::size_t open_descriptors() {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& each : std::filesystem::directory_iterator("/proc/self/fd"))
    ++count;
  return count;
}

/// Whether this process has children, ended ones included.
bool has_children() {
  siginfo_t info{};
  return ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

using body = std::function<task<void>(trial&)>;

/// One run on the system's driver; gives the points it had.
point_counts run_once(const body& of, disturbance kind, std::size_t nth) {
  SCOPED_TRACE(std::string(to_string(kind)) + " " + std::to_string(nth));
  const std::size_t descriptors = open_descriptors();
  trial one(kind, nth);
  eddy::run([&]() -> task<void> { co_await with_timeout(30s, of(one)); });
  EXPECT_EQ(open_descriptors(), descriptors);
  EXPECT_FALSE(has_children());
  return one.counts();
}

/// As testing::cancel_everywhere, with real descriptors and real time.
void disturb_everywhere(const body& of) {
  const point_counts points = run_once(of, disturbance::none, 0);
  EXPECT_GT(points.entries, 0U);
  const auto each = [&](disturbance kind, std::size_t count) {
    for (std::size_t nth = 1; nth <= count && !::testing::Test::HasFailure(); ++nth)
      run_once(of, kind, nth);
  };
  each(disturbance::cancel_at_entry, points.entries);
  each(disturbance::cancel_in_suspension, points.suspensions);
  each(disturbance::cancel_before_step, points.steps);
  each(disturbance::error_at_entry, points.entries);
}

options shell(const std::string& script) {
  std::vector<std::string> args;
  args.emplace_back("-c");
  args.push_back(script);
  return options("sh", std::move(args));
}

options piped(const std::string& script) {
  options what = shell(script);
  what.standard_input = what.standard_output = what.standard_error = stdio::pipe;
  return what;
}

template <class T>
void expect_value_when_undisturbed(const trial& t, const result<T>& ended) {
  if (t.kind() == disturbance::none) {
    EXPECT_TRUE(ended.has_value());
  }
}

// Exposes: process/run.run
TEST(everywhere, running_a_program_leaves_nothing_behind) {
  disturb_everywhere([](trial& t) -> task<void> {
    options what = shell("cat; echo err >&2");
    auto ended = co_await t.expose(process::run(std::move(what), "some input"));
    expect_value_when_undisturbed(t, ended);
    if (ended.has_value()) {
      EXPECT_EQ(ended->out, "some input");
      EXPECT_EQ(ended->err, "err\n");
      EXPECT_TRUE(ended->status.success());
    }
  });
}

// Exposes: process/child.communicate
TEST(everywhere, communicating_leaves_the_child_to_its_owner) {
  disturb_everywhere([](trial& t) -> task<void> {
    child cat = spawn(piped("cat"));
    auto ended = co_await t.expose(cat.communicate("some input"));
    expect_value_when_undisturbed(t, ended);
    if (ended.has_value()) {
      EXPECT_EQ(ended->out, "some input");
    } else {
      cat.kill();
      const exit_status status = co_await cat.wait();
      EXPECT_FALSE(status == exit_status::unknown());
    }
  });
}

// Exposes: process/child.wait process/child.terminate
TEST(everywhere, waiting_and_terminating_keep_the_status) {
  disturb_everywhere([](trial& t) -> task<void> {
    child quick = spawn(shell("exit 3"));
    child stubborn = spawn(piped("trap '' TERM; read line"));
    const auto both = [&]() -> task<void> {
      const exit_status first = co_await quick.wait();
      EXPECT_EQ(first, exit_status::exited(3));
      const exit_status killed = co_await stubborn.terminate(10ms);
      EXPECT_TRUE(killed.signal().has_value());
    };
    const auto ended = co_await t.expose(both());
    expect_value_when_undisturbed(t, ended);
    const exit_status again = co_await quick.wait();
    EXPECT_EQ(again, exit_status::exited(3));
    stubborn.kill();
    const exit_status last = co_await stubborn.wait();
    EXPECT_TRUE(last.signal().has_value());
  });
}

// Exposes: process/pipe.read_some process/pipe.write_some
TEST(everywhere, a_pipe_loses_no_byte) {
  disturb_everywhere([](trial& t) -> task<void> {
    child cat = spawn(piped("cat"));
    std::string received;
    std::size_t sent = 0;
    const std::string text = "0123456789";
    const auto read = [&](std::size_t until) -> task<void> {
      std::array<std::byte, 4> buffer;
      while (received.size() < until) {
        const std::size_t n = co_await cat.out().read_some(buffer);
        received += io::text_of(std::span(buffer).first(n));
      }
    };
    const auto talk = [&]() -> task<void> {
      while (sent < text.size()) {
        const auto rest = std::string_view(text).substr(sent);
        sent += co_await cat.in().write_some(io::bytes_of(rest));
      }
      co_await read(text.size());
    };
    const auto ended = co_await t.expose(talk());
    expect_value_when_undisturbed(t, ended);
    co_await read(sent);
    EXPECT_EQ(received, text.substr(0, sent));
  });
}

}  // namespace
}  // namespace eddy::process
