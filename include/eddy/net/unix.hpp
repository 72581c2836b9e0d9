// Unix domain stream sockets: as TCP, with a path in place of address and port.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <eddy/net/stream_listener.hpp>
#include <eddy/net/stream_socket.hpp>

namespace eddy::net {

/// A connection over a Unix socket.
class unix_stream final : public stream_socket {
 public:
  using stream_socket::stream_socket;

  /// Connects to the listener at `path`; one that starts with '@' is in the abstract namespace. Throws the system's
  /// error. When the listener's backlog is full, condition::overloaded.
  static task<unix_stream> connect(std::string path);
};

struct unix_listen_options {
  int backlog = 1024;    ///< connections the system holds until they are accepted
  bool replace = false;  ///< remove a socket file that is there already, whoever made it
  duration accept_pause = std::chrono::milliseconds(500);  ///< see stream_listener::accept
};

/// Accepts connections at a path. The path is removed by close() and by the destructor, unless somebody has put another
/// file there meanwhile.
class unix_listener final : public stream_listener {
 public:
  using stream_type = unix_stream;

  /// Binds and listens. Throws the system's error (EADDRINUSE when the path exists).
  [[nodiscard]] static unix_listener listen(std::string_view path,
                                            unix_listen_options options = {});

  unix_listener(unix_listener&& other) noexcept;
  unix_listener& operator=(unix_listener&& other) noexcept;
  ~unix_listener() { remove_path(); }

  /// Waits for a connection; see stream_listener.
  task<unix_stream> accept();
  /// As stream_listener::close; also removes the path.
  void close() noexcept;
  /// As stream_listener::stop_connects: removes the path.
  void stop_connects() noexcept { remove_path(); }

 private:
  /// Which file the path named when this listener made it.
  struct file_identity {
    std::string path;
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
  };

  unix_listener(std::unique_ptr<runtime::descriptor> on, duration accept_pause, file_identity file)
      : stream_listener(std::move(on), accept_pause), file_(std::move(file)) {}
  void remove_path() noexcept;

  file_identity file_;
};

}  // namespace eddy::net
