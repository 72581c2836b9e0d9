// Names to addresses.
//
// Numeric addresses, "localhost" (and names below it, RFC 6761) and the names in /etc/hosts are answered without
// network; all others by the DNS servers of /etc/resolv.conf. getaddrinfo is never called: nothing blocks the loop.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <eddy/base/time.hpp>
#include <eddy/coro/task.hpp>
#include <eddy/net/address.hpp>

namespace eddy::runtime {
class loop;
}

namespace eddy::net {

enum class address_family : std::uint8_t { any, v4, v6 };

struct resolve_options {
  address_family family = address_family::any;
  duration timeout = std::chrono::seconds(10);  ///< throws errc::timed_out
};

/// The seam: who answers. One object serves one loop.
class resolver {
 public:
  resolver() noexcept = default;
  resolver(const resolver&) = delete;
  resolver& operator=(const resolver&) = delete;
  virtual ~resolver() = default;

  /// All addresses of `host`, with `port` filled in, in the order in which they are best tried; never empty. Throws
  /// errc::host_not_found, errc::resolve_failed or errc::timed_out with the host as peer. Cancellable. `host` and
  /// `options` are checked already: not numeric, not empty.
  virtual task<std::vector<address>> resolve(std::string host, std::uint16_t port,
                                             resolve_options options) = 0;
};

/// Asks this loop's resolver; a numeric `host` is answered here. An empty host throws invalid_input.
task<std::vector<address>> resolve(std::string host, std::uint16_t port,
                                   resolve_options options = {});

/// Replaces the resolver of `on`, for simulation or special needs; null brings the standard one back. No resolve may be
/// under way.
void set_resolver(runtime::loop& on, std::unique_ptr<resolver> replacement);

}  // namespace eddy::net
