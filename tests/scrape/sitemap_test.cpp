#include <eddy/scrape/sitemap.hpp>

#include <string>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <eddy/http/content_coding.hpp>

namespace eddy::scrape {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> urls_of(const std::optional<sitemap>& map) {
  std::vector<std::string> urls;
  if (map) {
    for (const sitemap_entry& entry : map->entries) urls.push_back(entry.url);
  }
  return urls;
}

std::string gzipped(std::string_view text) {
  return http::encode_whole(http::content_coding::gzip, text);
}

constexpr std::string_view usual =
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
    "<urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\"\n"
    "  xmlns:image=\"http://www.google.com/schemas/sitemap-image/1.1\">\n"
    " <url><loc> http://example.org/?a=1&amp;b=2 </loc><lastmod>2024-05-01</lastmod>\n"
    "  <image:image><image:loc>http://example.org/i.png</image:loc></image:image></url>\n"
    " <!-- <url><loc>http://example.org/hidden</loc></url> -->\n"
    " <url><loc><![CDATA[http://example.org/c&d]]></loc><priority>0.5</priority></url>\n"
    " <url><lastmod>2024</lastmod></url>\n"
    " <url><loc>http://example.org/&#x41;&#66;&#xFC;&nbsp;</loc></url>\n"
    "</urlset>";

TEST(sitemap, lists_pages) {
  const auto map = parse_sitemap(usual);
  ASSERT_TRUE(map);
  EXPECT_FALSE(map->is_index);
  EXPECT_THAT(urls_of(map), ElementsAre("http://example.org/?a=1&b=2", "http://example.org/c&d",
                                        "http://example.org/ABü&nbsp;"));
  EXPECT_EQ(map->entries[0].last_modified, "2024-05-01");
  EXPECT_EQ(map->entries[1].last_modified, "");
}

TEST(sitemap, lists_sitemaps_with_any_prefix) {
  const auto map = parse_sitemap(
      "<!DOCTYPE x><sm:sitemapindex "
      "xmlns:sm='x'><sm:sitemap><sm:loc>http://a/1.xml.gz</sm:loc></sm:sitemap>"
      "<sitemap><loc>http://a/other-namespace</loc></sitemap></sm:sitemapindex>");
  ASSERT_TRUE(map);
  EXPECT_TRUE(map->is_index);
  EXPECT_THAT(urls_of(map), ElementsAre("http://a/1.xml.gz"));
}

TEST(sitemap, is_unpacked) {
  EXPECT_EQ(urls_of(parse_sitemap(gzipped(usual))).size(), 3U);
  const std::string packed = gzipped(std::string(usual) + std::string(10'000, 'x'));
  EXPECT_EQ(urls_of(parse_sitemap(packed.substr(0, packed.size() - 4))).size(), 3U) << "cut short";
  EXPECT_FALSE(parse_sitemap("\x1F\x8Bnonsense"));
  sitemap_limits small;
  small.max_size = 400;
  const std::string bomb = gzipped(std::string(usual) + std::string(50'000'000, ' '));
  EXPECT_LE(urls_of(parse_sitemap(bomb, small)).size(), 1U);
}

TEST(sitemap, may_be_plain_text) {
  EXPECT_THAT(urls_of(parse_sitemap("\xEF\xBB\xBFhttp://a/1\r\n\r\n https://a/2 \nhttp://a/3")),
              ElementsAre("http://a/1", "https://a/2", "http://a/3"));
  EXPECT_FALSE(parse_sitemap("Hello, world"));
  EXPECT_FALSE(parse_sitemap(""));
  EXPECT_FALSE(parse_sitemap(" \n"));
}

TEST(sitemap, that_is_broken_gives_what_came_before) {
  for (const std::string_view rest :
       {"", "<", "<url", "<url><loc>http://a/2", "<!-- ", "<![CDATA[", "<?", "</urlset",
        "<url/><loc/>", "</url></url></loc>", "<url></loc>"}) {
    const auto map = parse_sitemap("<urlset><url><loc>http://a/1</loc></url>" + std::string(rest));
    EXPECT_THAT(urls_of(map), ElementsAre("http://a/1")) << rest;
  }
  for (const std::string_view other :
       {"<html><body>", "<rss><channel>", "<", "<!-- x", "</urlset>"}) {
    EXPECT_FALSE(parse_sitemap(other)) << other;
  }
}

TEST(sitemap, keeps_its_limits) {
  std::string many = "<urlset>";
  for (int i = 0; i < 100; ++i) many += "<url><loc>http://a/" + std::to_string(i) + "</loc></url>";
  sitemap_limits limits;
  limits.max_entries = 10;
  EXPECT_EQ(urls_of(parse_sitemap(many, limits)).size(), 10U);
  const auto large =
      parse_sitemap("<urlset><url><loc>" + std::string(1'000'000, 'x') + "</loc></url>");
  ASSERT_TRUE(large);
  EXPECT_LE(large->entries[0].url.size(), 8192U);
}

}  // namespace
}  // namespace eddy::scrape
