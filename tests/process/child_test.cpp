// Child processes: real programs, on every driver.
#include <eddy/process/child.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <eddy/coro/finally.hpp>
#include <eddy/coro/gather.hpp>
#include <eddy/coro/group.hpp>
#include <eddy/coro/scope.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/coro/timeout.hpp>
#include <eddy/process/run.hpp>
#include <eddy/runtime/run.hpp>

namespace eddy::process {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

constexpr auto patience = 30s;

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

/// Runs a test's body on a loop; afterwards neither descriptors nor children are left.
template <class Fn>
auto run_on_loop(Fn body) {
  const std::size_t descriptors = open_descriptors();
  struct check_at_end {
    std::size_t before;
    ~check_at_end() {
      EXPECT_EQ(open_descriptors(), before);
      EXPECT_FALSE(has_children());
    }
  } const check{descriptors};
  return eddy::run([&] { return body(); });
}

options shell(const std::string& script) {
  std::vector<std::string> args;
  args.emplace_back("-c");
  args.push_back(script);
  return options("sh", std::move(args));
}

options piped_shell(const std::string& script) {
  options what = shell(script);
  what.standard_input = what.standard_output = what.standard_error = stdio::pipe;
  return what;
}

task<output> run_shell(std::string script, std::string input = std::string()) {
  options what = shell(script);
  auto running = process::run(std::move(what), std::move(input));
  co_return co_await with_timeout(patience, std::move(running));
}

/// Waits until the child has written a line.
task<void> first_line(child& from) {
  std::array<std::byte, 64> bytes{};
  const std::size_t count = co_await from.out().read_some(bytes);
  EXPECT_GT(count, 0U);
}

// proc.1
TEST(process, gives_exit_code_and_both_outputs) {
  const output got = run_on_loop([] { return run_shell("echo out; echo err >&2; exit 3"); });
  EXPECT_EQ(got.out, "out\n");
  EXPECT_EQ(got.err, "err\n");
  EXPECT_EQ(got.status, exit_status::exited(3));
  EXPECT_EQ(got.status.to_string(), "exit code 3");
  EXPECT_FALSE(got.status.success());
}

// proc.1
TEST(process, gets_environment_and_working_directory_as_asked_for) {
  ::setenv("EDDY_INHERITED", "kept", 1);
  ::setenv("EDDY_REPLACED", "old", 1);
  const output got = run_on_loop([]() -> task<output> {
    options what = shell("echo $EDDY_INHERITED $EDDY_REPLACED $EDDY_ADDED; pwd");
    what.env["EDDY_REPLACED"] = "new";
    what.env["EDDY_ADDED"] = "added";
    what.cwd = "/usr";
    co_return co_await process::run(std::move(what));
  });
  EXPECT_EQ(got.out, "kept new added\n/usr\n");
  const output alone = run_on_loop([]() -> task<output> {
    options what("/usr/bin/env");
    what.inherit_env = false;
    what.env["ONLY"] = "this";
    co_return co_await process::run(std::move(what));
  });
  EXPECT_EQ(alone.out, "ONLY=this\n");
}

// proc.1
TEST(process, reads_the_end_where_it_is_given_no_input) {
  const output got = run_on_loop([] { return run_shell("cat; echo end"); });
  EXPECT_EQ(got.out, "end\n");
  const output piped = run_on_loop([]() -> task<output> {
    child c = spawn(piped_shell("cat; echo end"));
    co_return co_await c.communicate();
  });
  EXPECT_EQ(piped.out, "end\n");
}

TEST(process, inherits_neither_dispositions_nor_signal_mask) {
  sigset_t blocked;
  sigset_t before;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &blocked, &before);
  std::signal(SIGPIPE, SIG_IGN);
  const output mask = run_on_loop([] { return run_shell("grep SigBlk /proc/self/status"); });
  const output ignored = run_on_loop([] { return run_shell("grep SigIgn /proc/self/status"); });
  std::signal(SIGPIPE, SIG_DFL);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  constexpr auto own_signals = 0x7fff'ffffU;  // 32 and 33 are the C library's
  EXPECT_EQ(mask.out, "SigBlk:\t0000000000000000\n");
  EXPECT_EQ(std::stoull(ignored.out.substr(8), nullptr, 16) & own_signals, 0U) << ignored.out;
}

