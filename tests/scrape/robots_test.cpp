#include <eddy/scrape/robots.hpp>

#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace eddy::scrape {
namespace {

using namespace std::chrono_literals;

TEST(robots, the_longest_pattern_decides) {
  struct row {
    std::string_view rules;
    std::string_view target;
    bool allowed;
  };
  for (const row& each : {
           row{"", "/", true},
           {"Disallow: /", "/", false},
           {"Disallow:", "/a", true},
           {"Disallow: /a", "/a", false},
           {"Disallow: /a", "/abc", false},
           {"Disallow: /a", "/A", true},
           {"Disallow: /a/", "/a", true},
           {"Disallow: /a\nAllow: /a/b", "/a/b/c", true},
           {"Allow: /a/b\nDisallow: /a", "/a/c", false},
           {"Disallow: /a\nAllow: /a", "/a", true},
           {"Allow: /a\nDisallow: /a", "/a", true},
           {"Disallow: /*.gif$", "/x/y.gif", false},
           {"Disallow: /*.gif$", "/x/y.gif?z", true},
           {"Disallow: /*.gif", "/x/y.gif?z", false},
           {"Disallow: /a$", "/a", false},
           {"Disallow: /a$", "/ab", true},
           {"Disallow: *", "/a", false},
           {"Disallow: /*/*/c", "/a/b/c", false},
           {"Disallow: /*/*/c", "/a/c", true},
           {"Disallow: /a*b*c$", "/axbxcxc", false},
           {"Disallow: /a*b*c$", "/axbxcx", true},
           {"Disallow: /***a", "/xa", false},
           {"Disallow: /*?", "/x?y", false},
           {"Disallow: /*?", "/x", true},
           {"Disallow: /%7Ea", "/~a", false},
           {"Disallow: /~a", "/%7ea", false},
           {"Disallow: /gr\xC3\xBC", "/gr%c3%bc", false},
           {"Disallow: /a%2fb", "/a/b", true},
           {"Disallow: /a%2fb", "/a%2Fb", false},
           {"Disallow: /a%2Ab", "/a*b", false},
           {"Disallow: /a%2Ab", "/axb", true},
           {"Disallow: /a$b", "/a$b", false},
           {"Disallow: private", "/private", false},
           {"Disallow: /100%", "/100%", false},
           {"Disallow: /\nAllow: /$", "/", true},
           {"Disallow: /\nAllow: /$", "/x", false},
           {"Disallow: /", "/robots.txt", true},
           {"disallow : /a # no", "/a", false},
           {"DISALLOW:/a", "/a", false},
           {"Disallow /a", "/a", true},
           {"Noindex: /a", "/a", true},
       }) {
    const auto rules = robots_rules::parse("User-agent: *\n" + std::string(each.rules), "bot");
    EXPECT_EQ(rules.allows(each.target), each.allowed) << each.rules << " for " << each.target;
  }
}

TEST(robots, groups_that_name_the_crawler_are_one_and_take_the_place_of_the_others) {
  constexpr std::string_view text =
      "\xEF\xBB\xBF# a comment\r\n"
      "User-agent: other\rDisallow: /other\r"
      "User-Agent: MyBot/2.0\n"
      "User-agent: second\n"
      "\n"
      "Disallow: /a\n"
      "Sitemap: https://example.org/map.xml\n"
      "Disallow: /b\n"
      "User-agent: *\n"
      "Disallow: /c\n"
      "user-agent: mybot\n"
      "Disallow: /d\n";
  const auto mine = robots_rules::parse(text, "mybot/1.0 (+https://example.org)");
  for (const char* const forbidden : {"/a", "/b", "/d"}) EXPECT_FALSE(mine.allows(forbidden));
  for (const char* const allowed : {"/c", "/other", "/"}) EXPECT_TRUE(mine.allows(allowed));
  const auto second = robots_rules::parse(text, "Second");
  EXPECT_FALSE(second.allows("/b"));
  EXPECT_TRUE(second.allows("/d"));
  const auto anybody = robots_rules::parse(text, "mybots");
  EXPECT_FALSE(anybody.allows("/c"));
  EXPECT_TRUE(anybody.allows("/a"));
  EXPECT_EQ(anybody.sitemaps(), std::vector<std::string>{"https://example.org/map.xml"});
}

TEST(robots, rules_without_a_group_belong_to_nobody) {
  EXPECT_TRUE(robots_rules::parse("Disallow: /", "bot").allows("/a"));
  const auto empty_group =
      robots_rules::parse("User-agent: bot\n\nUser-agent: *\nDisallow: /", "bot");
  EXPECT_FALSE(empty_group.allows("/a")) << "both lines begin the same group";
  const auto free =
      robots_rules::parse("User-agent: bot\nDisallow:\nUser-agent: *\nDisallow: /", "bot");
  EXPECT_TRUE(free.allows("/a"));
}

TEST(robots, a_delay_is_read) {
  const auto delay = [](std::string_view value) {
    return robots_rules::parse("User-agent: *\nCrawl-delay: " + std::string(value), "bot")
        .crawl_delay();
  };
  EXPECT_EQ(delay("2"), 2s);
  EXPECT_EQ(delay("0.5 # s"), 500ms);
  EXPECT_EQ(delay("0"), 0s);
  EXPECT_EQ(delay("1e9"), 24h);
  for (const char* const wrong : {"", "-1", "soon", "nan", "inf"})
    EXPECT_EQ(delay(wrong), std::nullopt);
}

TEST(robots, answers_without_a_file_mean_something) {
  EXPECT_TRUE(robots_rules().allows("/"));
  EXPECT_FALSE(robots_rules::disallow_all().allows("/"));
  for (const int status : {400, 401, 403, 404, 410, 429}) {
    EXPECT_TRUE(robots_rules::for_status(status).allows("/a")) << status;
  }
  for (const int status : {0, 500, 503, 304}) {
    EXPECT_FALSE(robots_rules::for_status(status).allows("/a")) << status;
  }
}

TEST(robots, only_so_much_is_read) {
  std::string text = "User-agent: *\nDisallow: /a\n";
  text.resize(robots_rules::max_size, '\n');
  text += "Disallow: /b\n";
  const auto rules = robots_rules::parse(text, "bot");
  EXPECT_FALSE(rules.allows("/a"));
  EXPECT_TRUE(rules.allows("/b"));
  std::string maps;
  for (int i = 0; i < 200; ++i) maps += "Sitemap: https://example.org/" + std::to_string(i) + "\n";
  EXPECT_EQ(robots_rules::parse(maps, "bot").sitemaps().size(), 100U);
}

}  // namespace
}  // namespace eddy::scrape
