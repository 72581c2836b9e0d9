#include <eddy/net/unix.hpp>

#include "on_every_network.hpp"

#include <filesystem>
#include <fstream>
#include <string>

#include <unistd.h>

#include <eddy/coro/sleep.hpp>

namespace eddy::net {
namespace {

using namespace std::chrono_literals;

/// A path in a folder of its own, which goes away with it.
class socket_path {
 public:
  socket_path() {
    std::string name = (std::filesystem::temp_directory_path() / "eddy-net-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
  }
  socket_path(const socket_path&) = delete;
  socket_path& operator=(const socket_path&) = delete;
  ~socket_path() { std::filesystem::remove_all(folder_); }

  [[nodiscard]] std::string text() const { return (folder_ / "socket").string(); }
  [[nodiscard]] bool exists() const {
    return std::filesystem::exists(std::filesystem::symlink_status(text()));
  }

 private:
  std::filesystem::path folder_;
};

SOCKET_TEST(unix_stream, talks_to_its_listener) {
  const socket_path path;
  unix_listener listener = unix_listener::listen(path.text());
  unix_stream client = co_await unix_stream::connect(path.text());
  unix_stream server = co_await listener.accept();
  co_await client.write_all("ping");
  co_await client.shutdown_write();
  const std::string question = co_await read_all(server);
  co_await server.write_all(question + " pong");
  co_await server.close();
  const std::string answer = co_await read_all(client);
  EXPECT_EQ(answer, "ping pong");
  EXPECT_EQ(client.peer().to_string(), "unix:" + path.text());
}

SYSTEM_TEST(unix_stream, works_in_the_abstract_namespace) {
  const std::string name = "@eddy-net-test-" + std::to_string(::getpid());
  unix_listener listener = unix_listener::listen(name);
  unix_stream client = co_await unix_stream::connect(name);
  unix_stream server = co_await listener.accept();
  co_await server.write_all("hello");
  co_await server.close();
  const std::string text = co_await read_all(client);
  EXPECT_EQ(text, "hello");
}

SOCKET_TEST(unix_stream, fails_to_connect_where_nobody_listens) {
  const socket_path path;
  auto made = co_await as_result(unix_stream::connect(path.text()));
  EXPECT_TRUE(made.has_error());
}

SYSTEM_TEST(unix_stream, is_told_that_the_backlog_is_full) {
  const socket_path path;
  unix_listener listener = unix_listener::listen(path.text(), {.backlog = 1});
  std::vector<unix_stream> clients;
  std::exception_ptr failure;
  while (failure == nullptr && clients.size() < 10) {
    auto made = co_await as_result(unix_stream::connect(path.text()));
    if (made) clients.push_back(std::move(made).value());
    failure = made.error();
  }
  EXPECT_EQ(error_of(failure), condition::overloaded);
}

SYSTEM_TEST(unix_stream, can_be_aborted) {
  const socket_path path;
  unix_listener listener = unix_listener::listen(path.text());
  unix_stream client = co_await unix_stream::connect(path.text());
  unix_stream server = co_await listener.accept();
  client.abort();
  const std::string text = co_await read_all(server);
  EXPECT_EQ(text, "");
}

// strm.24
SYSTEM_TEST(unix_listener, removes_its_path_when_closed) {
  const socket_path path;
  unix_listener listener = unix_listener::listen(path.text());
  EXPECT_TRUE(path.exists());
  listener.close();
  EXPECT_FALSE(path.exists());
  co_return;
}

// strm.24
SYSTEM_TEST(unix_listener, removes_its_path_when_destroyed_and_only_once_when_moved) {
  const socket_path path;
  {
    unix_listener first = unix_listener::listen(path.text());
    const unix_listener moved = std::move(first);
    EXPECT_TRUE(path.exists());
  }
  EXPECT_FALSE(path.exists());
  co_return;
}

// strm.24
SYSTEM_TEST(unix_listener, leaves_the_path_to_whoever_has_replaced_it) {
  const socket_path path;
  unix_listener listener = unix_listener::listen(path.text());
  std::filesystem::rename(path.text(),
                          path.text() + ".old");  // keeps its inode from being used again
  std::ofstream(path.text()) << "somebody else's";
  listener.close();
  EXPECT_TRUE(path.exists());
  co_return;
}

SYSTEM_TEST(unix_listener, replaces_a_socket_that_was_left_behind_only_when_told_to) {
  const socket_path path;
  unix_listener old = unix_listener::listen(path.text());
  EXPECT_THROW(static_cast<void>(unix_listener::listen(path.text())), error);
  unix_listener replacement = unix_listener::listen(path.text(), {.replace = true});
  old.close();
  EXPECT_TRUE(path.exists());
  unix_stream client = co_await unix_stream::connect(path.text());
  unix_stream server = co_await replacement.accept();
  EXPECT_TRUE(server.is_open());
}

SYSTEM_TEST(unix_listener, never_replaces_what_is_not_a_socket) {
  const socket_path path;
  std::ofstream(path.text()) << "precious";
  EXPECT_THROW(static_cast<void>(unix_listener::listen(path.text(), {.replace = true})), error);
  EXPECT_TRUE(path.exists());
  co_return;
}

SOCKET_TEST(unix_listener, wakes_a_pending_accept_when_it_is_closed) {
  const socket_path path;
  unix_listener listener = unix_listener::listen(path.text());
  task_handle<unix_stream> accepting = spawn(listener.accept());
  co_await sleep(1ms);
  listener.close();
  auto ended = co_await as_result(accepting);
  EXPECT_EQ(error_of(ended.error()), errc::closed);
}

}  // namespace
}  // namespace eddy::net
