// Every operation on child processes, cancelled and made to fail at every point, with real programs: no descriptor and
// no child is left.
#include "everywhere_on_system.hpp"
#include "undisturbed.hpp"

#include <array>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <eddy/io/stream.hpp>
#include <eddy/process/child.hpp>
#include <eddy/process/run.hpp>

namespace eddy::process {
namespace {

using namespace std::chrono_literals;
using ::eddy::testing::trial;
using tests::cancel_everywhere_on_system;
using tests::expect_value_when_undisturbed;

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

// Exposes: process/run.run
TEST(everywhere, running_a_program_leaves_nothing_behind) {
  cancel_everywhere_on_system([](trial& t) -> task<void> {
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
  cancel_everywhere_on_system([](trial& t) -> task<void> {
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
  cancel_everywhere_on_system([](trial& t) -> task<void> {
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
  cancel_everywhere_on_system([](trial& t) -> task<void> {
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
