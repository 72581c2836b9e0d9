#include "page_fetcher.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <span>
#include <utility>

#include <eddy/base/error.hpp>
#include <eddy/coro/result.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/resilience/retry.hpp>
#include <eddy/runtime/loop.hpp>
#include <eddy/scrape/public_address.hpp>
#include <eddy/wire/http1_date.hpp>

namespace eddy::scrape {
namespace {

constexpr std::chrono::seconds longest_wait = std::chrono::hours(24);  // a date may be far away
constexpr std::size_t most_robots_redirects = 5;                       // RFC 9309 section 2.3.1.2
constexpr std::size_t most_uninteresting =
    64 * 1024;  // bytes read to keep a connection, rather than closed

http::client_options client_options_of(const crawl_options& options) {
  http::client_options how;
  // Idle connections count, so that hosts that were asked lately keep theirs.
  how.max_connections = options.concurrency * 4;
  how.max_connections_per_host = options.per_host;
  how.timeouts.total = options.timeout;
  how.timeouts.connect = std::min(how.timeouts.connect, options.timeout);
  how.max_redirects = 0;
  how.max_body = options.max_body;
  how.user_agent = options.user_agent;
  how.retries = 0;  // each request keeps its host's pace
  if (!options.allow_private) how.allow_address = is_public_address;
  how.tls = options.tls;
  return how;
}

/// Whether another attempt may bring something else.
bool is_final(int status) {
  return status != 408 && status != 429 && (status < 500 || status == 501 || status == 505);
}

bool is_text(std::string_view content_type) {
  if (content_type.empty()) return true;
  const auto type = http::media_type::parse(content_type);
  if (!type) return true;
  const std::string_view subtype = type->subtype();
  return type->is(type->type(), "html") || type->is("text", "plain") ||
         type->is("application", "xhtml+xml") || type->is(type->type(), "xml") ||
         subtype.ends_with("+xml");
}

std::string words_of(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const std::exception& e) {
    return e.what();
  } catch (...) {
    return "unknown failure";
  }
}

}  // namespace

retry_policy crawl_retries() {
  exponential_backoff backoff;
  backoff.factor = std::chrono::seconds(1);
  return retry_policy()
      .attempts(3)
      .pause(full_jitter(wait_exponential(backoff)))
      .longest_retry_after(std::chrono::minutes(1))
      .on_failure([](const std::exception_ptr& failure) {
        try {
          std::rethrow_exception(failure);
        } catch (const error& e) {
          const bool refused = e.code() == make_error_code(http::request_errc::address_refused);
          return !refused && !(e == errc::limit_exceeded) && is_worth_retrying(failure);
        } catch (...) {
          return is_worth_retrying(failure);
        }
      });
}

namespace detail {

std::optional<duration> fetched::retry_after() const {
  const auto value = fields.find("Retry-After");
  if (!value) return std::nullopt;
  std::uint32_t seconds = 0;
  const auto read = std::from_chars(value->data(), value->data() + value->size(), seconds);
  const bool whole = read.ptr == value->data() + value->size();
  if (read.ec == std::errc() && whole) return std::chrono::seconds(seconds);
  const auto today =
      std::chrono::floor<std::chrono::seconds>(runtime::loop::current().time_source().calendar());
  const auto date = wire::http1::parse_date(*value, today);
  if (!date) return std::nullopt;
  return std::clamp<std::chrono::seconds>(*date - today, std::chrono::seconds(0), longest_wait);
}

std::string fetched::field(std::string_view name) const {
  return std::string(fields.find(name).value_or(std::string_view()));
}

page_fetcher::page_fetcher(const crawl_options& options,
                           std::function<time_point(std::string_view)> pace)
    : options_(options), pace_(std::move(pace)), client_(client_options_of(options)) {
  client_.default_fields().set("Accept",
                               "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.5");
  if (options.per_second > 0) {
    rate_ = std::make_unique<gcra>(options.per_second, std::chrono::seconds(1));
  }
}

task<fetched> page_fetcher::attempt(const web_url& url, want what) {
  if (rate_) co_await rate_->acquire();
  ++requests_;
  const time_point began = now();
  http::client_response response = co_await client_.get(url.text());
  fetched got;
  got.status = response.status();
  got.fields = response.fields();
  co_await read_body(response, what, got);
  got.elapsed = now() - began;
  co_return got;
}

/// Reads what is of use, and what is left if that is little, so that the connection can be used again.
task<void> page_fetcher::read_body(http::client_response& response, want what,
                                   fetched& into) const {
  std::size_t most = most_uninteresting;
  const bool wanted = response.ok() && (what != want::page || is_text(into.field("Content-Type")));
  if (wanted) most = what == want::robots ? robots_rules::max_size : options_.max_body;
  std::array<char, 16384> piece;
  for (;;) {
    const std::size_t count = co_await response.read_some(std::as_writable_bytes(std::span(piece)));
    if (count == 0) co_return;
    into.bytes += count;
    if (wanted) into.body.append(piece.data(), count);
    if (into.bytes <= most) continue;
    if (!wanted || what == want::robots) co_return;
    throw error(errc::limit_exceeded, "the page is larger than " + std::to_string(most) + " bytes");
  }
}

task<fetched> page_fetcher::with_retries(const web_url& url, want what, std::uint32_t& attempts) {
  std::uint32_t made = 0;
  auto once = [&]() -> task<fetched> {
    if (made++ > 0) co_await sleep_until(pace_(url.origin()));
    co_return co_await attempt(url, what);
  };
  auto accepted = [](const fetched& got) { return is_final(got.status); };
  std::optional<fetched> got;
  std::exception_ptr failure;
  try {
    got = co_await retry(options_.retry, once, accepted);
  } catch (not_accepted<fetched>& refused) {
    got = std::move(refused.last());
  } catch (const cancelled&) {
    throw;
  } catch (...) {
    failure = std::current_exception();
  }
  attempts += made;
  if (failure) std::rethrow_exception(failure);
  co_return std::move(*got);
}

task<fetched> page_fetcher::page(web_url url, bool sitemap, std::uint32_t& attempts) {
  co_return co_await with_retries(url, sitemap ? want::sitemap : want::page, attempts);
}

task<learned_rules> page_fetcher::robots(web_url url) {
  learned_rules learned;
  learned.reason = "robots.txt forbids it";
  std::uint32_t attempts = 0;
  for (std::size_t hop = 0;; ++hop) {
    auto got = co_await as_result(with_retries(url, want::robots, attempts));
    if (got.is_cancelled()) throw cancelled(got.cancellation());
    if (got.has_error()) {
      learned.rules = robots_rules::for_status(0);
      learned.reason = "robots.txt cannot be had: " + words_of(got.error());
      co_return learned;
    }
    if (http::is_success(got->status)) {
      learned.rules = robots_rules::parse(got->body, options_.user_agent);
      co_return learned;
    }
    if (!http::is_redirection(got->status)) {
      learned.rules = robots_rules::for_status(got->status);
      learned.reason = "robots.txt cannot be had: status " + std::to_string(got->status);
      co_return learned;
    }
    auto next = url.resolve(got->field("Location"));
    // Too many redirects mean that there is no file (section 2.3.1.2).
    if (hop == most_robots_redirects || !next) co_return learned;
    url = std::move(*next);
  }
}

}  // namespace detail
}  // namespace eddy::scrape
