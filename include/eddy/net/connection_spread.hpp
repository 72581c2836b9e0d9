// Spreads the connections of one address evenly over the loops that serve it.
//
//   eddy::net::connection_spread spread;  // outlives the run
//   eddy::run([&] { return serve_here(spread); }, options);  // options.loops = 4
//
//   eddy::task<void> serve_here(eddy::net::connection_spread& spread) {  // on each loop
//     auto listener = eddy::net::tcp_listener::listen(here, {.reuse_port = true});
//     co_await eddy::net::serve(listener, handler, {.spread = &spread});
//   }
//
// Among listeners that share a port the system chooses by a hash, which gives the busiest loop up to half more than its
// share. So a loop that has accepted a connection while it had at least 2 + m/16 more than the loop with the fewest (m)
// gives it to that one, which serves it as if it had accepted it: within its own limits. A connection stays where it
// has begun. One that is given costs its loop some microseconds; requests cost nothing more than before.
//
// Nothing is lost: what cannot be given (the other loop ends, is at its limit or has too many waiting, or there is no
// descriptor for the way) is served where it was accepted, and so is everything in simulation. A loop that ends serves
// what it was given before.
#pragma once

#include <atomic>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include <eddy/net/address.hpp>
#include <eddy/runtime/cross_loop_channel.hpp>
#include <eddy/runtime/driver.hpp>

namespace eddy::net {

/// A connection on its way to another loop: a further descriptor of its socket, which keeps it open.
class given_connection {
 public:
  /// Of the socket with the descriptor `fd`. Throws the system's error.
  given_connection(int fd, const address& peer);
  given_connection(given_connection&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)), peer_(other.peer_) {}
  given_connection& operator=(given_connection&& other) noexcept {
    std::swap(fd_, other.fd_);
    std::swap(peer_, other.peer_);
    return *this;
  }
  ~given_connection();

  [[nodiscard]] const address& peer() const noexcept { return peer_; }
  /// Makes it one of the running loop's; once. Throws, and closes it, where that cannot be.
  [[nodiscard]] std::unique_ptr<runtime::descriptor> arrive();

 private:
  int fd_;
  address peer_;
};

/// What the loops that serve one address know of one another; shared by them, so it must outlive their serving. To be
/// given to each serve() in serve_options::spread; http::server has its own. A connection may come to any of them: they
/// have to serve it alike. Any thread.
class connection_spread {
 public:
  class member;

  connection_spread() = default;
  connection_spread(const connection_spread&) = delete;
  connection_spread& operator=(const connection_spread&) = delete;
  ~connection_spread();

  /// How many serve() take part now.
  [[nodiscard]] std::size_t members() const;
  /// Connections that one loop has given to another, so far.
  [[nodiscard]] std::uint64_t given() const;

 private:
  /// Who is to serve a connection that `here` has accepted, which may be `here`.
  [[nodiscard]] member& choose(member& here) const noexcept;

  // Held for choosing and giving, so that a burst is spread right and nothing is given to a member that has left.
  mutable std::mutex lock_;
  std::vector<member*> members_;
  std::uint64_t given_ = 0;
};

/// One serve() that takes part, on its loop; made by serve().
class connection_spread::member {
 public:
  using room = cross_loop_channel<given_connection>;

  /// `most`: how many connections that serve() has at most; 0: any number.
  member(connection_spread& spread, std::size_t most);
  member(const member&) = delete;
  member& operator=(const member&) = delete;
  ~member();

  /// From now on connections may be given here.
  void join();
  /// None are from now on.
  void leave() noexcept;

  /// Those that count here: begun, or on their way. Any thread.
  [[nodiscard]] std::size_t connections() const noexcept {
    return connections_.load(std::memory_order_relaxed);
  }
  /// Where the connection `fd`, accepted here, is served; it counts there at once. True: another member has got it,
  /// with a descriptor of its own. A negative `fd` stays here.
  [[nodiscard]] bool gives(int fd, const address& peer) noexcept;
  /// One that counted here has ended, or was refused.
  void ended() noexcept { connections_.fetch_sub(1, std::memory_order_relaxed); }
  /// To be asked once: gives the connections that were given, which count here, and ends after leave(). When it is
  /// destroyed nothing more is given here.
  [[nodiscard]] room::receiver_type receiver() { return std::move(room_.receiver()); }

 private:
  friend class connection_spread;

  [[nodiscard]] bool takes(int fd, const address& peer) noexcept;

  connection_spread& spread_;
  const std::size_t most_;
  std::atomic<std::size_t> connections_ = 0;  // grows under the spread's lock only
  room room_;
  std::optional<room::sender_type> door_;  // while it may be a member
};

namespace detail {

/// A stream that can be made again on another loop.
template <class Stream>
concept crosses_loops =
    std::constructible_from<Stream, std::unique_ptr<runtime::descriptor>, const address&> &&
    requires(const Stream& stream) {
      { stream.native_handle() } -> std::same_as<int>;
    };

}  // namespace detail
}  // namespace eddy::net
