#include <eddy/web/limits.hpp>

#include <algorithm>
#include <list>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <utility>

#include <netinet/in.h>

#include <eddy/base/error.hpp>
#include <eddy/coro/timeout.hpp>
#include <eddy/http/http_error.hpp>
#include <eddy/resilience/rate_limiter.hpp>

namespace eddy::web {
namespace {

std::int64_t seconds_up(duration d) { return std::chrono::ceil<std::chrono::seconds>(d).count(); }

/// The limiters of the latest keys. Under a lock, as requests of one key come on several loops; try_acquire and
/// wait_time of a limiter nobody waits for touch nothing but its own state and the clock.
class limiter_table {
 public:
  explicit limiter_table(const rate_limit_options& options)
      : options_(options), burst_(options.burst == 0 ? options.count : options.burst) {}

  struct verdict {
    bool allowed;
    std::size_t remaining;
    duration full;   ///< until the whole burst is there again
    duration retry;  ///< until the next request is allowed
  };
  verdict ask(const std::string& key) {
    const std::scoped_lock held(lock_);
    gcra& limiter = find(key);
    verdict told{};
    told.allowed = limiter.try_acquire();
    told.remaining = limiter.statistics().available;
    told.full = limiter.wait_time(burst_);
    told.retry = limiter.wait_time();
    return told;
  }

 private:
  struct entry {
    entry(std::string k, const rate_limit_options& how, std::size_t burst)
        : key(std::move(k)), limiter(how.count, how.period, burst) {}
    std::string key;
    gcra limiter;
  };

  gcra& find(const std::string& key) {
    const auto found = by_key_.find(key);
    if (found != by_key_.end()) {
      by_use_.splice(by_use_.begin(), by_use_, found->second);
      return found->second->limiter;
    }
    if (by_key_.size() == options_.max_keys) {
      by_key_.erase(by_use_.back().key);
      by_use_.pop_back();
    }
    by_use_.emplace_front(key, options_, burst_);
    by_key_.emplace(by_use_.front().key, by_use_.begin());
    return by_use_.front().limiter;
  }

  rate_limit_options options_;
  std::size_t burst_;
  std::mutex lock_;
  std::list<entry> by_use_;                                                  // the latest first
  std::unordered_map<std::string_view, std::list<entry>::iterator> by_key_;  // keys of the entries
};

class rate_limit_policy {
 public:
  explicit rate_limit_policy(rate_limit_options options)
      : key_(options.key ? std::move(options.key) : client_key),
        label_('"' + options.name + '"'),
        table_(std::make_shared<limiter_table>(options)) {
    policy_ = label_ + ";q=" + std::to_string(options.count) +
              ";w=" + std::to_string(std::max<std::int64_t>(seconds_up(options.period), 1));
  }

  task<http::response> operator()(http::request& r, http::next rest) const {
    const std::string key = key_(r);
    if (key.empty()) co_return co_await rest(r);
    const auto told = table_->ask(key);
    http::response made;
    if (told.allowed) {
      made = co_await rest(r);
    } else {
      made = http::response::error(http::status::too_many_requests);
      made.set("Retry-After", std::to_string(std::max<std::int64_t>(seconds_up(told.retry), 1)));
    }
    made.set("RateLimit-Policy", policy_);
    made.set("RateLimit", label_ + ";r=" + std::to_string(told.remaining) +
                              ";t=" + std::to_string(seconds_up(told.full)));
    co_return made;
  }

 private:
  std::function<std::string(http::request&)> key_;
  std::string label_;
  std::string policy_;
  std::shared_ptr<limiter_table> table_;
};

bool is_policy_name(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '_';
  });
}

class time_limit {
 public:
  explicit time_limit(duration limit) noexcept : limit_(limit) {}

  task<http::response> operator()(http::request& r, http::next rest) const {
    auto made = co_await move_on_after(limit_, rest(r));
    if (made) co_return std::move(*made);
    throw http::http_error(http::status::service_unavailable, "the request took too long");
  }

 private:
  duration limit_;
};

class size_limit {
 public:
  explicit size_limit(std::uint64_t bytes) noexcept : bytes_(bytes) {}

  task<http::response> operator()(http::request& r, http::next rest) const {
    if (r.head().content_length() > bytes_)
      co_return http::response::error(http::status::content_too_large);
    r.limit_body(bytes_);
    co_return co_await rest(r);
  }

 private:
  std::uint64_t bytes_;
};

}  // namespace

std::string client_key(const http::request& r) {
  const auto& client = r.client();
  if (client.family() == AF_INET6) {
    const auto& address = reinterpret_cast<const sockaddr_in6*>(client.data())->sin6_addr;
    const auto* bytes = reinterpret_cast<const char*>(&address);
    // Of an IPv4 client on a listener for both, the last four bytes; else the network.
    if (IN6_IS_ADDR_V4MAPPED(&address)) return "4" + std::string(bytes + 12, 4);
    return "6" + std::string(bytes, 8);
  }
  if (client.family() == AF_INET) {
    const auto& address = reinterpret_cast<const sockaddr_in*>(client.data())->sin_addr;
    return "4" + std::string(reinterpret_cast<const char*>(&address), 4);
  }
  return "-" + client.host();
}

http::any_middleware rate_limit(rate_limit_options options) {
  if (options.max_keys == 0) throw_invalid_input("rate_limit: no keys");
  if (!is_policy_name(options.name)) throw_invalid_input("rate_limit: the policy's name");
  // Throws for what is no limit.
  const gcra sample(options.count, options.period, std::max<std::size_t>(options.burst, 1));
  return rate_limit_policy(std::move(options));
}

http::any_middleware timeout(duration limit) { return time_limit(limit); }

http::any_middleware body_limit(std::uint64_t bytes) { return size_limit(bytes); }

}  // namespace eddy::web
