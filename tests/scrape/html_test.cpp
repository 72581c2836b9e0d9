#include <eddy/scrape/html.hpp>

#include "html_tree.hpp"

#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <eddy/base/error.hpp>

namespace eddy::scrape {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

html_page parse(std::string_view text, const html_limits& limits = {}) {
  return parse_html(text, *web_url::parse("http://example.org/a/b"), limits);
}

std::vector<std::string> links_of(std::string_view text) {
  std::vector<std::string> urls;
  for (const html_link& link : parse(text).links) urls.push_back(link.url);
  return urls;
}

TEST(html, has_a_title) {
  struct row {
    std::string_view text;
    std::string_view title;
  };
  for (const row& each : {
           row{"<title> A\n  title &amp; more </title>", "A title & more"},
           {"<TITLE>x</TITLE><title>y</title>", "x"},
           {"<title></title><title>y</title>", "y"},
           {"<body><title>late</title>", "late"},
           {"<svg><title>picture</title></svg><p>x", ""},
           {"<title>not closed", "not closed"},
           {"<title><b>raw</b></title>", "<b>raw</b>"},
           {"", ""},
       }) {
    EXPECT_EQ(parse(each.text).title, each.title) << each.text;
  }
  EXPECT_LE(parse("<title>" + std::string(10'000, 'x')).title.size(), 1000U);
}

TEST(html, text_is_what_a_reader_sees) {
  struct row {
    std::string_view text;
    std::string_view seen;
  };
  for (const row& each : {
           row{"<p>a  b\n c</p><p>d</p>", "a b c\nd"},
           {"a<br>b<br/>c", "a\nb\nc"},
           {"a<b>b</b>c <i> d </i> e", "abc d e"},
           {"<div>a<div>b</div>c</div>d", "a\nb\nc\nd"},
           {"<ul><li>a<li>b</ul>", "a\nb"},
           {"<table><tr><td>a<td>b<tr><th>c</th><td>d</td></table>e", "a\tb\nc\td\ne"},
           {"x<script>var a = '<p>no</p>';</script><style>p{}</style>y", "xy"},
           {"<body><noscript><p>no</p></noscript><template>no</template><p>yes", "yes"},
           {"<p hidden>no</p><p>yes", "yes"},
           {"<head><title>no</title></head>yes", "yes"},
           {"<pre>a\n  b\n</pre>c", "a\n  b\n\nc"},
           {"<textarea> a  b</textarea>", " a  b"},
           {"a&nbsp;&nbsp;b", "a b"},
           {"<!-- no -->yes<!--", "yes"},
           {"&lt;p&gt; &euro; &#x41; &bogus;", "<p> € A &bogus;"},
           {"<p>a<p></p><p> </p>b", "a\nb"},
           {"<h1>T</h1>t<hr>u", "T\nt\nu"},
           {"<select><option>a<option>b</select>", "a\nb"},
           {"a</p></div></b>b", "a\nb"},
           {"<b><p>a</b>b</p>c", "ab\nc"},
           {"<table>a<tr><td>b</table>", "a\nb"},
           {"<svg><text>no</text></svg>yes", "yes"},
       }) {
    EXPECT_EQ(parse(each.text).text, each.seen) << each.text;
  }
  html_limits small;
  small.max_text = 4;
  EXPECT_EQ(parse("abü€", small).text, "abü");
}

TEST(html, links_are_absolute_and_each_stands_once) {
  EXPECT_THAT(links_of("<a href=c>1</a><a href='/d#x'>2</a><A HREF=\"c#y\">3</A><area href=../e>"
                       "<a href='  https://Other.example  '>4</a>"),
              ElementsAre("http://example.org/a/c", "http://example.org/d", "http://example.org/e",
                          "https://other.example/"));
  EXPECT_THAT(
      links_of("<a href='#top'>1</a><a name=x>2</a><a href='javascript:x()'>3</a>"
               "<a href='mailto:a@b'>4</a><a href='ftp://x/'>5</a><a href='http://u@h/'>6</a>"
               "<a href='http://'>7</a><a href='tel:1'>8</a>"),
      IsEmpty());
  EXPECT_THAT(links_of("<a href='?p=1&amp;q=2'>1</a><a href=''>self</a>"),
              ElementsAre("http://example.org/a/b?p=1&q=2", "http://example.org/a/b"));
  EXPECT_THAT(links_of("<link rel='NEXT stylesheet' href=2><link rel=stylesheet href=x.css>"
                       "<frameset><frame src=f></frameset>"),
              ElementsAre("http://example.org/a/2", "http://example.org/a/f"));
  EXPECT_THAT(links_of("<iframe src=i></iframe><meta http-equiv=Refresh content=\"5; URL='r'\">"),
              ElementsAre("http://example.org/a/i", "http://example.org/a/r"));
  EXPECT_THAT(links_of("<a href='a b'>1</a><a href='a\tb\n'>2</a><a href='\xC3\xBC'>3</a>"),
              ElementsAre("http://example.org/a/a%20b", "http://example.org/a/ab",
                          "http://example.org/a/%C3%BC"));
}

TEST(html, the_first_base_counts) {
  EXPECT_THAT(links_of("<base target=_top><base href=/x/><base href=/y/><a href=c>1</a>"),
              ElementsAre("http://example.org/x/c"));
  EXPECT_THAT(links_of("<base href='https://other.example/z/'><a href=c>1</a>"),
              ElementsAre("https://other.example/z/c"));
  EXPECT_THAT(links_of("<base href='javascript:1'><a href=c>1</a>"),
              ElementsAre("http://example.org/a/c"));
}

TEST(html, nofollow_is_kept_when_every_link_has_it) {
  const auto page =
      parse("<a rel='ext NoFollow' href=a>1</a><a rel=nofollow href=b>2</a><a href=b>3</a>");
  ASSERT_EQ(page.links.size(), 2U);
  EXPECT_TRUE(page.links[0].nofollow);
  EXPECT_FALSE(page.links[1].nofollow);
  EXPECT_FALSE(page.nofollow);
}

TEST(html, metadata_is_collected) {
  const auto page = parse(
      "<html lang=de><meta name=Description content=' A page '><meta property=og:title content=T>"
      "<meta name=robots content='NOINDEX,nofollow'><link rel=canonical href=/c#x>"
      "<link rel=canonical href=/d><meta charset=utf-8><meta name=x>");
  EXPECT_EQ(page.language, "de");
  EXPECT_EQ(page.meta_value("description"), "A page");
  EXPECT_EQ(page.meta_value("nothing"), "");
  EXPECT_THAT(page.meta, ElementsAre(Pair("description", "A page"), Pair("og:title", "T"),
                                     Pair("robots", "NOINDEX,nofollow"), Pair("x", "")));
  EXPECT_TRUE(page.noindex);
  EXPECT_TRUE(page.nofollow);
  EXPECT_EQ(page.canonical, "http://example.org/c");
  EXPECT_TRUE(parse("<meta name=robots content=none>").nofollow);
  EXPECT_FALSE(parse("<meta name=robots content='index, follow'>").noindex);
  EXPECT_TRUE(parse_robots_words("googlebot: x, noindex").noindex);
}

std::string repeated(std::string_view piece, std::size_t count) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i) out += piece;
  return out;
}

TEST(html, pages_made_to_exhaust_the_reader_do_not) {
  for (const std::string_view piece :
       {"<div>", "<a href=x>", "<b><p>", "<font color=1><p>", "<table><tr><td>", "<svg><g>",
        "<li><ul>", "<div></x>", "<svg/><div/>", "<button>", "<", "<!--", "<a <b <c", "&amp",
        "</p>", "<option><select>", "<path/></p>", "<template>", "<frameset>"}) {
    const auto page = parse(repeated(piece, 300'000 / piece.size()));
    EXPECT_LE(page.links.size(), 10'000U) << piece;
  }
  std::string fonts = "<div>";
  for (int i = 0; i < 900; ++i) fonts += "<font size=" + std::to_string(i) + ">";
  html_limits small;
  small.max_memory = 16 << 20;
  try {
    static_cast<void>(parse(fonts + "</div>" + repeated("<p>x</p>", 10'000), small));
    ADD_FAILURE() << "900 elements are opened again in each of 10000 paragraphs";
  } catch (const error& e) {
    EXPECT_TRUE(e == errc::limit_exceeded);
  }
}

TEST(html, depth_is_estimated_from_above) {
  const auto kept = [](std::string_view text) { return detail::up_to_depth(text, 3).size(); };
  for (const std::string_view whole :
       {"<a><b><c></c></b></a><d>", "<p><p><p><p><p>", "<br><br><br><br>",
        "<script>if (a<b && c<d && e<f && g<h) x</script><i>", "<!-- <a><b><c><d> -->",
        "<svg><path/><path/><path/><path/></svg>", "a < b < c < d < e",
        "<title><a><b><c><d></title>", "<li><li><li><li>", "</a></a><a><b><c>"}) {
    EXPECT_EQ(kept(whole), whole.size()) << whole;
  }
  EXPECT_EQ(kept("<a><b><c><d>"), 9U);
  EXPECT_EQ(kept("<div/><div/><div/><div/>"), 18U);
  EXPECT_EQ(kept("<svg><p><g/><g/><g/>"), 16U);
  EXPECT_EQ(kept("<a></b><a></b><a></b><a>"), 21U);
}

}  // namespace
}  // namespace eddy::scrape
