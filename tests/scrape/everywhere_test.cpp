// Crawls and their stores, cancelled and made to fail at every point: what has a result is kept, and a later crawl
// fetches the rest and nothing twice.
#include <eddy/testing/everywhere.hpp>

#include "scratch_folder.hpp"
#include "site.hpp"
#include "undisturbed.hpp"

#include <algorithm>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include <eddy/coro/result.hpp>
#include <eddy/scrape/crawl_store.hpp>
#include <eddy/scrape/crawler.hpp>
#include <eddy/testing/gtest.hpp>

namespace eddy::scrape {
namespace {

using namespace std::chrono_literals;
using ::eddy::testing::cancel_everywhere;
using ::eddy::testing::trial;
using test::site;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using tests::expect_value_when_undisturbed;

crawl_options quick() {
  crawl_options how;
  how.delay = 0ms;
  how.allow_private = true;
  how.user_agent = "testbot/1.0";
  how.concurrency = 1;
  return how;
}

task<void> take_all(channel_receiver<crawl_result>& results) {
  while (auto result = co_await results.receive()) {
  }
}

/// How a crawl is run: `crawl` from `start` to its end.
using crawl_runner = std::function<task<void>(crawler& crawl, std::string start)>;

/// Runs a crawl that is disturbed, and another one with the same store.
task<void> expect_the_rest_to_be_crawled(trial& t, crawl_runner run) {
  site s;
  s.page("/", "<a href=a>1</a><a href=b>2</a>");
  s.page("/a", "<a href=c>1</a>");
  s.page("/b", "");
  s.page("/c", "");
  co_await s.serve([&]() -> task<void> {
    memory_store store;
    std::set<std::string> had;
    {
      crawler first(quick(), store);
      const auto ended = co_await t.expose(run(first, s.url("/")));
      expect_value_when_undisturbed(t, ended);
      EXPECT_EQ(first.statistics().active, 0U);
      crawl_state state = co_await store.load();
      for (const std::string& each : state.finished) had.insert(each);
    }
    const std::size_t asked = s.targets().size();
    crawler second(quick(), store);
    co_await run(second, s.url("/"));
    crawl_state state = co_await store.load();
    EXPECT_THAT(state.pending, IsEmpty());
    std::ranges::sort(state.finished);
    EXPECT_THAT(state.finished, ElementsAre(s.url("/"), s.url("/a"), s.url("/b"), s.url("/c")));
    for (std::size_t i = asked; i < s.targets().size(); ++i) {
      EXPECT_FALSE(had.contains(s.url(s.targets()[i]))) << s.targets()[i];
    }
  });
}

// clk.6
// Exposes: scrape/crawler.with_crawl
TEST(everywhere, a_crawl_goes_on_from_what_has_results) {
  cancel_everywhere([](trial& t) -> task<void> {
    co_await expect_the_rest_to_be_crawled(t, [](crawler& crawl, std::string start) -> task<void> {
      std::vector<std::string> urls{std::move(start)};
      co_await with_crawl(crawl, std::move(urls), take_all);
    });
  });
}

// clk.6
// Exposes: scrape/crawler.run
TEST(everywhere, a_crawl_without_with_crawl_does_too) {
  cancel_everywhere([](trial& t) -> task<void> {
    co_await expect_the_rest_to_be_crawled(t, [](crawler& crawl, std::string start) -> task<void> {
      channel<crawl_result> results(crawl.options().max_results);
      std::vector<std::string> urls{std::move(start)};
      co_await crawl.run(std::move(urls), std::move(results.tx));
      co_await take_all(results.rx);
    });
  });
}

/// A page that was finished, with the links that were found on it.
task<void> finish(crawl_store& store, std::string url, std::vector<std::string> links) {
  crawl_result result;
  result.entry.url = std::move(url);
  result.outcome = crawl_outcome::page;
  std::vector<crawl_entry> found;
  for (std::string& each : links) {
    crawl_entry entry;
    entry.url = std::move(each);
    found.push_back(std::move(entry));
  }
  co_await store.finish(result, found);
}

using store_opener = std::function<task<std::unique_ptr<crawl_store>>(std::string path)>;

/// What a store said it keeps is there when it is opened again, and no half of anything.
void expect_what_was_kept(const char* name, const store_opener& open) {
  cancel_everywhere([&](trial& t) -> task<void> {
    const tests::scratch_folder folder;
    const std::string path = folder / name;
    std::size_t kept = 0;
    const auto use = [&]() -> task<void> {
      const auto store = co_await open(path);
      const crawl_state before = co_await store->load();
      EXPECT_THAT(before.finished, IsEmpty());
      const std::vector<std::string> links{"http://a/2", "http://a/3"};
      co_await finish(*store, "http://a/1", links);
      ++kept;
      co_await finish(*store, "http://a/2", {});
      ++kept;
    };
    const auto ended = co_await t.expose(use());
    expect_value_when_undisturbed(t, ended);
    const auto again = co_await open(path);
    crawl_state state = co_await again->load();
    EXPECT_EQ(state.finished.size(), kept);
    EXPECT_EQ(state.pending.size(), kept == 0 ? 0 : 3 - kept);
  });
}

// clk.6
// Exposes: scrape/crawl_store.open
TEST(everywhere, a_file_of_lines_has_what_it_said_it_keeps) {
  expect_what_was_kept("crawl.jsonl", [](std::string path) -> task<std::unique_ptr<crawl_store>> {
    std::unique_ptr<crawl_store> made = co_await jsonl_store::open(std::move(path));
    co_return made;
  });
}

// clk.6
// Exposes: scrape/crawl_store.open_store
TEST(everywhere, a_database_has_what_it_said_it_keeps) {
  expect_what_was_kept("crawl.db", [](std::string path) { return open_store(std::move(path)); });
}

}  // namespace
}  // namespace eddy::scrape
