// The standard resolver: hosts file, then DNS through c-ares on the loop's own sockets and timers, with a cache.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include <eddy/net/resolver.hpp>

namespace eddy::net {

struct dns_options {
  /// Name servers as "address:port", comma-separated; empty: those of /etc/resolv.conf, with its search domains.
  std::string servers = {};
  /// Read again when it changes, looked at once a second at most. A plain file read: small, and on a local disk.
  std::string hosts_file = "/etc/hosts";
  duration attempt_timeout =
      std::chrono::seconds(2);    ///< for a server's answer, growing with each further try
  int attempts = 3;               ///< per server
  std::size_t cache_size = 1024;  ///< names; the least recently used is dropped. 0: no cache
  duration longest_ttl = std::chrono::hours(1);     ///< an upper bound for what servers say
  duration shortest_ttl = std::chrono::seconds(1);  ///< a lower bound
  duration negative_ttl =
      std::chrono::seconds(5);  ///< how long "no such name" is remembered; failures never are
};

struct dns_statistics {
  std::size_t cached = 0;     ///< names in the cache, "no such name" included
  std::size_t in_flight = 0;  ///< names being asked for
  std::size_t hits = 0;       ///< answered from the cache, so far
  std::size_t lookups = 0;    ///< asked of servers, so far
};

/// Tasks that ask for a name that is being asked for already share the answer. A cancelled resolve leaves the others
/// alone; when nobody waits any more, the query is given up. What c-ares keeps for itself: its retry clock, and reading
/// /etc/resolv.conf when the first name is asked for.
class dns_resolver final : public resolver {
 public:
  /// For the loop `on`, which outlives it.
  explicit dns_resolver(runtime::loop& on, dns_options options = dns_options());
  ~dns_resolver() override;

  task<std::vector<address>> resolve(std::string host, std::uint16_t port,
                                     resolve_options options) override;

  [[nodiscard]] dns_statistics statistics() const noexcept;
  /// Forgets everything that was cached.
  void clear_cache() noexcept;

 private:
  class implementation;
  std::unique_ptr<implementation> implementation_;
};

}  // namespace eddy::net
