// What a child process is started with, and how it ended.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace eddy::process {

/// Where one of the child's standard streams goes.
enum class stdio : std::uint8_t {
  inherit,  ///< to where this program's goes
  null,     ///< nowhere: reads give the end, writes vanish
  pipe,     ///< to this program, as a stream
};

/// What to run and how. In a co_await expression name the object first: see the guide on g++ 12.
struct options {
  explicit options(std::string program_to_run, std::vector<std::string> arguments = {})
      : program(std::move(program_to_run)), args(std::move(arguments)) {}

  std::string program;            ///< without a slash: looked up in this program's PATH
  std::vector<std::string> args;  ///< after the program's name
  std::map<std::string, std::string> env = {};  ///< added to, or in place of, what is inherited
  bool inherit_env = true;                      ///< false: `env` is all there is
  std::filesystem::path cwd = {};               ///< working directory; empty: this program's
  std::optional<stdio> standard_input = {};   ///< unset: null; for run() a pipe when there is input
  std::optional<stdio> standard_output = {};  ///< unset: inherit; for run() a pipe
  std::optional<stdio> standard_error = {};   ///< unset: inherit; for run() a pipe
};

/// How a child ended.
class exit_status {
 public:
  [[nodiscard]] static exit_status exited(int code) noexcept { return exit_status(code, 0); }
  [[nodiscard]] static exit_status killed_by(int signal) noexcept {
    return exit_status(-1, signal);
  }
  /// The program has SIGCHLD ignored, so that the system keeps no status.
  [[nodiscard]] static exit_status unknown() noexcept { return exit_status(-1, 0); }

  /// Ended by itself with code 0.
  [[nodiscard]] bool success() const noexcept { return code_ == 0; }
  /// The exit code, if it ended by itself.
  [[nodiscard]] std::optional<int> code() const noexcept {
    return code_ >= 0 ? std::optional(code_) : std::nullopt;
  }
  /// The signal, if one ended it.
  [[nodiscard]] std::optional<int> signal() const noexcept {
    return signal_ > 0 ? std::optional(signal_) : std::nullopt;
  }
  /// "exit code 3", "signal 9".
  [[nodiscard]] std::string to_string() const;

  friend bool operator==(const exit_status&, const exit_status&) noexcept = default;

 private:
  exit_status(int code, int signal) noexcept : code_(code), signal_(signal) {}
  int code_;
  int signal_;
};

}  // namespace eddy::process
