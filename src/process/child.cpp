#include <eddy/process/child.hpp>

#include "child_state.hpp"
#include "launch.hpp"

#include <csignal>

#include <eddy/base/error.hpp>
#include <eddy/coro/group.hpp>
#include <eddy/coro/handle.hpp>
#include <eddy/coro/timeout.hpp>
#include <eddy/runtime/loop.hpp>

namespace eddy::process {
namespace {

constexpr std::size_t read_at_once = std::size_t{64} << 10;

task<exit_status> wait_for(std::shared_ptr<child_state> state) {
  const future<exit_status> ended = state->ended();
  co_return co_await ended;
}

task<exit_status> terminate_in(std::shared_ptr<child_state> state, duration grace) {
  state->signal(SIGTERM);
  const auto ended = co_await move_on_after(grace, wait_for(state));
  if (ended) co_return *ended;
  state->kill();
  co_return co_await wait_for(state);
}

task<void> feed(pipe_writer& to, const std::string& input) {
  try {
    co_await io::write_all(to, input);
  } catch (const error& failure) {
    // A child need not read what it was given.
    if (failure != condition::disconnected) throw;
  }
  to.close();
}

task<void> drain(pipe_reader& from, std::string& into, std::size_t limit) {
  for (;;) {
    const std::size_t before = into.size();
    into.resize(before + read_at_once);
    const auto space = std::as_writable_bytes(std::span(into)).subspan(before);
    const std::size_t count = co_await from.read_some(space);
    into.resize(before + count);
    if (count == 0) co_return;
    if (into.size() > limit) throw_error(errc::limit_exceeded, "communicate");
  }
}

}  // namespace

std::string exit_status::to_string() const {
  if (code_ >= 0) return "exit code " + std::to_string(code_);
  if (signal_ > 0) return "signal " + std::to_string(signal_);
  return "unknown";
}

child spawn(options what, std::source_location where) {
  runtime::loop& here = runtime::loop::current();
  launched started = launch(what, here.io());
  std::shared_ptr<child_state> state;
  try {
    state = std::make_shared<child_state>(started.pid);
    state->watch(here.io());
    const std::string name = "child process " + std::to_string(started.pid);
    coro::launch(child_state::reap(state), here.root(), where, {.name = name});
  } catch (...) {
    child_state(started.pid).kill_and_collect();
    throw;
  }
  return {std::move(state), pipe_writer(std::move(started.in)), pipe_reader(std::move(started.out)),
          pipe_reader(std::move(started.err))};
}

child::child(std::shared_ptr<child_state> state, pipe_writer in, pipe_reader out,
             pipe_reader err) noexcept
    : state_(std::move(state)), in_(std::move(in)), out_(std::move(out)), err_(std::move(err)) {}

child& child::operator=(child&& other) noexcept {
  if (state_ != nullptr) state_->kill();
  state_ = std::move(other.state_);
  in_ = std::move(other.in_);
  out_ = std::move(other.out_);
  err_ = std::move(other.err_);
  return *this;
}

child::~child() {
  if (state_ != nullptr) state_->kill();
}

int child::pid() const noexcept { return state_->pid(); }

std::optional<exit_status> child::status() const noexcept { return state_->status(); }

task<exit_status> child::wait() const { return wait_for(state_); }

bool child::signal(int number) { return state_->signal(number); }

void child::kill() noexcept { state_->kill(); }

task<exit_status> child::terminate(duration grace) { return terminate_in(state_, grace); }

task<output> child::communicate(std::string input, communicate_limits limits) {
  if (!input.empty() && !in_.is_open())
    throw_invalid_input("communicate: input for a child without a pipe to its standard input");
  output result;
  auto talk = [&](task_group& group) -> task<void> {
    if (in_.is_open()) group.spawn(feed(in_, input));
    if (out_.is_open()) group.spawn(drain(out_, result.out, limits.output));
    if (err_.is_open()) group.spawn(drain(err_, result.err, limits.output));
    result.status = co_await wait();
  };
  co_await with_group(talk);
  co_return result;
}

}  // namespace eddy::process
