// Stream connections in memory: the two ends, and the queue of a listener. What a socket does with them is in
// virtual_socket; here is what the wire and the other side's kernel would do.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include <sys/uio.h>

#include <eddy/runtime/virtual_driver.hpp>

namespace eddy::runtime::detail {

/// How an attempt at an operation ended: bytes or a negative errno; nullopt: it has to wait.
using attempt = std::optional<std::int64_t>;

[[nodiscard]] std::size_t total_size(std::span<const iovec> buffers) noexcept;
/// Copies up to `bytes.size()` bytes into `buffers`; returns how many fitted.
std::size_t scatter(std::span<const iovec> buffers, std::string_view bytes) noexcept;
/// The first `size` bytes of `buffers`.
[[nodiscard]] std::string collect(std::span<const iovec> buffers, std::size_t size);

/// One delay of the network from now on.
[[nodiscard]] time_point arrival_time(virtual_network& network,
                                      const network_conditions& conditions);

/// One end of a connection. Shared by its socket, the traffic under way to it and the other end; the two ends let go of
/// each other when both sockets are closed.
class stream_end : public std::enable_shared_from_this<stream_end> {
 public:
  stream_end(virtual_network& network, virtual_socket* socket, const network_conditions& conditions)
      : socket_(socket), network_(&network), conditions_(conditions) {}

  static void join(const std::shared_ptr<stream_end>& a,
                   const std::shared_ptr<stream_end>& b) noexcept;

  [[nodiscard]] attempt receive(std::span<const iovec> buffers);
  [[nodiscard]] attempt send(std::span<const iovec> buffers);
  [[nodiscard]] bool readable() const noexcept;
  [[nodiscard]] bool writable() const noexcept;

  void shut_write();
  void shut_read();
  /// The socket lets go: the end of the stream, or a reset if it left data unread or `abruptly`.
  void close(bool abruptly = false) noexcept;
  /// A pending error of the connection, once; zero: none.
  [[nodiscard]] int take_error() noexcept { return std::exchange(error_, 0); }

  /// Runs `arrive` at this end after one delay, behind everything sent to it before.
  void after_delay(std::move_only_function<void()> arrive);

  [[nodiscard]] virtual_socket* socket() const noexcept { return socket_; }
  void set_socket(virtual_socket* socket) noexcept { socket_ = socket; }
  [[nodiscard]] const network_conditions& conditions() const noexcept { return conditions_; }

  socket_address local;
  socket_address remote;

 private:
  void data_arrived(std::string bytes);
  void end_arrived();
  void reset_arrived();
  void send_reset();
  void wake_socket() noexcept;
  [[nodiscard]] std::size_t room() const noexcept;
  [[nodiscard]] std::size_t shortened(std::size_t size) const;

  virtual_socket* socket_;  // null: not accepted yet, or closed
  bool closed_ = false;
  virtual_network* network_;
  network_conditions conditions_;
  std::shared_ptr<stream_end> peer_;

  std::string arrived_;
  std::size_t read_ = 0;       // of arrived_
  std::size_t under_way_ = 0;  // bytes sent to this end that have not arrived
  time_point last_arrival_{};
  bool at_end_ = false;  // the peer's end of stream has arrived
  bool read_shut_ = false;
  bool write_shut_ = false;
  bool was_reset_ = false;
  int error_ = 0;
};

/// A connect on its way.
struct connect_attempt {
  enum class phase : std::uint8_t { none, under_way, established, failed };
  phase state = phase::none;
  int error = 0;
};

/// What a listener has not accepted yet.
class listen_queue {
 public:
  explicit listen_queue(int backlog) noexcept
      : backlog_(backlog < 1 ? 1 : static_cast<std::size_t>(backlog)) {}

  /// `client` asks for a connection; it waits where the backlog is full.
  void offer(virtual_network& network, virtual_socket& listener,
             std::shared_ptr<stream_end> client);
  /// The server's end of the next connection; null when there is none.
  [[nodiscard]] std::shared_ptr<stream_end> take(virtual_network& network,
                                                 virtual_socket& listener);
  [[nodiscard]] bool empty() const noexcept { return ready_.empty(); }
  void set_backlog(int backlog) noexcept {
    backlog_ = backlog < 1 ? 1 : static_cast<std::size_t>(backlog);
  }
  /// Resets what was not accepted, refuses what waits.
  void close() noexcept;

 private:
  void admit(virtual_network& network, virtual_socket& listener);

  std::size_t backlog_;
  std::deque<std::shared_ptr<stream_end>> ready_;
  std::deque<std::shared_ptr<stream_end>> waiting_;
};

}  // namespace eddy::runtime::detail
