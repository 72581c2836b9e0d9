#include "launch.hpp"

#include <cerrno>
#include <csignal>
#include <string_view>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <spawn.h>
#include <unistd.h>

#include <eddy/base/error.hpp>

namespace eddy::process {
namespace {

std::error_code system_error(int number) { return {number, std::system_category()}; }

/// The child's end of a pipe while the child is being started.
class owned_fd {
 public:
  owned_fd() noexcept = default;
  explicit owned_fd(int fd) noexcept : fd_(fd) {}
  owned_fd(owned_fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  owned_fd& operator=(owned_fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~owned_fd() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int get() const noexcept { return fd_; }
  [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }

 private:
  int fd_ = -1;
};

/// What posix_spawn does between fork and exec.
class file_actions {
 public:
  file_actions() { throw_if(posix_spawn_file_actions_init(&actions_)); }
  file_actions(const file_actions&) = delete;
  file_actions& operator=(const file_actions&) = delete;
  ~file_actions() { posix_spawn_file_actions_destroy(&actions_); }

  void open_null(int as) {
    throw_if(posix_spawn_file_actions_addopen(&actions_, as, "/dev/null", O_RDWR, 0));
  }
  void duplicate(int from, int as) {
    throw_if(posix_spawn_file_actions_adddup2(&actions_, from, as));
  }
  void change_directory(const char* to) {
    throw_if(posix_spawn_file_actions_addchdir_np(&actions_, to));
  }
  [[nodiscard]] const posix_spawn_file_actions_t* get() const noexcept { return &actions_; }

 private:
  static void throw_if(int failed) {
    if (failed != 0) throw_error(system_error(failed), "spawn");
  }
  posix_spawn_file_actions_t actions_;
};

/// No signal blocked, all with their default effect, whatever this program has made of them.
class attributes {
 public:
  attributes() {
    if (const int failed = posix_spawnattr_init(&attributes_); failed != 0)
      throw_error(system_error(failed), "spawn");
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  attributes(const attributes&) = delete;
  attributes& operator=(const attributes&) = delete;
  ~attributes() { posix_spawnattr_destroy(&attributes_); }
  [[nodiscard]] const posix_spawnattr_t* get() const noexcept { return &attributes_; }

 private:
  posix_spawnattr_t attributes_;
};

/// Strings as exec wants them; refers to them.
std::vector<char*> pointers_to(const std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  pointers.reserve(strings.size() + 1);
  for (const std::string& each : strings) pointers.push_back(const_cast<char*>(each.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

std::vector<std::string> environment_of(const options& what) {
  std::vector<std::string> all;
  for (char** entry = what.inherit_env ? environ : nullptr; entry != nullptr && *entry != nullptr;
       ++entry) {
    const std::string_view text(*entry);
    if (!what.env.contains(std::string(text.substr(0, text.find('='))))) all.emplace_back(text);
  }
  for (const auto& [name, value] : what.env) all.push_back(name + "=" + value);
  return all;
}

void require_text(std::string_view text, std::string_view what) {
  if (text.find('\0') != text.npos) throw_invalid_input(what);
}

void check_input(const options& what) {
  if (what.program.empty()) throw_invalid_input("spawn: no program was named");
  require_text(what.program, "spawn: the program's name has a null character");
  require_text(what.cwd.native(), "spawn: the directory's name has a null character");
  for (const auto& arg : what.args) require_text(arg, "spawn: an argument has a null character");
  for (const auto& [name, value] : what.env) {
    require_text(name + value, "spawn: an environment variable has a null character");
    if (name.empty() || name.contains('='))
      throw_invalid_input("spawn: the name of an environment variable");
  }
}

/// The standard streams of one child that is being started.
class streams {
 public:
  explicit streams(runtime::driver& io) noexcept : io_(io) {}

  /// This side's end, if stream `number` is a pipe.
  std::unique_ptr<runtime::descriptor> connect(int number, stdio kind, file_actions& actions) {
    if (kind == stdio::inherit) return nullptr;
    if (kind == stdio::null) {
      actions.open_null(number);
      return nullptr;
    }
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) < 0) throw_error(system_error(errno), "spawn");
    owned_fd reading(ends[0]);
    owned_fd writing(ends[1]);
    owned_fd& childs = number == 0 ? reading : writing;
    owned_fd& ours = number == 0 ? writing : reading;
    // Among the standard three it could be overwritten before it is duplicated.
    childs = owned_fd(above_standard(childs.get()));
    actions.duplicate(childs.get(), number);
    childs_.push_back(std::move(childs));
    return io_.adopt(ours.release());
  }

 private:
  static int above_standard(int fd) {
    const int copy = ::fcntl(fd, F_DUPFD_CLOEXEC, 3);
    if (copy < 0) throw_error(system_error(errno), "spawn");
    return copy;
  }

  runtime::driver& io_;
  std::vector<owned_fd> childs_;
};

}  // namespace

launched launch(const options& what, runtime::driver& io) {
  check_input(what);
  file_actions actions;
  const attributes attributes;
  streams standard(io);
  launched started;
  started.in = standard.connect(0, what.standard_input.value_or(stdio::null), actions);
  started.out = standard.connect(1, what.standard_output.value_or(stdio::inherit), actions);
  started.err = standard.connect(2, what.standard_error.value_or(stdio::inherit), actions);
  if (!what.cwd.empty()) actions.change_directory(what.cwd.c_str());

  std::vector<std::string> words{what.program};
  words.insert(words.end(), what.args.begin(), what.args.end());
  const std::vector<std::string> environment = environment_of(what);
  const int failed =
      ::posix_spawnp(&started.pid, what.program.c_str(), actions.get(), attributes.get(),
                     pointers_to(words).data(), pointers_to(environment).data());
  if (failed != 0) throw error(system_error(failed), "spawn", what.program);
  return started;
}

}  // namespace eddy::process
