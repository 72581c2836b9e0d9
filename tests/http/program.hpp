// A real program for tests: started with a pipe from its output, ended with the fixture.
#pragma once

#include <csignal>
#include <cstdint>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace eddy::http::testing {

/// A port that was free a moment ago.
inline std::uint16_t free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  const bool bound =
      fd >= 0 && ::bind(fd, generic, size) == 0 && ::getsockname(fd, generic, &size) == 0;
  ::close(fd);
  if (!bound) throw std::runtime_error("no free port");
  return ntohs(address.sin_port);
}

class program {
 public:
  /// The first of `arguments` is the program's path.
  explicit program(std::vector<std::string> arguments) {
    int ends[2] = {-1, -1};
    if (pipe(ends) != 0) throw std::runtime_error("pipe failed");
    std::vector<char*> list;
    for (std::string& each : arguments) list.push_back(each.data());
    list.push_back(nullptr);
    process_ = fork();
    if (process_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGTERM);
      dup2(ends[1], STDOUT_FILENO);
      execv(list[0], list.data());
      _exit(127);
    }
    ::close(ends[1]);
    output_ = fdopen(ends[0], "r");
    if (process_ < 0 || output_ == nullptr) throw std::runtime_error("fork failed");
  }
  program(const program&) = delete;
  program& operator=(const program&) = delete;
  ~program() {
    kill(process_, SIGKILL);
    waitpid(process_, nullptr, 0);
    std::fclose(output_);
  }

  /// The next line of its output; waits for it. Empty: it has ended.
  [[nodiscard]] std::string read_line() {
    std::string line;
    for (int c = std::fgetc(output_); c != EOF && c != '\n'; c = std::fgetc(output_)) {
      line += static_cast<char>(c);
    }
    return line;
  }

 private:
  pid_t process_ = -1;
  std::FILE* output_ = nullptr;
};

}  // namespace eddy::http::testing
