// Real programs on the other side: started by a test, ended with it.
#pragma once

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace eddy::http::test {

/// A program that runs from construction to destruction; what it writes to its standard output can be read.
class peer_process {
 public:
  explicit peer_process(std::vector<std::string> command) {
    if (!std::filesystem::exists(command.front())) {
      throw std::runtime_error(command.front() + " is missing: tools/setup installs it");
    }
    int ends[2];
    if (pipe(ends) != 0) throw std::runtime_error("no pipe");
    std::vector<char*> words;
    for (std::string& word : command) words.push_back(word.data());
    words.push_back(nullptr);
    process_ = fork();
    if (process_ == 0) become(words.data(), ends);
    ::close(ends[1]);
    output_ = ends[0];
    if (process_ < 0) throw std::runtime_error("fork failed");
  }
  peer_process(const peer_process&) = delete;
  peer_process& operator=(const peer_process&) = delete;
  ~peer_process() {
    ::close(output_);
    kill(-process_, SIGKILL);
    waitpid(process_, nullptr, 0);
  }

  /// Blocks for the first line it writes: usually the port it listens on.
  [[nodiscard]] std::string first_line() const {
    std::string line;
    char c = 0;
    while (::read(output_, &c, 1) == 1 && c != '\n') line.push_back(c);
    return line;
  }
  /// Blocks for everything it writes.
  [[nodiscard]] std::string all() const {
    std::string text;
    char piece[512];
    for (ssize_t count = 0; (count = ::read(output_, piece, sizeof piece)) > 0;) {
      text.append(piece, static_cast<std::size_t>(count));
    }
    return text;
  }

 private:
  /// In the child. Another thread may have held the allocator's lock when it was made: nothing is allocated here.
  [[noreturn]] static void become(char* const* words, const int* ends) {
    setpgid(0, 0);  // its children end with it
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(ends[1], STDOUT_FILENO);
    execv(words[0], words);
    _exit(127);
  }

  pid_t process_ = -1;
  int output_ = -1;
};

/// A folder that goes with it.
class temporary_place {
 public:
  temporary_place() {
    std::string pattern = (std::filesystem::temp_directory_path() / "eddy-peer-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
    path_ = pattern;
  }
  temporary_place(const temporary_place&) = delete;
  temporary_place& operator=(const temporary_place&) = delete;
  ~temporary_place() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

/// What a program writes until it ends.
[[nodiscard]] inline std::string output_of(const std::vector<std::string>& command) {
  return peer_process(command).all();
}

/// A headless Chromium that opens a page. For pages that tell the server themselves how it went.
class chromium {
 public:
  explicit chromium(const std::string& url, const std::vector<std::string>& more = {})
      : process_(command(profile_.path(), url, more)) {}

 private:
  static std::vector<std::string> command(const std::string& profile, const std::string& url,
                                          const std::vector<std::string>& more) {
    std::vector<std::string> words{"/bin/sh", "-c", "exec /usr/bin/chromium \"$@\" 2>/dev/null",
                                   "chromium"};
    for (const char* const word :
         {"--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
          "--disable-background-networking", "--disable-component-update", "--disable-sync",
          "--disable-dev-shm-usage"}) {
      words.emplace_back(word);
    }
    words.insert(words.end(), more.begin(), more.end());
    words.push_back("--user-data-dir=" + profile);
    words.push_back(url);
    return words;
  }

  temporary_place profile_;
  peer_process process_;
};

}  // namespace eddy::http::test
