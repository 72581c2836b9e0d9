// Requests of a crawl: one attempt after the other at the pace of its host, and robots.txt.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <eddy/coro/task.hpp>
#include <eddy/http/client.hpp>
#include <eddy/resilience/rate_limiter.hpp>
#include <eddy/scrape/crawler.hpp>
#include <eddy/scrape/robots.hpp>
#include <eddy/scrape/web_url.hpp>

namespace eddy::scrape::detail {

/// What a server answered, with as much of the body as is of use.
struct fetched {
  int status = 0;
  http::fields fields;
  std::string body;
  std::size_t bytes = 0;  // of the body, as far as it was read
  duration elapsed{};

  /// What the server asks for, for retry.
  [[nodiscard]] std::optional<duration> retry_after() const;
  [[nodiscard]] std::string field(std::string_view name) const;
};

/// What a host's robots.txt says, or why all is forbidden without it.
struct learned_rules {
  robots_rules rules;
  std::string reason;  // why they forbid what they forbid
};

class page_fetcher {
 public:
  /// `pace(origin)` gives when a further request to a host may begin.
  page_fetcher(const crawl_options& options, std::function<time_point(std::string_view)> pace);

  /// The answer of the last attempt; how many there were is added to `attempts`. Throws what the last attempt did.
  task<fetched> page(web_url url, bool sitemap, std::uint32_t& attempts);
  /// Follows redirects, anywhere; what cannot be had forbids all.
  task<learned_rules> robots(web_url url);

  [[nodiscard]] std::uint64_t requests() const noexcept { return requests_; }

 private:
  enum class want : std::uint8_t { page, sitemap, robots };
  task<fetched> with_retries(const web_url& url, want what, std::uint32_t& attempts);
  task<fetched> attempt(const web_url& url, want what);
  task<void> read_body(http::client_response& response, want what, fetched& into) const;

  const crawl_options& options_;
  std::function<time_point(std::string_view)> pace_;
  http::client client_;
  std::unique_ptr<gcra> rate_;
  std::uint64_t requests_ = 0;
};

}  // namespace eddy::scrape::detail
