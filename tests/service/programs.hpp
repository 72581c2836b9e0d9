// The service as a process, and the programs on its other side.
#pragma once

#include "http/scripted_server.hpp"

#include <csignal>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <future>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <eddy/coro/scope.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/runtime/run.hpp>

namespace service::testing {

/// A child process whose output is read through a pipe. Killed on destruction if it has not ended.
class child_process {
 public:
  explicit child_process(std::vector<std::string> command) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
    std::vector<char*> words;
    for (std::string& word : command) words.push_back(word.data());
    words.push_back(nullptr);
    id_ = fork();
    if (id_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      dup2(ends[1], STDOUT_FILENO);
      dup2(ends[1], STDERR_FILENO);
      execvp(words[0], words.data());
      _exit(127);
    }
    ::close(ends[1]);
    output_ = ends[0];
  }
  child_process(const child_process&) = delete;
  child_process& operator=(const child_process&) = delete;
  ~child_process() {
    if (id_ > 0) {
      kill(id_, SIGKILL);
      waitpid(id_, nullptr, 0);
    }
    ::close(output_);
  }

  /// Reads until the output has `text` in it; false when it ends, or nothing comes for `patience_ms`.
  bool wait_for(const std::string& text, int patience_ms = 30'000) {
    while (seen_.find(text) == std::string::npos) {
      if (!read_more(patience_ms)) return false;
    }
    return true;
  }
  /// All output up to now.
  [[nodiscard]] const std::string& output() const noexcept { return seen_; }
  void signal(int number) const { kill(id_, number); }
  /// Reads the output to its end; the exit code, or minus the signal.
  int wait() {
    while (read_more(60'000)) {
    }
    int status = 0;
    waitpid(std::exchange(id_, -1), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

 private:
  bool read_more(int patience_ms) {
    pollfd on{output_, POLLIN, 0};
    if (::poll(&on, 1, patience_ms) <= 0) return false;
    char piece[65536];
    const ssize_t got = ::read(output_, piece, sizeof piece);
    if (got <= 0) return false;
    seen_.append(piece, static_cast<std::size_t>(got));
    return true;
  }

  pid_t id_ = -1;
  int output_ = -1;
  std::string seen_;
};

/// eddy_service on a free port.
class service_process : public child_process {
 public:
  explicit service_process(const std::vector<std::string>& more = {})
      : child_process(command(more)) {
    const std::string before = "listening on ";
    if (!wait_for("/ (")) throw std::runtime_error("the service does not start: " + output());
    const std::size_t begin = output().find(before) + before.size();
    base_ = output().substr(begin, output().find("/ (") - begin);
  }
  /// "http://127.0.0.1:port"
  [[nodiscard]] const std::string& base() const noexcept { return base_; }

 private:
  static std::vector<std::string> command(const std::vector<std::string>& more) {
    std::vector<std::string> words{EDDY_PROGRAM, "--port", "0"};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  std::string base_;
};

struct answer {
  int status = 0;  // 0: no response
  std::string body;
};

inline std::vector<std::string> curl_command(const std::vector<std::string>& arguments) {
  std::vector<std::string> words{"curl", "-q", "-s", "--noproxy", "*", "-w", "\n%{http_code}"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  return words;
}

/// What a finished curl said.
inline answer answer_of(child_process& curl) {
  curl.wait();
  const std::string& text = curl.output();
  const std::size_t cut = text.rfind('\n');
  answer read;
  if (cut == std::string::npos) return read;
  read.body = text.substr(0, cut);
  read.status = std::stoi(text.substr(cut + 1));
  return read;
}

/// Runs curl to its end.
inline answer curl(const std::vector<std::string>& arguments) {
  child_process process(curl_command(arguments));
  return answer_of(process);
}

/// A server on a thread of its own, for what a well-behaved one does not do: /hang never answers, /drop closes, /fail
/// answers 500, /flaky 503 and 200 in turn, /cut breaks off its body.
class bad_server {
 public:
  bad_server() {
    std::promise<std::string> base;
    auto started = base.get_future();
    thread_ = std::thread([this, &base] {
      eddy::run_options quiet;
      quiet.handle_signals = false;
      quiet.on_error = [](const eddy::failure_report&) {};
      eddy::run([&] { return serve(base); }, quiet);
    });
    base_ = started.get();
  }
  bad_server(const bad_server&) = delete;
  bad_server& operator=(const bad_server&) = delete;
  ~bad_server() {
    loop_.post([this] { stop_.cancel(); });
    thread_.join();
  }
  [[nodiscard]] const std::string& base() const noexcept { return base_; }
  /// Set when a client has gone away from /hang.
  [[nodiscard]] std::future<void> abandoned() { return abandoned_.get_future(); }

 private:
  eddy::task<void> serve(std::promise<std::string>& base) {
    loop_ = eddy::current_loop();
    auto script = [this](eddy::http::testing::scripted_peer& peer) { return answer_peer(peer); };
    auto body = [&](const std::string& own) -> eddy::task<void> {
      base.set_value(own);
      co_await eddy::sleep(std::chrono::hours(1));
    };
    auto run = [&](eddy::cancel_scope&) -> eddy::task<void> {
      co_await eddy::http::testing::with_scripted_server(script, body);
    };
    co_await eddy::with_scope(stop_, run);
  }

  eddy::task<void> answer_peer(eddy::http::testing::scripted_peer& peer) {
    for (;;) {
      const auto request = co_await peer.read_request();
      if (!request || request->starts_with("GET /drop")) co_return;
      if (request->starts_with("GET /hang")) {
        const auto next = co_await peer.read_request();
        if (!next && !std::exchange(told_, true)) abandoned_.set_value();
        co_return;
      }
      if (request->starts_with("GET /cut")) {
        co_await peer.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
        co_return;
      }
      const bool fails = request->starts_with("GET /fail") || flaky_ % 2 == 0;
      if (request->starts_with("GET /flaky")) ++flaky_;
      co_await peer.send(fails ? "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"
                               : "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine");
    }
  }

  std::thread thread_;
  eddy::runtime::loop_ref loop_;
  eddy::cancel_scope stop_;
  std::string base_;
  std::promise<void> abandoned_;
  bool told_ = false;
  int flaky_ = 0;
};

/// A file that is gone afterwards.
class temporary_file {
 public:
  explicit temporary_file(const std::string& content) {
    std::string pattern = (std::filesystem::temp_directory_path() / "eddy-service-XXXXXX").string();
    const int fd = mkstemp(pattern.data());
    if (fd < 0) throw std::runtime_error("no temporary file");
    ::close(fd);
    path_ = pattern;
    std::ofstream(path_, std::ios::binary) << content;
  }
  temporary_file(const temporary_file&) = delete;
  temporary_file& operator=(const temporary_file&) = delete;
  ~temporary_file() { std::filesystem::remove(path_); }
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  std::string path_;
};

}  // namespace service::testing
