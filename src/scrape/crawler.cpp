#include <eddy/scrape/crawler.hpp>

#include "frontier.hpp"
#include "page_fetcher.hpp"
#include "page_reader.hpp"

#include <algorithm>
#include <utility>

#include <eddy/base/error.hpp>
#include <eddy/coro/result.hpp>
#include <eddy/coro/scope.hpp>
#include <eddy/coro/timeout.hpp>
#include <eddy/runtime/loop.hpp>
#include <eddy/runtime/offload.hpp>
#include <eddy/sync/event.hpp>
#include <eddy/sync/semaphore.hpp>

namespace eddy::scrape {
namespace {

using detail::frontier_work;

constexpr std::size_t large_page =
    64 * 1024;  // bytes; parsing more than this would hold up the loop

crawl_options checked(crawl_options options) {
  if (options.user_agent.empty()) throw_invalid_input("crawler: no user agent");
  if (options.concurrency == 0) throw_invalid_input("crawler: concurrency zero");
  if (options.per_host == 0) throw_invalid_input("crawler: per_host zero");
  if (options.max_frontier == 0) throw_invalid_input("crawler: max_frontier zero");
  return options;
}

detail::frontier_limits limits_of(const crawl_options& options) {
  return {options.max_frontier, options.per_host, std::max(options.delay, duration::zero())};
}

std::string_view without_www(std::string_view host) {
  if (host.starts_with("www.")) host.remove_prefix(4);
  return host;
}

bool is_below(std::string_view host, std::string_view domain) {
  if (!host.ends_with(domain)) return false;
  return host.size() == domain.size() || host[host.size() - domain.size() - 1] == '.';
}

/// The result of an entry that was not answered.
crawl_result unanswered(crawl_entry entry, crawl_outcome outcome, std::string why) {
  crawl_result result;
  result.entry = std::move(entry);
  result.outcome = outcome;
  result.error = std::move(why);
  return result;
}

}  // namespace

class crawler::core {
 public:
  core(crawl_options options, crawl_store& store)
      : options_(checked(std::move(options))),
        store_(store),
        frontier_(limits_of(options_), options_.obey_robots),
        fetcher_(options_,
                 [this](std::string_view origin) { return frontier_.pace(origin, now()); }),
        slots_(static_cast<std::ptrdiff_t>(options_.concurrency)) {}

  task<void> run(std::vector<std::string> start, channel_sender<crawl_result> results) {
    check(!std::exchange(started_, true), "a crawler was run twice");
    const std::vector<web_url> urls = read_start(start);
    co_await restore();
    for (const web_url& url : urls) {
      crawl_entry entry;
      entry.url = url.text();
      const bool begins = frontier_.add(std::move(entry), url.origin());
      // The sitemaps that robots.txt names are in no store before they have results.
      if (!begins && options_.use_sitemaps) frontier_.want_rules(url.origin());
    }
    results_ = std::move(results);
    auto work = [&](task_group& jobs) -> task<void> { co_await dispatch(jobs); };
    auto ended = co_await as_result(with_group(work));
    results_.close();
    std::move(ended).value();
  }

  [[nodiscard]] crawl_statistics statistics() const noexcept {
    crawl_statistics figures = figures_;
    figures.requests = fetcher_.requests();
    figures.dropped = frontier_.dropped();
    figures.waiting = frontier_.waiting();
    figures.active = frontier_.active();
    figures.hosts = frontier_.hosts();
    return figures;
  }
  [[nodiscard]] const crawl_options& options() const noexcept { return options_; }

 private:
  std::vector<web_url> read_start(const std::vector<std::string>& start);
  task<void> restore();
  task<void> dispatch(task_group& jobs);
  task<void> wait_for_work();
  task<void> do_work(frontier_work work, semaphore::guard slot);
  task<void> learn_rules(std::string origin);
  task<detail::page_reading> fetch(crawl_entry entry, std::string origin);
  task<detail::page_reading> read(crawl_entry entry, web_url url, detail::fetched got,
                                  std::uint32_t attempts);
  task<void> finish(detail::page_reading reading);
  void released(std::string_view origin);
  [[nodiscard]] bool is_wanted(const detail::lead& each) const;
  void count(const crawl_result& result) noexcept;

