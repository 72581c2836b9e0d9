#include "frontier.hpp"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include <eddy/scrape/web_url.hpp>

namespace eddy::scrape::detail {
namespace {

using namespace std::chrono_literals;

constexpr time_point start{};

bool add(frontier& f, const std::string& url) {
  crawl_entry entry;
  entry.url = url;
  return f.add(std::move(entry), web_url::parse(url)->origin());
}

/// "robots http://a", "page http://a/1", "excluded ..." or "nothing".
std::string take(frontier& f, time_point now) {
  const auto work = f.take(now);
  if (!work) return "nothing";
  switch (work->what) {
    case frontier_work::kind::robots: return "robots " + work->origin;
    case frontier_work::kind::page: return "page " + work->entry.url;
    case frontier_work::kind::excluded: return "excluded " + work->entry.url;
  }
  return "?";
}

TEST(frontier, asks_each_host_once_in_each_pause) {
  frontier f({100, 2, 1s}, false);
  for (const char* const url : {"http://a/1", "http://a/2", "http://a/3", "http://b/1"}) {
    EXPECT_TRUE(add(f, url));
  }
  EXPECT_EQ(take(f, start), "page http://a/1");
  EXPECT_EQ(take(f, start), "page http://b/1");
  EXPECT_EQ(take(f, start), "nothing");
  EXPECT_EQ(f.next_time(), start + 1s);
  EXPECT_EQ(take(f, start + 999ms), "nothing");
  EXPECT_EQ(take(f, start + 1s), "page http://a/2");
  EXPECT_EQ(f.next_time(), never) << "two are under way";
  EXPECT_EQ(take(f, start + 10s), "nothing");
  f.release("http://a");
  EXPECT_EQ(take(f, start + 10s), "page http://a/3");
  EXPECT_EQ(f.active(), 3U);
  EXPECT_EQ(f.waiting(), 0U);
}

TEST(frontier, knows_every_url_once_and_has_a_bound) {
  frontier f({2, 1, 0s}, false);
  f.know("http://a/0");
  EXPECT_FALSE(add(f, "http://a/0"));
  EXPECT_TRUE(add(f, "http://a/1"));
  EXPECT_FALSE(add(f, "http://a/1"));
  EXPECT_TRUE(add(f, "http://a/2"));
  EXPECT_FALSE(add(f, "http://a/3"));
  EXPECT_EQ(f.dropped(), 1U);
  EXPECT_EQ(take(f, start), "page http://a/1");
  EXPECT_FALSE(add(f, "http://a/1")) << "also while it is fetched";
  EXPECT_TRUE(add(f, "http://a/3")) << "dropped ones are not known";
}

TEST(frontier, asks_for_the_rules_first_and_obeys_them) {
  frontier f({100, 4, 1s}, true);
  add(f, "http://a/1");
  add(f, "http://a/secret");
  add(f, "http://a/2");
  EXPECT_EQ(take(f, start), "robots http://a");
  EXPECT_EQ(take(f, start + 100s), "nothing") << "while they are not known";
  f.robots_known("http://a", robots_rules::parse("User-agent: *\nDisallow: /secret", "bot"), 3s,
                 "why");
  EXPECT_EQ(take(f, start + 2999ms), "nothing") << "the request for the rules counts";
  EXPECT_EQ(take(f, start + 3s), "page http://a/1");
  f.release("http://a");
  EXPECT_EQ(take(f, start + 6s), "excluded http://a/secret");
  EXPECT_EQ(take(f, start + 6s), "page http://a/2") << "what is excluded costs no pause";
}

TEST(frontier, further_requests_keep_the_pace) {
  frontier f({100, 4, 1s}, false);
  add(f, "http://a/1");
  add(f, "http://a/2");
  EXPECT_EQ(take(f, start), "page http://a/1");
  EXPECT_EQ(f.pace("http://a", start + 500ms), start + 1s);
  EXPECT_EQ(f.pace("http://a", start + 500ms), start + 2s);
  EXPECT_EQ(f.next_time(), start + 3s);
  EXPECT_EQ(f.pace("http://b", start + 500ms), start + 500ms);
  EXPECT_EQ(f.hosts(), 2U);
}

TEST(frontier, hosts_take_turns) {
  frontier f({100, 10, 0s}, false);
  for (const char* const url :
       {"http://a/1", "http://a/2", "http://b/1", "http://b/2", "http://c/1"})
    add(f, url);
  std::string order;
  for (int i = 0; i < 5; ++i) order += take(f, start + i * 1ms).substr(12) + " ";
  EXPECT_EQ(order, "a/1 b/1 c/1 a/2 b/2 ");
}

}  // namespace
}  // namespace eddy::scrape::detail
