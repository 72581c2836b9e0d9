// Child processes.
//
//   eddy::process::options what("sort", {"-u"});
//   what.standard_input = what.standard_output = eddy::process::stdio::pipe;
//   auto sort = eddy::process::spawn(what);
//   auto done = co_await sort.communicate("b\na\nb\n");   // done.out == "a\nb\n"
//
// A child belongs to the loop it was started on, which learns of its end through a descriptor of its own (pidfd):
// other loops, other children and SIGCHLD play no part. A task of the loop's root group waits for each child, so
// that none is left as a zombie; run() therefore returns only when all children have ended, and the object must not
// outlive it. To run a program within a scope, use process::run.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <source_location>
#include <string>

#include <eddy/base/time.hpp>
#include <eddy/coro/task.hpp>
#include <eddy/process/options.hpp>
#include <eddy/process/pipe.hpp>

namespace eddy::process {

class child_state;

/// What a child wrote, and how it ended.
struct output {
  output() = default;
  std::string out = {};
  std::string err = {};
  exit_status status = exit_status::unknown();
};

/// Bounds of communicate().
struct communicate_limits {
  std::size_t output = std::size_t{64}
                       << 20;  ///< bytes of each of the two outputs; more is an error
};

/// A started program. Move-only; destroyed while the child runs, it kills it (SIGKILL) without waiting: the loop
/// collects it. Used on its loop.
class child {
 public:
  child(child&&) noexcept = default;
  child& operator=(child&& other) noexcept;
  ~child();

  [[nodiscard]] int pid() const noexcept;
  /// How it ended; unset while it runs, as far as the loop knows.
  [[nodiscard]] std::optional<exit_status> status() const noexcept;

  /// Waits for the end of the child itself; others may hold its pipes open for longer. Any number of tasks may
  /// wait, any number of times. Cancelling a wait leaves the child alone.
  [[nodiscard]] task<exit_status> wait() const;

  /// Writes `input` to the child and closes its input, reads both outputs to their ends, and waits for the child;
  /// all at once, so that no full pipe blocks. A child that does not read its input is no error. Outputs that are
  /// no pipes stay empty. Throws errc::limit_exceeded when an output is larger than its bound, and invalid_input
  /// for input without a pipe. Cancelled or failed, it leaves the child running and drops what was read.
  [[nodiscard]] task<output> communicate(std::string input = std::string(),
                                         communicate_limits limits = communicate_limits());

  /// Sends a signal; false when the child has ended already: it then goes nowhere. Throws invalid_input for no
  /// signal.
  bool signal(int number);
  /// Sends SIGKILL.
  void kill() noexcept;
  /// Sends SIGTERM, after `grace` SIGKILL, and waits for the end. At once when it has ended.
  [[nodiscard]] task<exit_status> terminate(duration grace);

  /// The pipes asked for; others are closed ones.
  [[nodiscard]] pipe_writer& in() noexcept { return in_; }
  [[nodiscard]] pipe_reader& out() noexcept { return out_; }
  [[nodiscard]] pipe_reader& err() noexcept { return err_; }

 private:
  friend child spawn(options what, std::source_location where);
  child(std::shared_ptr<child_state> state, pipe_writer in, pipe_reader out,
        pipe_reader err) noexcept;

  std::shared_ptr<child_state> state_;
  pipe_writer in_;
  pipe_reader out_;
  pipe_reader err_;
};

/// Starts a program. The calling thread waits until the system has loaded it. Throws eddy::error when it cannot be
/// run (not found, no permission, no such directory), with the program as its peer; then nothing is left behind.
/// The child has default signal dispositions, an empty signal mask and no descriptors but the standard three.
[[nodiscard]] child spawn(options what,
                          std::source_location where = std::source_location::current());

}  // namespace eddy::process