// proc.2
TEST(process, may_leave_more_input_than_a_pipe_holds_unread) {
  const output got = run_on_loop([] {
    return run_shell("exec 0<&-; echo done; exit 4", std::string(std::size_t{4} << 20, 'x'));
  });
  EXPECT_EQ(got.out, "done\n");
  EXPECT_EQ(got.status, exit_status::exited(4));
}

// proc.3
TEST(process, killed_by_a_signal_is_reported_as_that_signal) {
  const output got = run_on_loop([] { return run_shell("kill -9 $$"); });
  EXPECT_EQ(got.status, exit_status::killed_by(SIGKILL));
  EXPECT_EQ(got.status.signal(), SIGKILL);
  EXPECT_EQ(got.status.code(), std::nullopt);
  EXPECT_EQ(got.status.to_string(), "signal 9");
}

// proc.4
TEST(process, that_has_ended_takes_no_signals_and_keeps_its_exit_code) {
  run_on_loop([]() -> task<void> {
    child c = spawn(piped_shell("exit 6"));
    // Its output ends with it, so that it is a zombie now or very soon, not collected yet.
    std::array<std::byte, 8> bytes{};
    const std::size_t count = co_await c.out().read_some(bytes);
    EXPECT_EQ(count, 0U);
    for (int i = 0; i < 100; ++i) {
      siginfo_t info{};
      ::waitid(P_PID, static_cast<id_t>(c.pid()), &info, WEXITED | WNOWAIT);
      EXPECT_TRUE(c.signal(SIGKILL));  // goes to the zombie
    }
    const exit_status status = co_await c.wait();
    EXPECT_EQ(status, exit_status::exited(6));
    EXPECT_FALSE(c.signal(SIGKILL));
    c.kill();
    const exit_status again = co_await c.terminate(1s);
    EXPECT_EQ(again, exit_status::exited(6));
  });
}

TEST(process, refuses_what_is_no_signal) {
  run_on_loop([]() -> task<void> {
    child c = spawn(shell("exec sleep 100"));
    try {
      c.signal(4711);
      ADD_FAILURE() << "accepted";
    } catch (const error& e) {
      EXPECT_EQ(e.code(), errc::invalid_input);
    }
    co_return;
  });
}

// proc.5
TEST(process, runs_on_when_a_wait_is_cancelled) {
  run_on_loop([]() -> task<void> {
    child c = spawn(piped_shell("read line; exit 7"));
    const auto early = co_await move_on_after(5ms, c.wait());
    EXPECT_FALSE(early.has_value());
    EXPECT_EQ(c.status(), std::nullopt);
    c.in().close();
    const exit_status status = co_await c.wait();
    EXPECT_EQ(status, exit_status::exited(7));
  });
}

// proc.5
TEST(process, gives_its_code_to_all_who_wait) {
  run_on_loop([]() -> task<void> {
    child c = spawn(piped_shell("read line; exit 8"));
    int told = 0;
    co_await with_group([&](task_group& group) -> task<void> {
      for (int i = 0; i < 10; ++i) {
        group.spawn([&]() -> task<void> {
          const exit_status status = co_await c.wait();
          told += status == exit_status::exited(8) ? 1 : 0;
        });
      }
      co_await yield();
      c.in().close();
    });
    EXPECT_EQ(told, 10);
  });
}

