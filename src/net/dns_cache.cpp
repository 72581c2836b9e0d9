#include "dns_cache.hpp"

namespace eddy::net::detail {

const std::vector<address>* dns_cache::find(const dns_key& key, time_point now) {
  const auto at = index_.find(key);
  if (at == index_.end()) return nullptr;
  if (now >= at->second->good_until) {
    erase(at->second);
    return nullptr;
  }
  by_use_.splice(by_use_.begin(), by_use_, at->second);
  return &at->second->found;
}

void dns_cache::put(const dns_key& key, std::vector<address> found, time_point good_until) {
  if (capacity_ == 0) return;
  if (const auto at = index_.find(key); at != index_.end()) erase(at->second);
  by_use_.push_front(entry{key, std::move(found), good_until});
  index_.emplace(key, by_use_.begin());
  if (by_use_.size() > capacity_) erase(std::prev(by_use_.end()));
}

void dns_cache::clear() noexcept {
  index_.clear();
  by_use_.clear();
}

void dns_cache::erase(std::list<entry>::iterator at) {
  index_.erase(at->key);
  by_use_.erase(at);
}

}  // namespace eddy::net::detail
