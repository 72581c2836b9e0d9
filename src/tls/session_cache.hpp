// The sessions that a client's context keeps for resumption, by server name. Thread-safe.
#pragma once

#include "openssl.hpp"

#include <cstddef>
#include <list>
#include <mutex>
#include <string>
#include <unordered_map>

namespace eddy::tls::detail {

class session_cache {
 public:
  explicit session_cache(std::size_t capacity) noexcept : capacity_(capacity) {}

  /// Keeps the latest session of `server`; beyond the capacity the one kept longest goes.
  void put(const std::string& server, ssl_session_ptr session);
  /// A session for `server`, or null. One of TLS 1.3 is given once: its ticket is for one use (RFC 8446, C.4).
  [[nodiscard]] ssl_session_ptr take(const std::string& server);

 private:
  struct entry {
    std::string server;
    ssl_session_ptr session;
  };
  using entries = std::list<entry>;

  std::mutex mutex_;
  const std::size_t capacity_;
  entries oldest_first_;
  std::unordered_map<std::string, entries::iterator> by_server_;
};

/// What a client's connection needs when OpenSSL hands it a session to keep.
struct session_keeper {
  session_cache* cache = nullptr;
  std::string server;
};

}  // namespace eddy::tls::detail
