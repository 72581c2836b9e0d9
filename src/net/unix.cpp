#include <eddy/net/unix.hpp>

#include <utility>

#include <sys/stat.h>
#include <unistd.h>

#include <eddy/runtime/loop.hpp>

namespace eddy::net {

task<unix_stream> unix_stream::connect(std::string path) {
  const address to = address::unix_path(path);
  auto on = runtime::loop::current().io().open_socket(AF_UNIX, SOCK_STREAM, 0);
  co_await connect_operation(*on, to);
  co_return unix_stream(std::move(on), to);
}

unix_listener unix_listener::listen(std::string_view path, unix_listen_options options) {
  const address where = address::unix_path(path);
  file_identity file;
  if (!path.empty() && path.front() != '@') file.path = path;
  if (struct stat found{}; options.replace && !file.path.empty() &&
                           ::lstat(file.path.c_str(), &found) == 0 && S_ISSOCK(found.st_mode)) {
    ::unlink(file.path.c_str());
  }
  auto on = runtime::loop::current().io().open_socket(AF_UNIX, SOCK_STREAM, 0);
  on->bind(where);
  on->listen(options.backlog);
  struct stat made{};
  if (!file.path.empty() && ::lstat(file.path.c_str(), &made) == 0 && S_ISSOCK(made.st_mode)) {
    file.device = made.st_dev;
    file.inode = made.st_ino;
  } else {
    file.path.clear();  // simulated: no file to remove
  }
  return {std::move(on), options.accept_pause, std::move(file)};
}

unix_listener::unix_listener(unix_listener&& other) noexcept
    : stream_listener(std::move(other)), file_(std::exchange(other.file_, file_identity())) {}

unix_listener& unix_listener::operator=(unix_listener&& other) noexcept {
  if (this == &other) return *this;
  remove_path();
  stream_listener::operator=(std::move(other));
  file_ = std::exchange(other.file_, file_identity());
  return *this;
}

task<unix_stream> unix_listener::accept() {
  accept_operation::connection made = co_await accept_connection();
  co_return unix_stream(std::move(made.on), made.peer);
}

void unix_listener::close() noexcept {
  remove_path();
  stream_listener::close();
}

// Between the look and the removal somebody could still replace the file; there is no system call that does both.
void unix_listener::remove_path() noexcept {
  const file_identity ours = std::exchange(file_, file_identity());
  if (ours.path.empty()) return;
  struct stat found{};
  if (::lstat(ours.path.c_str(), &found) != 0) return;
  if (found.st_dev == ours.device && found.st_ino == ours.inode) ::unlink(ours.path.c_str());
}

}  // namespace eddy::net
