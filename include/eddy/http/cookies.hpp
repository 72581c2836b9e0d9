// Cookies (RFC 6265, with the prefixes and rules of its revision): one parser and writer for both sides, and a jar for
// clients.
//
// Everything here is a value, without I/O; times are calendar times that the caller takes from the loop's clock.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace eddy::http {

enum class same_site : std::uint8_t { unset, strict, lax, none };

/// What one Set-Cookie field says.
struct cookie {
  std::string name;
  std::string value;
  std::string
      domain;  ///< without a leading dot, lower case; empty: the host that sent it, and no other
  std::string path;  ///< empty: the directory of the request's path
  std::optional<std::chrono::sys_seconds> expires;
  std::optional<std::chrono::seconds> max_age;  ///< goes before `expires`; zero or less: delete it
  bool secure = false;                          ///< sent with https only
  bool http_only = false;                       ///< not for scripts
  bool partitioned = false;                     ///< separate for each site that embeds it
  http::same_site same_site = http::same_site::unset;
};

/// The cookie of a Set-Cookie field's value, read as leniently as RFC 6265 section 5.2 asks; nullopt where it says to
/// ignore it: no "=", neither name nor value, control characters, more than 4096 bytes of name and value.
[[nodiscard]] std::optional<cookie> parse_set_cookie(std::string_view text);

/// A Set-Cookie field's value, as strict as section 4.1. Throws invalid_input for what a browser would refuse or read
/// as something else: a name that is no token, a value with blanks, commas, semicolons, quotes or backslashes inside, a
/// domain or path with control characters or ";", a name that begins with __Secure- or __Host- without what that
/// promises, SameSite=None or Partitioned without Secure.
[[nodiscard]] std::string to_set_cookie(const cookie& made);

/// Dates as Expires has them, read as section 5.1.1 asks: by their parts, in any order; nullopt when one is missing.
[[nodiscard]] std::optional<std::chrono::sys_seconds> parse_cookie_date(std::string_view text);

/// Walks the pairs of a Cookie field: `for (cookie_pairs all(text); auto pair = all.next();)`. Pairs without "=" are
/// skipped; quotes belong to the value. Views into the text.
class cookie_pairs {
 public:
  struct pair {
    std::string_view name;
    std::string_view value;
  };
  explicit cookie_pairs(std::string_view text) noexcept : rest_(text) {}
  [[nodiscard]] std::optional<pair> next() noexcept;

 private:
  std::string_view rest_;
};

/// The value of the first pair of that name in a Cookie field.
[[nodiscard]] std::optional<std::string_view> find_cookie(std::string_view text,
                                                          std::string_view name) noexcept;

/// Where a request goes, for a jar.
struct cookie_target {
  std::string_view host;  ///< lower case; an IPv6 address without brackets
  std::string_view path;  ///< without a query
  bool secure = false;    ///< https
};

struct cookie_jar_options {
  std::size_t max_total = 3000;      ///< cookies kept; the least recently used are dropped
  std::size_t max_per_domain = 180;  ///< the same for one domain
};

/// Keeps the cookies of servers and says which go with a request. Neither copyable nor safe to share between loops; on
/// one loop several clients may share it. Public suffixes (libpsl, where the build has it) take no cookies for what is
/// below them; without libpsl only single-label names are refused.
class cookie_jar {
 public:
  using calendar_time = std::chrono::system_clock::time_point;

  explicit cookie_jar(const cookie_jar_options& options = {}) : options_(options) {}
  cookie_jar(const cookie_jar&) = delete;
  cookie_jar& operator=(const cookie_jar&) = delete;

  /// Takes a Set-Cookie field of a response from `from`. False: refused or of no effect, as section 5.3 and the rules
  /// of secure origins and prefixes ask. A cookie that has expired already deletes its older self.
  bool store(std::string_view set_cookie, const cookie_target& from, calendar_time now);
  bool store(cookie given, const cookie_target& from, calendar_time now);

  /// The Cookie field for a request: longer paths first, then older cookies. Empty: none.
  [[nodiscard]] std::string header_for(const cookie_target& to, calendar_time now);

  /// All that have not expired, with their domain and path filled in; host-only ones too.
  [[nodiscard]] std::vector<cookie> cookies(calendar_time now) const;
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  void clear() noexcept;

 private:
  struct stored {
    cookie given;
    bool host_only;
    calendar_time expires;  // max(): with the session
    std::uint64_t created;  // in order
    std::uint64_t used;
  };
  using domain_cookies = std::vector<stored>;

  bool accept_domain(cookie& given, const cookie_target& from, bool& host_only) const;
  bool shadows_secure(const cookie& given, const cookie_target& from) const;
  void put(stored entry);
  void drop_expired(calendar_time now);
  void drop_least_used(domain_cookies& among);
  void drop_least_used_of_all();

  cookie_jar_options options_;
  std::unordered_map<std::string, domain_cookies> by_domain_;
  std::size_t size_ = 0;
  calendar_time next_expiry_ = calendar_time::max();  // of all, or earlier
  std::uint64_t counter_ = 0;
};

}  // namespace eddy::http
