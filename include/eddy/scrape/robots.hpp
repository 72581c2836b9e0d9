// robots.txt (RFC 9309): what a site allows a crawler to fetch. Pure: text in, answers out.
//
//   const auto rules = eddy::scrape::robots_rules::parse(text, "mybot");
//   if (rules.allows("/private/page?x=1")) ...
//
// Which answers to the request for /robots.txt stand for which rules (section 2.3.1) says for_status.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <eddy/base/time.hpp>

namespace eddy::scrape {

/// The rules for one crawler on one site. A value, usable on any thread.
class robots_rules {
 public:
  /// Bytes of a file that are read; what follows is not seen (section 2.5).
  static constexpr std::size_t max_size = 500 * 1024;

  /// Nothing is forbidden.
  robots_rules() = default;

  /// Reads a file for the crawler that calls itself `user_agent`, of which only the product token counts ("mybot" of
  /// "mybot/1.2 (+https://example.org)"). All groups that name it are one; without any, those for "*" count. Never
  /// fails: lines that mean nothing are passed over.
  [[nodiscard]] static robots_rules parse(std::string_view text, std::string_view user_agent);
  /// Nothing may be fetched.
  [[nodiscard]] static robots_rules disallow_all();
  /// What a final answer without a usable file means: 4xx allows all, anything else (5xx, and 0 for no answer)
  /// forbids all.
  [[nodiscard]] static robots_rules for_status(int status);

  /// Whether a URL with this path and query may be fetched. The longest pattern that matches decides; of two equally
  /// long ones the one that allows. "/robots.txt" itself always may.
  [[nodiscard]] bool allows(std::string_view target) const;

  /// The pause between requests that the site asks for: the common extension Crawl-delay, in seconds.
  [[nodiscard]] std::optional<duration> crawl_delay() const noexcept { return delay_; }
  /// The values of Sitemap lines, which belong to no group; at most 100.
  [[nodiscard]] const std::vector<std::string>& sitemaps() const noexcept { return sitemaps_; }

 private:
  class reader;
  struct rule {
    std::string pattern;  // normalised; "*" matches anything
    bool anchored;        // it had a "$" at its end
    bool allows;
  };

  std::vector<rule> rules_;
  std::optional<duration> delay_;
  std::vector<std::string> sitemaps_;
};

}  // namespace eddy::scrape
