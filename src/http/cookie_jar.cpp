#include "public_suffix.hpp"

#include <algorithm>
#include <utility>

#include <eddy/http/cookies.hpp>
#include <eddy/net/address.hpp>
#include <eddy/wire/http1_syntax.hpp>

namespace eddy::http {
namespace {

/// Section 5.1.4: the directory of a request's path.
std::string default_path(std::string_view path) {
  const std::size_t last = path.rfind('/');
  if (!path.starts_with('/') || last == 0) return "/";
  return std::string(path.substr(0, last));
}

bool path_matches(std::string_view path, std::string_view cookie_path) noexcept {
  if (!path.starts_with(cookie_path)) return false;
  return path.size() == cookie_path.size() || cookie_path.ends_with('/') ||
         path[cookie_path.size()] == '/';
}

bool is_number(std::string_view host) { return net::address::numeric(host, 0).has_value(); }

bool domain_matches(std::string_view host, std::string_view domain) {
  if (host == domain) return true;
  return host.size() > domain.size() && host.ends_with(domain) &&
         host[host.size() - domain.size() - 1] == '.' && !is_number(host);
}

bool has_prefix(std::string_view name, std::string_view prefix) noexcept {
  return wire::http1::equals_ignoring_case(name.substr(0, prefix.size()), prefix);
}

std::string_view path_of(const cookie_target& to) noexcept {
  return to.path.empty() ? std::string_view("/") : to.path;
}

/// Calls `visit(domain)` for the host and each name above it.
template <class Visit>
void for_each_domain(std::string_view host, Visit visit) {
  visit(host);
  if (is_number(host)) return;
  for (std::size_t dot = host.find('.'); dot != std::string_view::npos; dot = host.find('.')) {
    host.remove_prefix(dot + 1);
    visit(host);
  }
}

}  // namespace

bool cookie_jar::store(std::string_view set_cookie, const cookie_target& from, calendar_time now) {
  auto given = parse_set_cookie(set_cookie);
  return given && store(*std::move(given), from, now);
}

bool cookie_jar::accept_domain(cookie& given, const cookie_target& from, bool& host_only) const {
  host_only = given.domain.empty();
  if (host_only) {
    given.domain = from.host;
    return true;
  }
  if (given.domain == from.host) {
    // A public suffix may set cookies for itself alone.
    host_only = is_number(from.host) || detail::is_public_suffix(given.domain);
    return true;
  }
  return domain_matches(from.host, given.domain) && !detail::is_public_suffix(given.domain);
}

bool cookie_jar::shadows_secure(const cookie& given, const cookie_target& from) const {
  bool shadows = false;
  for_each_domain(from.host, [&](std::string_view domain) {
    const auto found = by_domain_.find(std::string(domain));
    if (found == by_domain_.end()) return;
    shadows = shadows || std::ranges::any_of(found->second, [&](const stored& each) {
                return each.given.secure && each.given.name == given.name &&
                       path_matches(given.path, each.given.path);
              });
  });
  return shadows;
}

bool cookie_jar::store(cookie given, const cookie_target& from, calendar_time now) {
  const bool host_prefix = has_prefix(given.name, "__Host-");
  if (host_prefix && (!given.secure || !given.domain.empty() || given.path != "/")) return false;
  if (has_prefix(given.name, "__Secure-") && !given.secure) return false;
  if (given.secure && !from.secure) return false;
  bool host_only = false;
  if (!accept_domain(given, from, host_only)) return false;
  if (given.path.empty()) given.path = default_path(path_of(from));
  if (!from.secure && shadows_secure(given, from)) return false;

  auto expires = calendar_time::max();
  if (given.max_age) {
    const bool over = given.max_age->count() <= 0;
    expires = over ? calendar_time::min() : now + *given.max_age;
  } else if (given.expires) {
    // Dates may lie beyond what the calendar clock's nanoseconds hold.
    constexpr auto last = std::chrono::floor<std::chrono::seconds>(calendar_time::max());
    constexpr auto first = std::chrono::ceil<std::chrono::seconds>(calendar_time::min());
    expires = std::clamp(*given.expires, first, last);
  }
  ++counter_;
  put({std::move(given), host_only, expires, counter_, counter_});
  drop_expired(now);
  while (size_ > options_.max_total) drop_least_used_of_all();
  return true;
}

void cookie_jar::put(stored entry) {
  next_expiry_ = std::min(next_expiry_, entry.expires);
  domain_cookies& among = by_domain_[entry.given.domain];
  const auto older = std::ranges::find_if(among, [&](const stored& each) {
    return each.given.name == entry.given.name && each.given.path == entry.given.path &&
           each.host_only == entry.host_only;
  });
  if (older != among.end()) {
    entry.created = older->created;
    *older = std::move(entry);
    return;
  }
  among.push_back(std::move(entry));
  ++size_;
  if (among.size() > options_.max_per_domain) drop_least_used(among);
}

void cookie_jar::drop_least_used(domain_cookies& among) {
  among.erase(std::ranges::min_element(among, {}, &stored::used));
  --size_;
}

void cookie_jar::drop_least_used_of_all() {
  auto oldest = by_domain_.end();
  std::uint64_t least = 0;
  for (auto entry = by_domain_.begin(); entry != by_domain_.end(); ++entry) {
    const std::uint64_t used = std::ranges::min_element(entry->second, {}, &stored::used)->used;
    if (oldest == by_domain_.end() || used < least) {
      oldest = entry;
      least = used;
    }
  }
  drop_least_used(oldest->second);
  if (oldest->second.empty()) by_domain_.erase(oldest);
}

void cookie_jar::drop_expired(calendar_time now) {
  if (now < next_expiry_) return;
  next_expiry_ = calendar_time::max();
  for (auto entry = by_domain_.begin(); entry != by_domain_.end();) {
    size_ -= std::erase_if(entry->second, [&](const stored& each) { return each.expires <= now; });
    for (const stored& each : entry->second) next_expiry_ = std::min(next_expiry_, each.expires);
    entry = entry->second.empty() ? by_domain_.erase(entry) : std::next(entry);
  }
}

std::string cookie_jar::header_for(const cookie_target& to, calendar_time now) {
  drop_expired(now);
  std::vector<stored*> matching;
  for_each_domain(to.host, [&](std::string_view domain) {
    const auto found = by_domain_.find(std::string(domain));
    if (found == by_domain_.end()) return;
    for (stored& each : found->second) {
      const bool host_fits = !each.host_only || domain == to.host;
      if (host_fits && (to.secure || !each.given.secure) &&
          path_matches(path_of(to), each.given.path)) {
        matching.push_back(&each);
      }
    }
  });
  std::ranges::sort(matching, [](const stored* a, const stored* b) {
    const std::size_t of_a = a->given.path.size();
    const std::size_t of_b = b->given.path.size();
    return of_a != of_b ? of_a > of_b : a->created < b->created;
  });
  ++counter_;
  std::string text;
  for (stored* each : matching) {
    each->used = counter_;
    if (!text.empty()) text += "; ";
    text += each->given.name + "=" + each->given.value;
  }
  return text;
}

std::vector<cookie> cookie_jar::cookies(calendar_time now) const {
  std::vector<cookie> all;
  for (const auto& [domain, among] : by_domain_) {
    for (const stored& each : among) {
      if (each.expires > now) all.push_back(each.given);
    }
  }
  return all;
}

void cookie_jar::clear() noexcept {
  by_domain_.clear();
  size_ = 0;
}

}  // namespace eddy::http