task<void> twenty_at_once() {
  std::vector<child> children;
  for (int i = 0; i < 20; ++i)
    children.push_back(spawn(piped_shell("read line; exit " + std::to_string(i))));
  for (auto& each : children) each.in().close();
  for (int i = 0; i < 20; ++i) {
    const exit_status status = co_await children[static_cast<std::size_t>(i)].wait();
    EXPECT_EQ(status, exit_status::exited(i));
  }
}

// proc.5
TEST(process, of_twenty_that_end_together_each_gives_its_own_code) { run_on_loop(twenty_at_once); }

// proc.5
TEST(process, of_several_loops_do_not_disturb_each_other) {
  const std::size_t descriptors = open_descriptors();
  run_options options;
  options.loops = 4;
  eddy::run(twenty_at_once, options);
  EXPECT_FALSE(has_children());
  EXPECT_EQ(open_descriptors(), descriptors);
}

// proc.6
TEST(process, is_killed_and_collected_when_its_object_goes) {
  run_on_loop([]() -> task<void> {
    int pid = 0;
    const auto start = now();
    {
      child c = spawn(shell("exec sleep 1000"));
      pid = c.pid();
    }
    EXPECT_LT(now() - start, 10s);  // nobody waited for the sleep
    while (::kill(pid, 0) == 0) co_await sleep(1ms);
  });
}

// proc.6
TEST(process, that_has_ended_is_not_signalled_when_its_object_goes) {
  run_on_loop([]() -> task<void> {
    std::optional<child> c(spawn(shell("exit 2")));
    const exit_status status = co_await c->wait();
    const auto other = std::move(*c);
    c.reset();
    EXPECT_EQ(other.status(), status);
  });
}

// proc.7
TEST(process, is_terminated_when_the_scope_around_it_is_cancelled) {
  const auto start = std::chrono::steady_clock::now();
  run_on_loop([]() -> task<void> {
    options what = shell("exec sleep 1000");
    auto running = process::run(std::move(what));
    const auto got = co_await move_on_after(50ms, std::move(running));
    EXPECT_FALSE(got.has_value());
    EXPECT_FALSE(has_children());  // collected before the scope ended
  });
  EXPECT_LT(std::chrono::steady_clock::now() - start,
            4s);  // SIGTERM did it, not the end of the grace
}

// proc.7
TEST(process, that_ignores_its_termination_is_killed_after_the_grace) {
  run_on_loop([]() -> task<void> {
    child c = spawn(piped_shell("trap '' TERM; echo ready; while :; do sleep 0.01; done"));
    co_await first_line(c);
    const exit_status status = co_await c.terminate(30ms);
    EXPECT_EQ(status, exit_status::killed_by(SIGKILL));
    EXPECT_FALSE(has_children());
  });
}

// proc.7
TEST(process, that_ignores_its_termination_is_gone_when_its_scope_ends) {
  run_on_loop([]() -> task<void> {
    options what = shell("trap '' TERM; exec sleep 1000");
    run_limits limits;
    limits.grace = 20ms;
    auto running = process::run(std::move(what), std::string(), limits);
    const auto got = co_await move_on_after(100ms, std::move(running));
    EXPECT_FALSE(got.has_value());
    EXPECT_FALSE(has_children());
  });
}

// proc.8
TEST(process, that_cannot_be_started_is_an_error_and_leaves_nothing) {
  run_on_loop([]() -> task<void> {
    const std::size_t before = open_descriptors();
    options missing = piped_shell("");
    missing.program = "no-such-program-anywhere";
    try {
      const child c = spawn(missing);
      ADD_FAILURE() << "started";
    } catch (const error& e) {
      EXPECT_EQ(e.code(), std::errc::no_such_file_or_directory);
      EXPECT_THAT(e.what(), HasSubstr("no-such-program-anywhere"));
    }
    options nowhere = piped_shell("true");
    nowhere.cwd = "/no/such/directory";
    EXPECT_THROW(static_cast<void>(spawn(nowhere)), error);
    options directory = piped_shell("true");
    directory.program = "/usr";
    EXPECT_THROW(static_cast<void>(spawn(directory)), error);
    EXPECT_THROW(static_cast<void>(spawn(options(""))), error);
    options bad_name = piped_shell("true");
    bad_name.env["A=B"] = "c";
    EXPECT_THROW(static_cast<void>(spawn(bad_name)), error);
    EXPECT_EQ(open_descriptors(), before);
    EXPECT_FALSE(has_children());
    co_return;
  });
}

