#include <eddy/net/dns_resolver.hpp>

#include "dns_cache.hpp"
#include "dns_channel.hpp"
#include "hosts_file.hpp"

#include <algorithm>
#include <map>
#include <optional>

#include <eddy/base/error.hpp>
#include <eddy/coro/future.hpp>
#include <eddy/coro/timeout.hpp>
#include <eddy/net/socket.hpp>
#include <eddy/runtime/loop.hpp>

namespace eddy::net {
namespace {

bool wanted(const address& one, address_family family) noexcept {
  if (family == address_family::any) return true;
  return one.family() == (family == address_family::v4 ? AF_INET : AF_INET6);
}

std::vector<address> of_family(std::vector<address> all, address_family family) {
  std::erase_if(all, [family](const address& one) { return !wanted(one, family); });
  return all;
}

/// RFC 6761, section 6.3: never asked of a server. IPv4 first, since every system has it.
bool is_localhost(std::string_view host) noexcept {
  return host == "localhost" || host.ends_with(".localhost");
}

bool has_no_address(int status) noexcept {
  return status == ARES_ENOTFOUND || status == ARES_ENODATA || status == ARES_ENONAME ||
         status == ARES_EBADNAME;
}

errc error_of(int status) noexcept {
  if (has_no_address(status)) return errc::host_not_found;
  return status == ARES_ETIMEOUT ? errc::timed_out : errc::resolve_failed;
}

/// Whether there is a route: connecting a datagram socket sends nothing.
task<bool> is_reachable(address to) {
  if (to.port() == 0) to.set_port(53);
  bool reachable = true;
  try {
    auto probe = runtime::loop::current().io().open_socket(to.family(), SOCK_DGRAM, 0);
    co_await connect_operation(*probe, to);
  } catch (const error&) {
    reachable = false;
  }
  co_return reachable;
}

/// RFC 6724, rule 1, for families as a whole: where one has no route, the other goes first.
task<std::vector<address>> usable_first(std::vector<address> found) {
  const auto first_v6 = std::ranges::find(found, AF_INET6, &address::family);
  const auto first_v4 = std::ranges::find(found, AF_INET, &address::family);
  if (first_v6 == found.end() || first_v4 == found.end()) co_return found;
  const bool v6 = co_await is_reachable(*first_v6);
  const bool v4 = co_await is_reachable(*first_v4);
  if (v6 == v4) co_return found;
  const int usable = v6 ? AF_INET6 : AF_INET;
  std::vector<address> ordered;
  for (const address& one : found) {
    if (one.family() == usable) ordered.push_back(one);
  }
  for (const address& one : found) {
    if (one.family() != usable) ordered.push_back(one);
  }
  co_return ordered;
}

/// One name being asked for, shared by everybody who waits for it.
struct lookup {
  promise<void> answered;
  std::vector<address> found;
  int status = ARES_ECANCELLED;
  std::size_t waiters = 0;
};

}  // namespace

class dns_resolver::implementation {
 public:
  implementation(runtime::loop& on, dns_options options)
      : loop_(&on),
        options_(std::move(options)),
        hosts_(options_.hosts_file),
        cache_(options_.cache_size) {}

  /// The answer, with port zero; empty when there is no such name.
  task<std::vector<address>> find(std::string host, resolve_options how);

  [[nodiscard]] dns_statistics statistics() const noexcept {
    dns_statistics now = counted_;
    now.cached = cache_.size();
    now.in_flight = in_flight_.size();
    return now;
  }
  void clear_cache() noexcept { cache_.clear(); }

 private:
  /// What an answer is for.
  struct question {
    implementation* asker;
    detail::dns_key key;
  };

  /// Counts one waiter; the last one to leave before there is an answer gives up.
  class waiter {
   public:
    waiter(implementation& of, lookup& one) noexcept : of_(of), one_(one) { ++one_.waiters; }
    waiter(const waiter&) = delete;
    waiter& operator=(const waiter&) = delete;
    ~waiter() {
      if (--one_.waiters == 0) of_.give_up_unwanted();
    }

   private:
    implementation& of_;
    lookup& one_;
  };

  [[nodiscard]] std::optional<std::vector<address>> find_here(const std::string& host,
                                                              const detail::dns_key& key);
  std::shared_ptr<lookup> ask(const detail::dns_key& key);
  void give_up_unwanted() noexcept;
  void answer(const detail::dns_key& key, int status, const ares_addrinfo* result);
  void remember(const detail::dns_key& key, const lookup& one, int shortest_ttl);
  static void answered(void* argument, int status, int timeouts, ares_addrinfo* result) noexcept;

