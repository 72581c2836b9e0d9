#include "crawl.hpp"

#include "progress.hpp"

#include <cstdio>
#include <memory>

#include <eddy/coro/group.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/runtime/loop.hpp>
#include <eddy/scrape/crawl_store.hpp>
#include <eddy/scrape/crawler.hpp>

namespace command {
namespace {

namespace scrape = eddy::scrape;

/// {"finished":..,"pages":..,...}
std::string summary_json(const scrape::crawl_statistics& figures, eddy::duration elapsed) {
  std::string out = "{";
  const auto add = [&](std::string_view name, std::uint64_t value) {
    out += (out.size() > 1 ? ",\"" : "\"") + std::string(name) + "\":" + std::to_string(value);
  };
  add("finished", figures.finished);
  add("pages", figures.pages);
  add("redirects", figures.redirects);
  add("http_errors", figures.http_errors);
  add("excluded", figures.excluded);
  add("failed", figures.failed);
  add("requests", figures.requests);
  add("bytes", figures.bytes);
  add("dropped", figures.dropped);
  add("waiting", figures.waiting);
  add("hosts", figures.hosts);
  add("ms", static_cast<std::uint64_t>(elapsed / std::chrono::milliseconds(1)));
  return out + "}";
}

std::string summary_text(const scrape::crawl_statistics& figures, eddy::duration elapsed) {
  const std::uint64_t here =
      figures.pages + figures.redirects + figures.http_errors + figures.excluded + figures.failed;
  const double seconds = std::chrono::duration<double>(elapsed).count();
  char rate[32];
  std::snprintf(rate, sizeof rate, "%.1f/s", seconds > 0 ? static_cast<double>(here) / seconds : 0);
  return std::to_string(figures.finished) + " done (" + std::to_string(figures.pages) + " pages, " +
         std::to_string(figures.redirects) + " redirects, " + std::to_string(figures.http_errors) +
         " errors, " + std::to_string(figures.failed) + " failed, " +
         std::to_string(figures.excluded) + " excluded), " + std::to_string(figures.waiting) +
         " waiting, " + std::to_string(figures.hosts) + " hosts, " + rate;
}

class crawl_command {
 public:
  crawl_command(const crawl_options& options, scrape::crawl_store& store)
      : options_(options), crawler_(options.how, store), started_(eddy::now()) {}

  eddy::task<void> run() {
    auto body = [&](eddy::task_group& group) -> eddy::task<void> {
      if (progress_.shown()) group.spawn(show_progress());
      auto take = [&](eddy::channel_receiver<scrape::crawl_result>& results) {
        return print(results);
      };
      co_await scrape::with_crawl(crawler_, options_.urls, take);
      group.cancel();
    };
    co_await eddy::with_group(body);
    progress_.clear();
    report();
  }

 private:
  eddy::task<void> show_progress() {
    for (;;) {
      progress_.show(summary_text(crawler_.statistics(), eddy::now() - started_));
      co_await eddy::sleep(std::chrono::milliseconds(100));
    }
  }

  /// Results are in the store already; without a file they are written here.
  eddy::task<void> print(eddy::channel_receiver<scrape::crawl_result>& results) {
    while (auto result = co_await results.receive()) {
      if (!options_.out.empty()) continue;
      progress_.clear();
      write_line(scrape::to_json_line(*result));
    }
  }

  void report() const {
    const scrape::crawl_statistics figures = crawler_.statistics();
    const eddy::duration elapsed = eddy::now() - started_;
    if (options_.out.empty() || output_is_terminal()) {
      std::fprintf(stderr, "%s\n", summary_text(figures, elapsed).c_str());
    } else {
      write_line(summary_json(figures, elapsed));
    }
  }

  const crawl_options& options_;
  scrape::crawler crawler_;
  progress_line progress_;
  eddy::time_point started_;
};

}  // namespace

eddy::task<int> crawl(crawl_options options) {
  std::unique_ptr<scrape::crawl_store> store = std::make_unique<scrape::memory_store>();
  if (!options.out.empty()) store = co_await scrape::open_store(options.out);
  crawl_command command(options, *store);
  co_await command.run();
  co_return 0;
}

}  // namespace command
