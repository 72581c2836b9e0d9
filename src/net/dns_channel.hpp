// c-ares on the loop: its sockets are eddy's descriptors, its retries eddy timers.
//
// c-ares calls socket functions and never waits. Each of its sockets is a dns_socket here: a task of the loop's root
// group connects it, keeps a receive pending and sends what c-ares has written; whatever arrives is queued, and c-ares
// is told to come and read. So it runs on every driver, and no descriptor has two owners. c-ares knows the sockets by
// numbers that we give out.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <ares.h>

#include <eddy/coro/future.hpp>
#include <eddy/coro/task.hpp>
#include <eddy/coro/timer_queue.hpp>
#include <eddy/net/address.hpp>
#include <eddy/net/dns_resolver.hpp>
#include <eddy/runtime/driver.hpp>

namespace eddy::net::detail {

class dns_channel;

/// One socket of c-ares: shared by the channel, until c-ares closes it, and the task that serves it.
class dns_socket {
 public:
  dns_socket(dns_channel& owner, ares_socket_t number, std::unique_ptr<runtime::descriptor> on,
             bool stream) noexcept
      : owner_(&owner), number_(number), on_(std::move(on)), stream_(stream) {}

  /// Runs until close(). Keeps `self` alive.
  static task<void> serve(std::shared_ptr<dns_socket> self, address to);

  // --- for c-ares: none of them waits; failures are -1 with errno ---
  [[nodiscard]] ares_ssize_t read(void* into, std::size_t size, sockaddr* from,
                                  ares_socklen_t* from_size);
  [[nodiscard]] ares_ssize_t write(const iovec* parts, int count);
  void close() noexcept;
  /// c-ares has something to write as soon as the socket is connected.
  void want_write() noexcept;

 private:
  struct arrival {
    std::vector<std::byte> bytes;
    address from;
  };

  task<void> send_all();
  task<void> receive_all();
  task<bool> receive_one();
  void tell_owner() noexcept;
  void wake_sender() noexcept;
  void fail(int code) noexcept;

  dns_channel* owner_;  // null after close()
  ares_socket_t number_;
  std::unique_ptr<runtime::descriptor> on_;
  bool stream_;
  bool wants_write_ = false;
  bool ended_ = false;  // the server has closed the connection
  int failure_ = 0;
  std::size_t reads_ = 0;  // that gave c-ares something
  std::deque<arrival> received_;
  std::deque<std::vector<std::byte>> unsent_;
  promise<void> work_;  // set when the sender has something to do
};

class dns_channel final : private coro::timer {
 public:
  dns_channel(runtime::loop& on, const dns_options& options);
  dns_channel(const dns_channel&) = delete;
  dns_channel& operator=(const dns_channel&) = delete;
  ~dns_channel();

  /// Asks for the addresses of `host`. `answered(argument, ...)` is called once, possibly before this returns.
  void ask(const std::string& host, address_family family, ares_addrinfo_callback answered,
           void* argument);
  /// Answers everything that was asked with ARES_ECANCELLED.
  void give_up() noexcept;

  /// Lets c-ares read from, or write to, one of its sockets.
  void process(ares_socket_t readable, ares_socket_t writable) noexcept;

 private:
  friend struct dns_calls;

  void expired() noexcept override { process(ARES_SOCKET_BAD, ARES_SOCKET_BAD); }
  void arm() noexcept;
  [[nodiscard]] dns_socket* find(ares_socket_t number) noexcept;

  runtime::loop* loop_;
  ares_channel channel_ = nullptr;
  std::map<ares_socket_t, std::shared_ptr<dns_socket>> sockets_;
  ares_socket_t next_number_ = 1;
};

}  // namespace eddy::net::detail