  runtime::loop* loop_;
  dns_options options_;
  detail::hosts_file hosts_;
  detail::dns_cache cache_;
  dns_statistics counted_;
  std::map<detail::dns_key, std::shared_ptr<lookup>> in_flight_;
  std::optional<detail::dns_channel> channel_;  // last: its end answers what is in flight
};

std::optional<std::vector<address>> dns_resolver::implementation::find_here(
    const std::string& host, const detail::dns_key& key) {
  if (is_localhost(host))
    return of_family({address::loopback_v4(0), address::loopback_v6(0)}, key.family);
  if (const auto* listed = hosts_.find(host, loop_->now()); listed != nullptr) {
    std::vector<address> found = of_family(*listed, key.family);
    if (!found.empty()) return found;
  }
  if (const auto* cached = cache_.find(key, loop_->now()); cached != nullptr) {
    ++counted_.hits;
    return *cached;
  }
  return std::nullopt;
}

task<std::vector<address>> dns_resolver::implementation::find(std::string host,
                                                              resolve_options how) {
  // A final dot means "as it is": no search domains. Only the servers' side makes a difference of it.
  const std::string normal = detail::normalize_host(host);
  detail::dns_key key;
  key.host = host.back() == '.' ? normal + "." : normal;
  key.family = how.family;
  if (auto known = find_here(normal, key)) co_return std::move(*known);

  const std::shared_ptr<lookup> one = ask(key);
  const waiter counted(*this, *one);
  const bool in_time = co_await move_on_after(how.timeout, one->answered.get_future());
  if (!in_time) throw error(errc::timed_out, "resolve", host);
  if (one->status != ARES_SUCCESS && !has_no_address(one->status)) {
    throw error(error_of(one->status), std::string("resolve (") + ares_strerror(one->status) + ")",
                host);
  }
  co_return one->found;
}

std::shared_ptr<lookup> dns_resolver::implementation::ask(const detail::dns_key& key) {
  if (const auto at = in_flight_.find(key); at != in_flight_.end()) return at->second;
  if (!channel_) channel_.emplace(*loop_, options_);
  auto asked = std::make_unique<question>();
  asked->asker = this;
  asked->key = key;
  auto one = std::make_shared<lookup>();
  in_flight_.emplace(key, one);
  ++counted_.lookups;
  channel_->ask(key.host, key.family, &implementation::answered, asked.release());
  return one;
}

// c-ares cannot cancel a single question, so they are given up when nobody wants any of them.
void dns_resolver::implementation::give_up_unwanted() noexcept {
  if (in_flight_.empty()) return;
  const bool wanted_still =
      std::ranges::any_of(in_flight_, [](const auto& asked) { return asked.second->waiters > 0; });
  if (!wanted_still) channel_->give_up();
}

void dns_resolver::implementation::answered(void* argument, int status, int,
                                            ares_addrinfo* result) noexcept {
  const std::unique_ptr<question> asked(static_cast<question*>(argument));
  const std::unique_ptr<ares_addrinfo, decltype(&ares_freeaddrinfo)> owned(result,
                                                                           &ares_freeaddrinfo);
  asked->asker->answer(asked->key, status, result);
}

void dns_resolver::implementation::answer(const detail::dns_key& key, int status,
                                          const ares_addrinfo* result) {
  const auto at = in_flight_.find(key);
  if (at == in_flight_.end()) return;
  const std::shared_ptr<lookup> one = std::move(at->second);
  in_flight_.erase(at);
  one->status = status;
  int ttl = std::numeric_limits<int>::max();
  for (const auto* node = result != nullptr ? result->nodes : nullptr; node != nullptr;
       node = node->ai_next) {
    one->found.emplace_back(node->ai_addr, node->ai_addrlen);
    ttl = std::min(ttl, node->ai_ttl);
  }
  if (one->found.empty() && status == ARES_SUCCESS) one->status = ARES_ENODATA;
  remember(key, *one, ttl);
  one->answered.try_set_value();
}

void dns_resolver::implementation::remember(const detail::dns_key& key, const lookup& one,
                                            int ttl) {
  duration good_for = duration::zero();
  if (one.status == ARES_SUCCESS) {
    good_for = std::clamp<duration>(std::chrono::seconds(ttl), options_.shortest_ttl,
                                    std::max(options_.shortest_ttl, options_.longest_ttl));
  } else if (has_no_address(one.status)) {
    good_for = options_.negative_ttl;
  }
  if (good_for > duration::zero()) cache_.put(key, one.found, after(loop_->now(), good_for));
}

dns_resolver::dns_resolver(runtime::loop& on, dns_options options)
    : implementation_(std::make_unique<implementation>(on, std::move(options))) {}

dns_resolver::~dns_resolver() = default;

task<std::vector<address>> dns_resolver::resolve(std::string host, std::uint16_t port,
                                                 resolve_options options) {
  std::vector<address> found = co_await implementation_->find(host, options);
  if (found.empty()) throw error(errc::host_not_found, "resolve", host);
  for (address& one : found) one.set_port(port);
  if (options.family == address_family::any) found = co_await usable_first(std::move(found));
  co_return found;
}

dns_statistics dns_resolver::statistics() const noexcept { return implementation_->statistics(); }

void dns_resolver::clear_cache() noexcept { implementation_->clear_cache(); }

}  // namespace eddy::net
