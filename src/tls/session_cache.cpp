#include "session_cache.hpp"

#include <utility>

namespace eddy::tls::detail {

void session_cache::put(const std::string& server, ssl_session_ptr session) {
  const std::lock_guard held(mutex_);
  if (capacity_ == 0) return;
  if (const auto found = by_server_.find(server); found != by_server_.end()) {
    found->second->session = std::move(session);
    oldest_first_.splice(oldest_first_.end(), oldest_first_, found->second);
    return;
  }
  if (oldest_first_.size() == capacity_) {
    by_server_.erase(oldest_first_.front().server);
    oldest_first_.pop_front();
  }
  oldest_first_.push_back({server, std::move(session)});
  by_server_.emplace(server, std::prev(oldest_first_.end()));
}

ssl_session_ptr session_cache::take(const std::string& server) {
  const std::lock_guard held(mutex_);
  const auto found = by_server_.find(server);
  if (found == by_server_.end()) return nullptr;
  SSL_SESSION* const kept = found->second->session.get();
  if (SSL_SESSION_get_protocol_version(kept) < TLS1_3_VERSION) {
    SSL_SESSION_up_ref(kept);
    return ssl_session_ptr(kept);
  }
  ssl_session_ptr taken = std::move(found->second->session);
  oldest_first_.erase(found->second);
  by_server_.erase(found);
  return taken;
}

}  // namespace eddy::tls::detail