// proc.9
TEST(process, that_fills_both_outputs_is_drained_without_deadlock) {
  const output got = run_on_loop([] {
    return run_shell(
        "head -c 3000000 /dev/zero | tr '\\0' a; head -c 2000000 /dev/zero | tr '\\0' b >&2; cat",
        std::string(1'000'000, 'c'));
  });
  EXPECT_EQ(got.out, std::string(3'000'000, 'a') + std::string(1'000'000, 'c'));
  EXPECT_EQ(got.err, std::string(2'000'000, 'b'));
}

// proc.9
TEST(process, can_be_read_completely_after_it_has_ended) {
  run_on_loop([]() -> task<void> {
    child c = spawn(piped_shell("head -c 60000 /dev/zero"));
    const exit_status status = co_await c.wait();
    EXPECT_TRUE(status.success());
    std::vector<std::byte> bytes(100'000);
    std::size_t total = 0;
    for (;;) {
      const std::size_t count = co_await c.out().read_some(bytes);
      if (count == 0) break;
      total += count;
    }
    EXPECT_EQ(total, 60'000U);
  });
}

TEST(process, whose_output_exceeds_the_bound_is_an_error_and_ends) {
  run_on_loop([]() -> task<void> {
    run_limits limits;
    limits.output = 10'000;
    options what("yes");
    try {
      const output got = co_await process::run(what, std::string(), limits);
      ADD_FAILURE() << got.out.size();
    } catch (const error& e) {
      EXPECT_EQ(e.code(), errc::limit_exceeded);
    }
    EXPECT_FALSE(has_children());
  });
}

// proc.10
TEST(process, that_leaves_a_grandchild_holding_the_pipe_has_ended_all_the_same) {
  run_on_loop([]() -> task<void> {
    child c = spawn(piped_shell("sleep 1000 & echo $!; exit 5"));
    const exit_status status = co_await with_timeout(patience, c.wait());
    EXPECT_EQ(status, exit_status::exited(5));
    std::array<char, 32> text{};
    const std::size_t count =
        co_await c.out().read_some(std::as_writable_bytes(std::span(text)).first(31));
    EXPECT_GT(count, 1U);
    ::kill(std::stoi(std::string(text.data(), count)), SIGKILL);
  });
}

TEST(process, is_collected_when_main_ends_without_waiting_for_it) {
  run_on_loop([]() -> task<void> {
    const child c = spawn(shell("exec sleep 1000"));
    co_return;
  });
}

// A container that does not know pidfd_open: a filter on this process's system calls says so.
bool forbid_pidfd() {
  std::array<sock_filter, 4> rules{{
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_pidfd_open, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  }};
  const sock_fprog program{.len = rules.size(), .filter = rules.data()};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

TEST(process, is_waited_for_by_a_thread_where_there_are_no_pidfds) {
  const pid_t tester = ::fork();
  if (tester == 0) {
    if (!forbid_pidfd() || ::syscall(SYS_pidfd_open, ::getpid(), 0) >= 0) ::_exit(2);
    try {
      eddy::run(twenty_at_once);
      const output got = eddy::run(run_shell("echo hello; exit 1"));
      ::_exit(got.out == "hello\n" && got.status == exit_status::exited(1) &&
                      !::testing::Test::HasFailure()
                  ? 0
                  : 1);
    } catch (...) {
      ::_exit(3);
    }
  }
  int status = 0;
  ::waitpid(tester, &status, 0);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace eddy::process
