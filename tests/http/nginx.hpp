// A real nginx for tests: a process of its own, in a folder of its own, on a free port.
#pragma once

#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace eddy::http::testing {

/// Runs from construction to destruction. It inherits a socket that listens already, so requests can be made at once:
/// they wait in the backlog until nginx accepts.
class nginx {
 public:
  /// `locations` goes into its server block, `how` behind its listen address ("ssl http2"). Files are served from
  /// files().
  explicit nginx(const std::string& locations = {}, const std::string& how = {})
      : scheme_(how.find("ssl") == std::string::npos ? "http" : "https") {
    std::string pattern = (std::filesystem::temp_directory_path() / "eddy-nginx-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
    folder_ = pattern;
    std::filesystem::create_directory(files());
    // A worker of a master that runs as root drops its rights; it has to get into the folder all the same.
    std::filesystem::permissions(folder_, std::filesystem::perms(0755));
    const int listening = listen_somewhere();
    write_configuration(locations, how);
    start(listening);
    ::close(listening);
    if (process_ < 0) throw std::runtime_error("fork failed");
  }
  nginx(const nginx&) = delete;
  nginx& operator=(const nginx&) = delete;
  ~nginx() {
    kill(process_, SIGTERM);
    waitpid(process_, nullptr, 0);
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  [[nodiscard]] static bool is_installed() { return std::filesystem::exists("/usr/sbin/nginx"); }
  /// "http://127.0.0.1:port"
  [[nodiscard]] std::string base() const {
    return scheme_ + "://127.0.0.1:" + std::to_string(port_);
  }
  [[nodiscard]] pid_t pid() const noexcept { return process_; }
  [[nodiscard]] std::filesystem::path files() const { return folder_ / "files"; }
  void write_file(const std::string& name, std::string_view content) const {
    std::ofstream(files() / name, std::ios::binary) << content;
  }

 private:
  static constexpr int inherited_fd = 9;

  int listen_somewhere() {
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    if (fd < 0 || ::bind(fd, generic, size) != 0 || ::listen(fd, 511) != 0 ||
        ::getsockname(fd, generic, &size) != 0) {
      throw std::runtime_error("no listening socket");
    }
    port_ = ntohs(address.sin_port);
    return fd;
  }

  void write_configuration(const std::string& locations, const std::string& how) const {
    const std::string at = folder_.string();
    std::ofstream(folder_ / "nginx.conf")
        << "daemon off; worker_processes 1; pid " << at << "/pid; error_log " << at
        << "/error.log;\nevents { worker_connections 1024; }\nhttp { access_log off;"
        << " client_body_temp_path " << at << "/1; proxy_temp_path " << at
        << "/2; fastcgi_temp_path " << at << "/3; uwsgi_temp_path " << at << "/4; scgi_temp_path "
        << at << "/5;\nserver { listen 127.0.0.1:" << port_ << " " << how << "; root "
        << files().string() << ";\n"
        << locations << "\n} }\n";
  }

  // Another thread may hold the allocator's lock when the child is made: it allocates nothing.
  void start(int listening) {
    const std::string configuration = (folder_ / "nginx.conf").string();
    const std::string log = (folder_ / "error.log").string();
    std::string inherited = "NGINX=" + std::to_string(inherited_fd) + ";";
    std::vector<char*> surroundings{inherited.data()};
    for (char** each = environ; *each != nullptr; ++each) surroundings.push_back(*each);
    surroundings.push_back(nullptr);
    process_ = fork();
    if (process_ != 0) return;
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (listening != inherited_fd) dup2(listening, inherited_fd);
    execle("/usr/sbin/nginx", "nginx", "-e", log.c_str(), "-c", configuration.c_str(), nullptr,
           surroundings.data());
    _exit(127);
  }

  std::string scheme_;
  std::filesystem::path folder_;
  std::uint16_t port_ = 0;
  pid_t process_ = -1;
};

}  // namespace eddy::http::testing
