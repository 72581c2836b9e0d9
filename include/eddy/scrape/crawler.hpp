// A crawler: from some URLs to all pages they lead to, politely.
//
//   eddy::scrape::crawl_options how;
//   how.user_agent = "mybot/1.0 (+https://example.org/mybot)";
//   eddy::scrape::crawler crawl(how, store);
//   co_await eddy::scrape::with_crawl(crawl, {"https://example.org/"}, [&](auto& results) -> eddy::task<void> {
//     while (auto result = co_await results.receive()) use(*result);
//   });
//
// Each URL is fetched once. What goes wrong with one is its result and stops nothing. Results are kept in the store
// first (crawl_store.hpp) and then handed out, as fast as they are taken and no faster. Redirects are results, and
// their targets pages of their own, so that each hop is subject to every rule here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <eddy/base/time.hpp>
#include <eddy/coro/group.hpp>
#include <eddy/coro/task.hpp>
#include <eddy/resilience/retry_policy.hpp>
#include <eddy/scrape/crawl_result.hpp>
#include <eddy/scrape/crawl_store.hpp>
#include <eddy/scrape/html.hpp>
#include <eddy/sync/channel.hpp>
#include <eddy/tls/context.hpp>

namespace eddy::scrape {

/// Which links are followed, by their host; the port does not matter.
enum class crawl_scope : std::uint8_t {
  same_host,  ///< hosts of the start URLs
  same_site,  ///< these, without a leading "www.", and hosts below them
  any
};

/// Three attempts with pauses of up to 1 s, 2 s; not after what another attempt cannot change.
[[nodiscard]] retry_policy crawl_retries();

struct crawl_options {
  /// Sent with each request; what stands before "/" is the name that robots.txt files know.
  std::string user_agent = "eddybot/0.1";
  std::size_t concurrency = 16;  ///< requests at once
  std::size_t per_host = 2;      ///< of these, to one host and port
  /// Between the beginnings of two requests to one host and port. A longer Crawl-delay in its robots.txt counts more.
  duration delay = std::chrono::milliseconds(500);
  duration max_crawl_delay = std::chrono::seconds(60);  ///< longer ones count as this
  std::size_t per_second = 0;                           ///< requests in all; 0: no limit

  std::uint32_t max_depth = std::numeric_limits<std::uint32_t>::max();  ///< 0: the start URLs only
  std::size_t max_pages =
      std::numeric_limits<std::size_t>::max();  ///< results, with those of earlier runs
  std::size_t max_frontier = 1'000'000;  ///< URLs that wait; further ones are dropped, and counted
  std::size_t max_redirects = 10;        ///< in a row
  std::size_t max_results = 64;          ///< that wait to be taken

  crawl_scope scope = crawl_scope::same_host;
  /// Asked for each URL in scope before it is put in line; empty: all are wanted. Must not throw.
  std::function<bool(const crawl_entry&)> filter = {};
  bool obey_robots = true;       ///< robots.txt
  bool respect_nofollow = true;  ///< rel=nofollow, <meta name=robots> and X-Robots-Tag
  bool use_sitemaps = false;     ///< read those that a start URL's robots.txt names
  /// Also connect to addresses that are not of the public internet; see public_address.hpp. It is the address that is
  /// connected to which is looked at, at each redirect as well.
  bool allow_private = false;
  tls::context tls = {};  ///< for https; an empty one: the system's authorities

  duration timeout = std::chrono::seconds(30);  ///< for one attempt
  std::size_t max_body = 8U << 20U;             ///< bytes; a larger page has failed
  retry_policy retry = crawl_retries();
  html_limits html = {};
  bool keep_body = false;  ///< results have the bytes as well
};

/// Live figures of a crawl, of this run only but for `finished`.
struct crawl_statistics {
  std::uint64_t finished = 0;  ///< results, with those of earlier runs
  std::uint64_t pages = 0;
  std::uint64_t redirects = 0;
  std::uint64_t http_errors = 0;
  std::uint64_t excluded = 0;
  std::uint64_t failed = 0;
  std::uint64_t requests = 0;  ///< with those for robots.txt and further attempts
  std::uint64_t bytes = 0;     ///< of bodies
  std::uint64_t dropped = 0;   ///< URLs for which the frontier had no room
  std::size_t waiting = 0;     ///< URLs in line
  std::size_t active = 0;      ///< requests under way
  std::size_t hosts = 0;       ///< hosts and ports seen
};

/// One crawl, run once. Belongs to the loop on which it was made; the store must outlive it.
class crawler {
 public:
  /// Options that cannot work (a limit of zero, an empty user agent) throw invalid_input.
  crawler(crawl_options options, crawl_store& store);
  crawler(const crawler&) = delete;
  crawler& operator=(const crawler&) = delete;
  ~crawler();

  /// Crawls from what the store has left over and from `start`, until nothing is left in line or max_pages are
  /// reached; closes `results`. Waits while they are not received. A start URL that is none throws invalid_input before
  /// anything is fetched; a failure of the store ends the crawl and is thrown. Cancelled, it gives up what is under
  /// way; what is being kept is kept. Throws errc::closed when nobody is left to receive.
  task<void> run(std::vector<std::string> start, channel_sender<crawl_result> results);

  [[nodiscard]] crawl_statistics statistics() const noexcept;
  [[nodiscard]] const crawl_options& options() const noexcept;

 private:
  class core;
  std::unique_ptr<core> core_;
};

/// Runs `crawl` while `body(channel_receiver<crawl_result>&)`, which gives a task<void>, takes its results; receive()
/// gives nothing when the crawl has ended. When the body ends first, the crawl is cancelled, and awaited.
template <class Body>
task<void> with_crawl(crawler& crawl, std::vector<std::string> start, Body body) {
  channel<crawl_result> results(crawl.options().max_results);
  auto both = [&](task_group& group) -> task<void> {
    spawn_options named;
    named.name = "crawl";
    group.spawn(crawl.run(std::move(start), std::move(results.tx)), named);
    co_await body(results.rx);
    group.cancel();
  };
  co_await with_group(both);
}

}  // namespace eddy::scrape
