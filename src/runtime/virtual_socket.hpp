// Sockets of the virtual driver: operations, addresses and options over the connections of virtual_stream.
#pragma once

#include "virtual_stream.hpp"

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include <eddy/runtime/virtual_driver.hpp>

namespace eddy::runtime::detail {

class virtual_socket final : public descriptor,
                             public list_hook<>,
                             public list_hook<sockets_of_driver> {
 public:
  [[nodiscard]] static std::unique_ptr<virtual_socket> open(virtual_driver& on, int family,
                                                            int type, int protocol);
  ~virtual_socket() override;

  bool start(io_operation& op) override;
  void cancel(io_operation& op) noexcept override;
  void close() noexcept override;
  [[nodiscard]] bool is_open() const noexcept override { return open_; }
  [[nodiscard]] bool is_readable() const noexcept override {
    return !open_ || try_readable().has_value();
  }
  void bind(const socket_address& address) override;
  void listen(int backlog) override;
  void stop_connects() override { takes_connects_ = false; }
  void shutdown(int how) override;
  void set_option(int level, int name, int value) override;
  [[nodiscard]] int option(int level, int name) const override;
  [[nodiscard]] socket_address local_address() const override;
  [[nodiscard]] socket_address peer_address() const override;
  [[nodiscard]] int native_handle() const noexcept override { return -1; }

  // --- from the driver and the network ---
  /// Has the driver try the pending operations again in its next wait().
  void activate() noexcept;
  /// Tries them; whether any has finished.
  bool resume_operations();
  /// The end of a connect; `error` is zero or an errno.
  void connect_ended(int error) noexcept;

 private:
  struct datagram {
    socket_address from;
    std::string bytes;
  };

  virtual_socket(virtual_driver& on, int family, int type);

  [[nodiscard]] attempt try_operation(io_operation& op);
  [[nodiscard]] attempt try_receive(io_operation& op);
  [[nodiscard]] attempt try_send(io_operation& op);
  [[nodiscard]] attempt try_accept(io_operation& op);
  [[nodiscard]] attempt try_connect(io_operation& op);
  [[nodiscard]] attempt try_readable() const;
  [[nodiscard]] attempt try_writable() const;

  int begin_connect(socket_address to);
  void request_connection();
  [[nodiscard]] attempt send_datagram(io_operation& op);
  void deliver_datagram(const socket_address& from, std::string bytes);

  // The table of bound addresses.
  [[nodiscard]] std::string table_key(const socket_address& address) const;
  int bind_to(socket_address address);
  void bind_automatically(const socket_address& towards);
  [[nodiscard]] bool is_free(const socket_address& address) const;
  [[nodiscard]] int choose_port(socket_address& address) const;
  [[nodiscard]] virtual_socket* find_receiver(const socket_address& address,
                                              const socket_address& from) const;

  [[nodiscard]] bool is_stream() const noexcept { return type_ == SOCK_STREAM; }
  [[nodiscard]] virtual_network& network() const noexcept { return driver_->network(); }
  void require_open(const char* operation) const;

  virtual_driver* driver_;
  int family_;
  int type_;
  bool open_ = true;
  bool bound_ = false;                             // in the network's table
  io_operation* waiting_[2] = {nullptr, nullptr};  // inbound, outbound
  std::map<std::pair<int, int>, int> options_;
  socket_address local_;
  socket_address remote_;

  connect_attempt connecting_;
  std::shared_ptr<stream_end> stream_;
  std::unique_ptr<listen_queue> listening_;
  bool takes_connects_ = true;
  std::deque<datagram> mail_;
  std::size_t mail_size_ = 0;
  mutable int error_ = 0;  // of a datagram socket, once; SO_ERROR takes it
};

}  // namespace eddy::runtime::detail
