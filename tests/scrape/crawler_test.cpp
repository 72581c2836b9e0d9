#include <eddy/scrape/crawler.hpp>

#include "site.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include <eddy/coro/result.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/coro/timeout.hpp>
#include <eddy/net/resolver.hpp>
#include <eddy/runtime/loop.hpp>
#include <eddy/testing/gtest.hpp>
#include <eddy/wire/http1_date.hpp>

namespace eddy::scrape {
namespace {

using namespace std::chrono_literals;
using test::site;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

constexpr duration way = 1us;  // more than the network takes

using result_map = std::map<std::string, crawl_result>;

crawl_options quick() {
  crawl_options how;
  how.delay = 0ms;
  how.allow_private = true;
  how.user_agent = "testbot/1.0";
  return how;
}

/// All results by target, each of which comes once.
task<void> crawl_all(crawler& crawl, std::string start, result_map& into) {
  auto take = [&](channel_receiver<crawl_result>& results) -> task<void> {
    while (auto result = co_await results.receive()) {
      const std::string target(web_url::parse(result->entry.url)->target());
      EXPECT_TRUE(into.emplace(target, std::move(*result)).second) << target;
    }
  };
  std::vector<std::string> urls{std::move(start)};
  co_await with_crawl(crawl, std::move(urls), take);
}

EDDY_TEST(crawler, fetches_every_page_once) {
  site s;
  s.page("/", "<title>Home</title><a href=a>1</a><a href=/b>2</a><a href=#x>3</a>");
  s.page("/a", "<a href=b>1</a><a href=/>2</a><a href='c?x=1#y'>3</a>");
  s.page("/b", "<a href=a>1</a><a href=/missing>2</a><a href='http://other.example/'>3</a>");
  s.page("/c?x=1", "loop <a href='c?x=1'>1</a>");
  result_map results;
  co_await s.serve([&]() -> task<void> {
    memory_store store;
    crawler crawl(quick(), store);
    co_await crawl_all(crawl, s.url("/"), results);
    const crawl_statistics figures = crawl.statistics();
    EXPECT_EQ(figures.finished, 5U);
    EXPECT_EQ(figures.pages, 4U);
    EXPECT_EQ(figures.http_errors, 1U);
    EXPECT_EQ(figures.requests, 6U) << "with robots.txt";
    EXPECT_EQ(figures.waiting, 0U);
    EXPECT_EQ(figures.active, 0U);
    EXPECT_EQ(figures.hosts, 1U);
    const crawl_state state = co_await store.load();
    EXPECT_EQ(state.finished.size(), 5U);
    EXPECT_THAT(state.pending, IsEmpty());
  });
  EXPECT_THAT(s.targets(),
              UnorderedElementsAre("/robots.txt", "/", "/a", "/b", "/c?x=1", "/missing"));
  EXPECT_EQ(results["/"].page.title, "Home");
  EXPECT_EQ(results["/"].entry.depth, 0U);
  EXPECT_EQ(results["/c?x=1"].entry.depth, 2U);
  EXPECT_EQ(results["/missing"].outcome, crawl_outcome::http_error);
  EXPECT_EQ(results["/missing"].status, 404);
  EXPECT_THAT(s.user_agents(), ElementsAre("testbot/1.0"));
}

EDDY_TEST(crawler, keeps_to_depth_and_number) {
  site s;
  for (int i = 0; i < 10; ++i) {
    s.page("/" + std::to_string(i), "<a href=/" + std::to_string(i + 1) + ">next</a>");
  }
  co_await s.serve([&]() -> task<void> {
    crawl_options how = quick();
    how.max_depth = 3;
    memory_store store;
    crawler deep(how, store);
    result_map results;
    co_await crawl_all(deep, s.url("/0"), results);
    EXPECT_EQ(results.size(), 4U);

    how = quick();
    how.max_pages = 2;
    memory_store second;
    crawler some(how, second);
    results.clear();
    co_await crawl_all(some, s.url("/0"), results);
    EXPECT_EQ(results.size(), 2U);
    how.max_pages = 5;
    crawler more(how, second);
    co_await crawl_all(more, s.url("/0"), results);
    EXPECT_EQ(results.size(), 5U) << "goes on where the last one stopped";
    crawler enough(how, second);
    co_await crawl_all(enough, s.url("/0"), results);
    EXPECT_EQ(results.size(), 5U);
  });
}

EDDY_TEST(crawler, is_polite) {
  site s;
  std::string links;
  for (int i = 0; i < 20; ++i) {
    s.page("/" + std::to_string(i), "page");
    links += "<a href=/" + std::to_string(i) + ">x</a>";
  }
  s.page("/", links);
  s.takes = 250ms;
  co_await s.serve([&]() -> task<void> {
    crawl_options how = quick();
    how.delay = 100ms;
    how.per_host = 2;
    memory_store store;
    crawler crawl(how, store);
    result_map results;
    co_await crawl_all(crawl, s.url("/"), results);
    EXPECT_EQ(results.size(), 21U);
  });
  EXPECT_EQ(s.most_at_once(), 2U);
  const auto& times = s.times();
  for (std::size_t i = 1; i < times.size(); ++i)
    EXPECT_GE(times[i] - times[i - 1], 100ms - way) << i;
  EXPECT_EQ(times.size(), 22U);
}

EDDY_TEST(crawler, obeys_robots) {
  site s;
  s.answer("/robots.txt", "text/plain",
           "User-agent: testbot\nDisallow: /secret\nCrawl-delay: 2\nSitemap: /map.xml\n");
  s.page("/", "<a href=/secret/a>1</a><a href=/open>2</a>");
  s.page("/open", "x");
  s.page("/secret/a", "x");
  result_map results;
  co_await s.serve([&]() -> task<void> {
    memory_store store;
    crawler crawl(quick(), store);
    const time_point began = now();
    co_await crawl_all(crawl, s.url("/"), results);
    EXPECT_LT(now() - began - 4s, way) << "robots.txt, /, /open: two pauses";
  });
  EXPECT_EQ(results["/secret/a"].outcome, crawl_outcome::excluded);
  EXPECT_EQ(results["/secret/a"].status, 0);
  EXPECT_THAT(s.targets(), ElementsAre("/robots.txt", "/", "/open"));
}

EDDY_TEST(crawler, without_usable_robots_assumes_what_the_standard_says) {
  for (const int status : {404, 503}) {
    site s;
    s.status("/robots.txt", status);
    s.page("/", "x");
    co_await s.serve([&]() -> task<void> {
      memory_store store;
      crawler crawl(quick(), store);
      result_map results;
      co_await crawl_all(crawl, s.url("/"), results);
      EXPECT_EQ(results["/"].outcome,
                status == 404 ? crawl_outcome::page : crawl_outcome::excluded);
      EXPECT_EQ(results["/"].error, status == 404 ? "" : "robots.txt cannot be had: status 503");
      crawl_options rude = quick();
      rude.obey_robots = false;
      memory_store second;
      crawler other(rude, second);
      results.clear();
      co_await crawl_all(other, s.url("/"), results);
      EXPECT_EQ(results["/"].outcome, crawl_outcome::page);
    });
  }
}

EDDY_TEST(crawler, redirects_are_results) {
  site s;
  s.redirect("/", "/one");
  s.redirect("/one", "two#x");
  s.redirect("/two", "/page");
  s.page("/page", "<a href=/loop1>x</a><a href=/out>y</a><a href=/bad>z</a><a href=/r0>w</a>");
  s.redirect("/loop1", "/loop2");
  s.redirect("/loop2", "/loop1");
  s.redirect("/out", "http://other.example/");
  s.redirect("/bad", "http://[");
  for (int i = 0; i < 20; ++i) s.redirect("/r" + std::to_string(i), "/r" + std::to_string(i + 1));
  s.redirect("/robots.txt", "/rules");
  s.answer("/rules", "text/plain", "User-agent: *\nDisallow: /secret");
  result_map results;
  co_await s.serve([&]() -> task<void> {
    memory_store store;
    crawler crawl(quick(), store);
    co_await crawl_all(crawl, s.url("/"), results);
  });
  EXPECT_EQ(results["/"].outcome, crawl_outcome::redirect);
  EXPECT_EQ(results["/"].location, s.url("/one"));
  EXPECT_EQ(results["/page"].entry.redirects, 3U);
  EXPECT_EQ(results["/page"].entry.depth, 0U);
  EXPECT_EQ(results["/loop2"].entry.depth, 1U);
  EXPECT_EQ(results["/out"].location, "http://other.example/");
  EXPECT_EQ(results["/bad"].location, "");
  EXPECT_TRUE(results.contains("/r10"));
  EXPECT_FALSE(results.contains("/r11"));
}

EDDY_TEST(crawler, failures_are_results_and_are_tried_again) {
  site s;
  s.page("/",
         "<a href=/flaky>1</a><a href=/down>2</a><a href=/cut>3</a><a href=/huge>4</a><a "
         "href=/slow>5</a>");
  s.status("/down", 503);
  s.status("/flaky", 500, 1);
  s.page("/flaky", "fine");
  s.cut("/cut");
  s.page("/huge", std::string(100'000, 'x'));
  s.slow("/slow", 60s);
  result_map results;
  co_await s.serve([&]() -> task<void> {
    crawl_options how = quick();
    how.max_body = 50'000;
    how.timeout = 5s;
    memory_store store;
    crawler crawl(how, store);
    co_await crawl_all(crawl, s.url("/"), results);
    EXPECT_EQ(crawl.statistics().failed, 3U);
  });
  EXPECT_EQ(results["/flaky"].outcome, crawl_outcome::page);
  EXPECT_EQ(results["/flaky"].attempts, 2U);
  EXPECT_EQ(results["/down"].outcome, crawl_outcome::http_error);
  EXPECT_EQ(results["/down"].attempts, 3U);
  EXPECT_EQ(results["/cut"].outcome, crawl_outcome::failed);
  EXPECT_EQ(results["/cut"].attempts, 3U);
  EXPECT_EQ(results["/huge"].outcome, crawl_outcome::failed);
  EXPECT_EQ(results["/huge"].attempts, 1U);
  EXPECT_THAT(results["/huge"].error, HasSubstr("larger than 50000 bytes"));
  EXPECT_THAT(results["/slow"].error, HasSubstr("time of 5 s is up"));
}

EDDY_TEST(crawler, waits_as_long_as_a_server_asks_before_it_tries_again) {
  for (const bool as_date : {false, true}) {
    site s;
    s.status("/", 503, 1);
    const auto today =
        std::chrono::floor<std::chrono::seconds>(runtime::loop::current().time_source().calendar());
    const auto date = wire::http1::format_date(today + 20s);
    s.field("/", "Retry-After", as_date ? std::string(date.data(), date.size()) : "20");
    s.page("/", "x");
    co_await s.serve([&]() -> task<void> {
      memory_store store;
      crawler crawl(quick(), store);
      result_map results;
      const time_point began = now();
      co_await crawl_all(crawl, s.url("/"), results);
      EXPECT_EQ(results["/"].outcome, crawl_outcome::page);
      EXPECT_EQ(results["/"].attempts, 2U);
      EXPECT_GE(now() - began, 19s) << as_date;
      EXPECT_LT(now() - began, 25s) << as_date;
    });
  }
}

EDDY_TEST(crawler, private_addresses_are_refused) {
  site s;
  s.page("/", "x");
  co_await s.serve([&]() -> task<void> {
    for (const bool robots : {true, false}) {
      crawl_options how = quick();
      how.allow_private = false;
      how.obey_robots = robots;
      memory_store store;
      crawler crawl(how, store);
      result_map results;
      co_await crawl_all(crawl, s.url("/"), results);
      EXPECT_EQ(results["/"].outcome, robots ? crawl_outcome::excluded : crawl_outcome::failed);
      EXPECT_EQ(results["/"].status, 0);
      EXPECT_THAT(results["/"].error, HasSubstr("the address is not allowed"));
    }
  });
  EXPECT_THAT(s.targets(), IsEmpty());
}

EDDY_TEST(crawler, private_addresses_are_refused_however_they_are_written) {
  site inside(net::address::any_v4(0));
  inside.page("/admin", "secret");
  const std::string port = inside.url("").substr(inside.url("").rfind(':'));
  site outside(*net::address::numeric("93.184.216.34", 0));
  std::string links;
  int number = 0;
  for (const char* const host :
       {"[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "[64:ff9b::7f00:1]", "[::1]",
        "0.0.0.0", "[::]", "2130706433", "0x7f000001", "127.1", "localhost", "169.254.169.254",
        "[fe80::1]", "[fd00::1]", "10.0.0.1"}) {
    const std::string away = "/away" + std::to_string(++number);
    outside.redirect(away, std::string("http://") + host + port + "/admin");
    links += "<a href=" + away + ">x</a>";
  }
  outside.page("/", links);
  std::size_t refused = 0;
  co_await inside.serve([&]() -> task<void> {
    co_await outside.serve([&]() -> task<void> {
      crawl_options how = quick();
      how.allow_private = false;
      how.scope = crawl_scope::any;
      how.obey_robots = false;
      memory_store store;
      crawler crawl(how, store);
      auto take = [&](channel_receiver<crawl_result>& results) -> task<void> {
        while (auto result = co_await results.receive()) {
          if (!result->entry.url.ends_with("/admin")) continue;
          EXPECT_EQ(result->outcome, crawl_outcome::failed) << result->entry.url;
          ++refused;
        }
      };
      std::vector<std::string> urls{outside.url("/")};
      co_await with_crawl(crawl, std::move(urls), take);
    });
  });
  EXPECT_GE(refused, 13U) << "some are one and the same host";
  EXPECT_THAT(inside.targets(), IsEmpty());
}

EDDY_TEST(crawler, no_redirect_leads_to_a_private_address) {
  site inside;
  inside.page("/admin", "secret");
  site outside(*net::address::numeric("93.184.216.34", 0));
  outside.page("/", "<a href='" + inside.url("/admin") + "'>1</a><a href=/away>2</a>");
  outside.redirect("/away", inside.url("/admin"));
  outside.redirect("/robots.txt", inside.url("/robots.txt"));
  result_map results;
  co_await inside.serve([&]() -> task<void> {
    co_await outside.serve([&]() -> task<void> {
      crawl_options how = quick();
      how.allow_private = false;
      how.scope = crawl_scope::any;
      how.obey_robots = false;
      memory_store store;
      crawler crawl(how, store);
      co_await crawl_all(crawl, outside.url("/"), results);
      how.obey_robots = true;
      memory_store second;
      crawler careful(how, second);
      result_map others;
      co_await crawl_all(careful, outside.url("/"), others);
      EXPECT_EQ(others["/"].outcome, crawl_outcome::excluded) << "the rules cannot be had";
    });
  });
  EXPECT_EQ(results["/"].outcome, crawl_outcome::page);
  EXPECT_EQ(results["/away"].outcome, crawl_outcome::redirect);
  EXPECT_EQ(results["/admin"].outcome, crawl_outcome::failed);
  EXPECT_EQ(results["/admin"].attempts, 1U);
  EXPECT_THAT(inside.targets(), IsEmpty());
}

/// Knows every name, and gives one answer after the other; the last one for ever.
class changing_resolver final : public net::resolver {
 public:
  using answer = std::vector<net::address>;
  changing_resolver(std::vector<answer> answers, std::size_t& lookups)
      : answers_(std::move(answers)), lookups_(lookups) {}

  task<std::vector<net::address>> resolve(std::string, std::uint16_t port,
                                          net::resolve_options) override {
    answer addresses = answers_[std::min(lookups_++, answers_.size() - 1)];
    for (net::address& each : addresses) each = *net::address::numeric(each.host(), port);
    co_return addresses;
  }

 private:
  std::vector<answer> answers_;
  std::size_t& lookups_;
};

EDDY_TEST(crawler, a_name_that_changes_its_address_leads_nowhere_private) {
  const auto evil = *net::address::numeric("93.184.216.34", 8080);
  const auto own = net::address::loopback_v4(8080);
  site inside(own);
  inside.page("/admin", "secret");
  site outside(evil);
  outside.page("/", "<a href=/both>1</a><a href=/admin>2</a>");
  outside.page("/both", "still outside");
  std::size_t lookups = 0;
  // For robots.txt, for / and for /both the public address is there; then the name is pointed elsewhere.
  std::vector<changing_resolver::answer> answers{{evil}, {evil}, {own, evil}, {own}};
  net::set_resolver(runtime::loop::current(),
                    std::make_unique<changing_resolver>(std::move(answers), lookups));
  result_map results;
  co_await inside.serve([&]() -> task<void> {
    co_await outside.serve([&]() -> task<void> {
      crawl_options how = quick();
      how.allow_private = false;
      how.delay = 10s;  // longer than connections are kept
      memory_store store;
      crawler crawl(how, store);
      co_await crawl_all(crawl, "http://rebound.example:8080/", results);
    });
  });
  EXPECT_THAT(outside.targets(), ElementsAre("/robots.txt", "/", "/both"));
  EXPECT_THAT(inside.targets(), IsEmpty());
  EXPECT_EQ(results["/both"].page.text, "still outside");
  EXPECT_EQ(results["/admin"].outcome, crawl_outcome::failed);
  EXPECT_EQ(results["/admin"].attempts, 1U);
  EXPECT_THAT(results["/admin"].error, HasSubstr("the address is not allowed"));
  EXPECT_EQ(lookups, 4U) << "what was looked at is what was connected to, without a second lookup";
  net::set_resolver(runtime::loop::current(), nullptr);
}

EDDY_TEST(crawler, nofollow_and_filters_are_respected) {
  site s;
  s.page("/", "<a rel=nofollow href=/1>1</a><a href=/2>2</a><a href=/3.pdf>3</a><a href=/4>4</a>");
  s.page("/2", "<meta name=robots content=nofollow><a href=/5>5</a>");
  s.page("/4", "<a href=/6>6</a>");
  s.field("/4", "X-Robots-Tag", "noindex, nofollow");
  result_map results;
  co_await s.serve([&]() -> task<void> {
    crawl_options how = quick();
    how.filter = [](const crawl_entry& each) { return !each.url.ends_with(".pdf"); };
    memory_store store;
    crawler crawl(how, store);
    co_await crawl_all(crawl, s.url("/"), results);
  });
  EXPECT_EQ(results.size(), 3U);
  EXPECT_TRUE(results["/4"].page.noindex);
}

EDDY_TEST(crawler, reads_sitemaps) {
  site s;
  s.answer("/robots.txt", "text/plain", "Sitemap: " + s.url("/index.xml"));
  s.answer("/index.xml", "application/xml",
           "<sitemapindex><sitemap><loc>" + s.url("/map.txt") + "</loc></sitemap></sitemapindex>");
  s.answer("/map.txt", "text/plain", s.url("/hidden"));
  s.page("/", "x");
  s.page("/hidden", "y");
  result_map results;
  co_await s.serve([&]() -> task<void> {
    crawl_options how = quick();
    how.use_sitemaps = true;
    memory_store store;
    crawler crawl(how, store);
    co_await crawl_all(crawl, s.url("/"), results);
  });
  EXPECT_EQ(results["/hidden"].page.text, "y");
  EXPECT_EQ(results["/hidden"].entry.depth, 0U);
}

EDDY_TEST(crawler, reads_sitemaps_also_when_it_stopped_before_them) {
  site s;
  s.answer("/robots.txt", "text/plain", "Sitemap: " + s.url("/map.txt"));
  s.answer("/map.txt", "text/plain", s.url("/hidden"));
  s.page("/", "x");
  s.page("/hidden", "y");
  result_map results;
  co_await s.serve([&]() -> task<void> {
    crawl_options how = quick();
    how.use_sitemaps = true;
    how.max_pages = 1;
    memory_store store;
    crawler first(how, store);
    co_await crawl_all(first, s.url("/"), results);
    EXPECT_EQ(results.size(), 1U);
    how.max_pages = 100;
    crawler second(how, store);
    co_await crawl_all(second, s.url("/"), results);
    EXPECT_EQ(second.statistics().requests, 3U) << "the rules, the map, the page";
    crawler third(how, store);
    result_map none;
    co_await crawl_all(third, s.url("/"), none);
    EXPECT_THAT(none, IsEmpty());
  });
  EXPECT_EQ(results["/hidden"].page.text, "y");
}

EDDY_TEST(crawler, decodes_what_pages_say_they_are) {
  site s;
  s.page("/", "<a href=/1>1</a><a href=/2>2</a><a href=/3>3</a><a href=/4>4</a>");
  s.answer("/1", "text/html; charset=iso-8859-1", "<title>gr\xFC\xDF</title>");
  s.answer("/2", "text/html", "<meta charset=shift_jis><title>\x93\xFA\x96{</title>");
  s.answer("/3", "text/plain", "plain \xFF <b>");
  s.answer("/4", "image/png", std::string(200'000, '\x89'));
  result_map results;
  co_await s.serve([&]() -> task<void> {
    crawl_options how = quick();
    how.keep_body = true;
    memory_store store;
    crawler crawl(how, store);
    co_await crawl_all(crawl, s.url("/"), results);
  });
  EXPECT_EQ(results["/1"].page.title, "grüß");
  EXPECT_EQ(results["/1"].body, "<title>gr\xFC\xDF</title>");
  EXPECT_EQ(results["/2"].page.title, "日本");
  EXPECT_EQ(results["/3"].page.text, "plain ÿ <b>");
  EXPECT_EQ(results["/4"].outcome, crawl_outcome::page);
  EXPECT_LT(results["/4"].bytes, 200'000U) << "nobody needs it";
}

EDDY_TEST(crawler, waits_for_its_consumer_and_ends_with_it) {
  site s;
  std::string links;
  for (int i = 0; i < 100; ++i) {
    s.page("/" + std::to_string(i), "page");
    links += "<a href=/" + std::to_string(i) + ">x</a>";
  }
  s.page("/", links);
  co_await s.serve([&]() -> task<void> {
    crawl_options how = quick();
    how.max_results = 4;
    how.concurrency = 2;
    memory_store store;
    crawler crawl(how, store);
    auto take_one = [&](channel_receiver<crawl_result>& results) -> task<void> {
      const auto first = co_await results.receive();
      EXPECT_TRUE(first.has_value());
      co_await sleep(1h);
      EXPECT_EQ(crawl.statistics().finished, 1U + 4U + 2U);
    };
    std::vector<std::string> urls{s.url("/")};
    co_await with_crawl(crawl, std::move(urls), take_one);
  });
  EXPECT_EQ(s.targets().size(), 8U);
}

/// Fails when the third result is to be kept.
class full_store final : public crawl_store {
 public:
  task<crawl_state> load() override { co_return crawl_state(); }
  task<void> finish(const crawl_result&, std::span<const crawl_entry>) override {
    if (++kept_ == 3) throw_error(std::make_error_code(std::errc::no_space_on_device), "store");
    co_return;
  }

 private:
  int kept_ = 0;
};

EDDY_TEST(crawler, a_store_that_fails_ends_the_crawl) {
  site s;
  for (int i = 0; i < 10; ++i) {
    s.page("/" + std::to_string(i), "<a href=/" + std::to_string(i + 1) + ">next</a>");
  }
  co_await s.serve([&]() -> task<void> {
    full_store store;
    crawler crawl(quick(), store);
    result_map results;
    const auto ended = co_await as_result(crawl_all(crawl, s.url("/0"), results));
    EXPECT_TRUE(ended.has_error());
    EXPECT_EQ(results.size(), 2U) << "what was not kept is not handed out";
  });
}

EDDY_TEST(crawler, refuses_what_cannot_work) {
  memory_store store;
  crawl_options how = quick();
  how.concurrency = 0;
  EXPECT_THROW(crawler(how, store), error);
  how = quick();
  how.user_agent.clear();
  EXPECT_THROW(crawler(how, store), error);
  crawler crawl(quick(), store);
  result_map results;
  const auto ended = co_await as_result(crawl_all(crawl, "ftp://x/", results));
  EXPECT_TRUE(ended.has_error());
}

EDDY_TEST(crawler, can_be_cancelled_at_any_time_and_goes_on_from_what_was_kept) {
  site s;
  std::string links;
  for (int i = 0; i < 30; ++i) {
    s.page("/" + std::to_string(i), "page");
    links += "<a href=/" + std::to_string(i) + ">x</a>";
  }
  s.page("/", links);
  s.takes = 10ms;
  co_await s.serve([&]() -> task<void> {
    memory_store store;
    std::size_t kept = 0;
    for (int run = 0; run < 100; ++run) {
      crawl_options how = quick();
      how.concurrency = 3;
      crawler crawl(how, store);
      result_map results;
      const bool ended = co_await move_on_after(25ms, crawl_all(crawl, s.url("/"), results));
      EXPECT_GE(crawl.statistics().finished, kept);
      kept = crawl.statistics().finished;
      if (ended) break;
    }
    EXPECT_EQ(kept, 31U);
  });
}

}  // namespace
}  // namespace eddy::scrape
