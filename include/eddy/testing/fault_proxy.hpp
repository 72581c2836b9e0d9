// fault_proxy: a TCP proxy on loopback that does, on purpose and at a chosen place, what networks do by accident.
//
//   eddy::testing::fault_proxy proxy(server_address);
//   group.spawn(proxy.serve());
//   proxy.inject(eddy::testing::fault::reset(eddy::testing::phase::response_body, 100));
//   ... a request to proxy.address(): the connection is reset before the 100th byte of the response's body
//   proxy.close();
//
// Runs on the test's own loop, in virtual time and on real sockets alike.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>
#include <vector>

#include <eddy/base/time.hpp>
#include <eddy/coro/task.hpp>
#include <eddy/net/serve.hpp>
#include <eddy/net/tcp.hpp>

namespace eddy::testing {

/// Where in a connection a fault stands. The phases name the direction too: `connect` and those of the response are on
/// the way to the client, `request` on the way to the server. What is counted are the connection's bytes, also beyond
/// the first request.
enum class phase : std::uint8_t {
  connect,        ///< the client is accepted, the server not yet asked; has no offsets
  request,        ///< from the first byte to the server
  response_head,  ///< from the first byte to the client
  response_body,  ///< from the first byte to the client behind an empty line
};

[[nodiscard]] std::string_view to_string(phase where) noexcept;

/// What goes wrong, and where: before the byte at `offset` of `where` is passed on, when it has arrived.
struct fault {
  enum class kind : std::uint8_t {
    delay,       ///< this direction waits for a while
    drop,        ///< some bytes of this direction vanish
    garbage,     ///< random bytes come in between
    fragment,    ///< from here on, each byte of this direction comes alone
    half_close,  ///< this direction ends here; the other one goes on
    stall,  ///< nothing is read or passed on in this direction any more, until the other one has ended
    close,  ///< both connections are closed in good order
    reset,  ///< both connections are reset
  };

  [[nodiscard]] static fault delay(phase where, duration length, std::size_t offset = 0);
  [[nodiscard]] static fault drop(phase where, std::size_t bytes, std::size_t offset = 0);
  [[nodiscard]] static fault garbage(phase where, std::size_t bytes, std::size_t offset = 0);
  [[nodiscard]] static fault fragment(phase where, std::size_t offset = 0);
  [[nodiscard]] static fault half_close(phase where, std::size_t offset = 0);
  [[nodiscard]] static fault stall(phase where, std::size_t offset = 0);
  [[nodiscard]] static fault close(phase where, std::size_t offset = 0);
  [[nodiscard]] static fault reset(phase where, std::size_t offset = 0);

  kind what = kind::reset;
  phase where = phase::connect;
  std::size_t offset = 0;
  std::size_t bytes = 0;          ///< of drop and garbage
  duration length = duration(0);  ///< of delay
};

[[nodiscard]] std::string_view to_string(fault::kind what) noexcept;

/// Live figures of a proxy.
struct fault_proxy_statistics {
  std::uint64_t connections = 0;  ///< accepted so far
  std::size_t active = 0;         ///< now
  std::uint64_t faults = 0;       ///< that have happened
  std::uint64_t to_server = 0;    ///< bytes passed on
  std::uint64_t to_client = 0;
};

/// Belongs to the loop on which it was made. Listens from the beginning, accepts while serve() runs; must outlive it.
class fault_proxy {
 public:
  static constexpr std::size_t all = std::numeric_limits<std::size_t>::max();

  /// Passes connections on to `server`.
  explicit fault_proxy(net::address server);
  fault_proxy(const fault_proxy&) = delete;
  fault_proxy& operator=(const fault_proxy&) = delete;
  ~fault_proxy() = default;

  /// Where clients connect: a free port of 127.0.0.1.
  [[nodiscard]] const net::address& address() const noexcept { return address_; }

  /// The next `connections` that are accepted get these faults, when those injected before are used up. Positions have
  /// to rise in each direction. A fault that its phase cannot have throws invalid_input: at `connect` nothing can
  /// be dropped, fragmented or half closed.
  void inject(std::vector<fault> faults, std::size_t connections = all);
  void inject(const fault& one, std::size_t connections = all);
  /// Later connections are passed on as they are.
  void clear() noexcept { plans_.clear(); }

  /// Accepts and passes on until close(), then drops what is left. If the server cannot be reached, the client is
  /// reset. To be spawned; failures of single connections are not failures of the proxy.
  task<void> serve();
  /// Ends serve(). Idempotent.
  void close() noexcept { listener_.close(); }

  [[nodiscard]] fault_proxy_statistics statistics() const noexcept;

 private:
  struct plan {
    std::vector<fault> faults;
    std::size_t connections = 0;
  };

  [[nodiscard]] std::vector<fault> next_plan();
  task<void> pass_on(net::tcp_stream client);

  net::address server_;
  net::tcp_listener listener_;
  net::address address_;
  std::vector<plan> plans_;
  net::serve_state serving_;
  fault_proxy_statistics counts_;
};

}  // namespace eddy::testing