  crawl_options options_;
  crawl_store& store_;
  detail::frontier frontier_;
  detail::page_fetcher fetcher_;
  semaphore slots_;
  event changed_;  // something was added or released since it was cleared
  channel_sender<crawl_result> results_;
  std::vector<std::string> start_hosts_;
  crawl_statistics figures_;
  std::size_t begun_ = 0;  // of max_pages
  bool started_ = false;
};

std::vector<web_url> crawler::core::read_start(const std::vector<std::string>& start) {
  std::vector<web_url> urls;
  for (const std::string& text : start) {
    auto url = web_url::parse(text);
    if (!url) throw error(errc::invalid_input, "crawl: not an http or https URL", text);
    start_hosts_.emplace_back(url->host());
    urls.push_back(std::move(*url));
  }
  return urls;
}

task<void> crawler::core::restore() {
  crawl_state state = co_await store_.load();
  figures_.finished = state.finished.size();
  begun_ = state.finished.size();
  for (std::string& url : state.finished) frontier_.know(std::move(url));
  for (crawl_entry& entry : state.pending) {
    if (const auto url = web_url::parse(entry.url)) frontier_.add(std::move(entry), url->origin());
  }
}

/// Gives out work while there is any and a slot for it.
task<void> crawler::core::dispatch(task_group& jobs) {
  for (;;) {
    if (begun_ >= options_.max_pages) co_return;
    semaphore::guard slot = co_await slots_.acquire();
    changed_.clear();
    auto work = frontier_.take(now());
    if (work) {
      if (work->what != frontier_work::kind::robots) ++begun_;
      jobs.spawn(do_work(std::move(*work), std::move(slot)));
      continue;
    }
    slot.release();
    const bool idle = slots_.available() == slots_.bound();
    if (idle && frontier_.exhausted()) co_return;
    co_await wait_for_work();
  }
}

task<void> crawler::core::wait_for_work() {
  const bool changed = co_await move_on_at(frontier_.next_time(), changed_.wait());
  static_cast<void>(changed);
}

task<void> crawler::core::do_work(frontier_work work, semaphore::guard slot) {
  if (work.what == frontier_work::kind::robots) {
    co_await learn_rules(std::move(work.origin));
  } else if (work.what == frontier_work::kind::excluded) {
    detail::page_reading reading;
    reading.result =
        unanswered(std::move(work.entry), crawl_outcome::excluded, std::move(work.reason));
    co_await finish(std::move(reading));
  } else {
    detail::page_reading reading = co_await fetch(std::move(work.entry), std::move(work.origin));
    co_await finish(std::move(reading));
  }
  slot.release();
  changed_.set();
}

void crawler::core::released(std::string_view origin) {
  frontier_.release(origin);
  changed_.set();
}

task<void> crawler::core::learn_rules(std::string origin) {
  const auto url = web_url::parse(origin + "/robots.txt");
  check(url.has_value(), "an origin is the beginning of a URL");
  auto got = co_await as_result(fetcher_.robots(*url));
  if (!got.has_value()) released(origin);
  detail::learned_rules learned = std::move(got).value();
  robots_rules rules = std::move(learned.rules);
  const duration delay = rules.crawl_delay().value_or(duration::zero());
  const std::vector<std::string> sitemaps = rules.sitemaps();
  frontier_.robots_known(origin, std::move(rules), std::min(delay, options_.max_crawl_delay),
                         std::move(learned.reason));
  released(origin);
  if (!options_.use_sitemaps) co_return;
  for (const std::string& text : sitemaps) {
    const auto at = url->resolve(text);
    if (!at) continue;
    detail::lead map{*at, {}};
    map.entry.url = at->text();
    map.entry.sitemap = true;
    if (is_wanted(map)) frontier_.add(std::move(map.entry), at->origin());
  }
}

task<detail::page_reading> crawler::core::fetch(crawl_entry entry, std::string origin) {
  const auto url = web_url::parse(entry.url);
  check(url.has_value(), "the frontier holds URLs");
  std::uint32_t attempts = 0;
  auto got = co_await as_result(fetcher_.page(*url, entry.sitemap, attempts));
  released(origin);
  if (got.is_cancelled()) throw cancelled(got.cancellation());
  detail::page_reading failed;
  try {
    co_return co_await read(entry, *url, std::move(got).value(), attempts);
  } catch (const cancelled&) {
    throw;
  } catch (const std::exception& problem) {
    failed.result = unanswered(std::move(entry), crawl_outcome::failed, problem.what());
  }
  failed.result.attempts = attempts;
  co_return failed;
}

task<detail::page_reading> crawler::core::read(crawl_entry entry, web_url url, detail::fetched got,
                                               std::uint32_t attempts) {
  if (got.body.size() <= large_page) {
    co_return detail::read_page(std::move(entry), url, std::move(got), attempts, options_);
  }
  co_return co_await to_cpu_thread(
      [](crawl_entry of, const web_url& at, detail::fetched answer, std::uint32_t made,
         const crawl_options* options) {
        return detail::read_page(std::move(of), at, std::move(answer), made, *options);
      },
      std::move(entry), std::move(url), std::move(got), attempts, &options_);
}

bool crawler::core::is_wanted(const detail::lead& each) const {
  const std::string_view host = each.url.host();
  const auto in_scope = [&](const std::string& start) {
    return options_.scope == crawl_scope::same_site ? is_below(host, without_www(start))
                                                    : host == start;
  };
  if (options_.scope != crawl_scope::any && std::ranges::none_of(start_hosts_, in_scope))
    return false;
  return !options_.filter || options_.filter(each.entry);
}

/// Keeps the result before anybody sees it. What is new on the page is put in line and into the store in the same step,
/// so that of two pages with the same link the one that is kept first has it.
task<void> crawler::core::finish(detail::page_reading reading) {
  std::vector<crawl_entry> found;
  for (detail::lead& each : reading.leads) {
    if (is_wanted(each) && frontier_.add(each.entry, each.url.origin())) {
      found.push_back(std::move(each.entry));
    }
  }
  if (!found.empty()) changed_.set();
  count(reading.result);
  co_await shield(store_.finish(reading.result, found));
  ++figures_.finished;
  co_await results_.send(std::move(reading.result));
}

void crawler::core::count(const crawl_result& result) noexcept {
  figures_.bytes += result.bytes;
  switch (result.outcome) {
    case crawl_outcome::page: ++figures_.pages; break;
    case crawl_outcome::redirect: ++figures_.redirects; break;
    case crawl_outcome::http_error: ++figures_.http_errors; break;
    case crawl_outcome::excluded: ++figures_.excluded; break;
    case crawl_outcome::failed: ++figures_.failed; break;
  }
}

crawler::crawler(crawl_options options, crawl_store& store)
    : core_(std::make_unique<core>(std::move(options), store)) {}
crawler::~crawler() = default;

task<void> crawler::run(std::vector<std::string> start, channel_sender<crawl_result> results) {
  return core_->run(std::move(start), std::move(results));
}

crawl_statistics crawler::statistics() const noexcept { return core_->statistics(); }
const crawl_options& crawler::options() const noexcept { return core_->options(); }

}  // namespace eddy::scrape
