// What the name servers have answered, for as long as they said.
#pragma once

#include <list>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <eddy/base/time.hpp>
#include <eddy/net/address.hpp>
#include <eddy/net/resolver.hpp>

namespace eddy::net::detail {

struct dns_key {
  std::string host;
  address_family family = address_family::any;

  friend auto operator<=>(const dns_key&, const dns_key&) = default;
};

/// Bounded; drops what was used least recently. No addresses stand for "no such name".
class dns_cache {
 public:
  explicit dns_cache(std::size_t capacity) noexcept : capacity_(capacity) {}

  /// The answer, if there is one that is still good at `now`. Valid until the next call.
  [[nodiscard]] const std::vector<address>* find(const dns_key& key, time_point now);
  void put(const dns_key& key, std::vector<address> found, time_point good_until);
  void clear() noexcept;
  [[nodiscard]] std::size_t size() const noexcept { return by_use_.size(); }

 private:
  struct entry {
    dns_key key;
    std::vector<address> found;
    time_point good_until;
  };

  void erase(std::list<entry>::iterator at);

  std::size_t capacity_;
  std::list<entry> by_use_;  // the most recent one first
  std::map<dns_key, std::list<entry>::iterator> index_;
};

}  // namespace eddy::net::detail
