// The code of the chapter on crawling: a small site and a crawler in one virtual run.
#include "expect.hpp"

#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

#include <eddy/coro/handle.hpp>
#include <eddy/coro/result.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/http/server.hpp>
#include <eddy/scrape/crawler.hpp>
#include <eddy/scrape/encoding.hpp>
#include <eddy/scrape/html.hpp>
#include <eddy/scrape/robots.hpp>
#include <eddy/scrape/sitemap.hpp>
#include <eddy/scrape/web_url.hpp>
#include <eddy/testing/virtual_run.hpp>

// [crawl]
namespace scrape = eddy::scrape;
using namespace std::chrono_literals;

eddy::task<std::vector<std::string>> titles(std::string start, scrape::crawl_store& store) {
  scrape::crawl_options how;
  how.user_agent = "examplebot/1.0 (+https://example.org/bot)";
  how.max_depth = 3;
  how.allow_private = true;  // the site of this example stands on this machine
  scrape::crawler crawl(how, store);

  std::vector<std::string> found;
  auto collect = [&](eddy::channel_receiver<scrape::crawl_result>& results) -> eddy::task<void> {
    while (auto result = co_await results.receive()) {
      if (result->outcome == scrape::crawl_outcome::page) found.push_back(result->page.title);
    }
  };
  std::vector<std::string> urls{start};
  co_await scrape::with_crawl(crawl, urls, collect);
  co_return found;
}
// [/crawl]

// [parsers]
void read_page(const std::string& body, const std::string& content_type) {
  const auto url = scrape::web_url::parse("http://example.org/docs/");
  const std::string text = scrape::to_utf8(body, scrape::detect_encoding(body, content_type));
  const scrape::html_page page = scrape::parse_html(text, *url);
  expect(page.title == "Prices" && page.text == "Tea\t3 €");
  expect(page.links.at(0).url == "http://example.org/docs/more");

  const auto rules = scrape::robots_rules::parse("User-agent: *\nDisallow: /*.pdf$", "examplebot");
  expect(rules.allows("/a.html") && !rules.allows("/a.pdf"));

  const auto map =
      scrape::parse_sitemap("<urlset><url><loc>http://example.org/</loc></url></urlset>");
  expect(map && map->entries.at(0).url == "http://example.org/");
}
// [/parsers]

// [files]
eddy::task<void> crawl_into(std::string file, std::string start) {
  const auto store = co_await scrape::open_store(std::move(file));  // .jsonl, or .db for SQLite
  const auto found = co_await titles(std::move(start), *store);
  std::printf("%zu new pages\n", found.size());
}
// [/files]

eddy::task<void> everything() {
  eddy::http::server site;
  const std::string link = "<a href=/next>next</a>";
  site.get("/", [link](eddy::http::request&) {
    return eddy::http::response::html("<title>Home</title>" + link);
  });
  site.get("/next",
           [](eddy::http::request&) { return eddy::http::response::html("<title>Next</title>"); });
  auto serving = eddy::spawn(site.listen_and_serve("127.0.0.1", 8000));
  co_await eddy::sleep(1s);

  scrape::memory_store store;
  const auto found = co_await titles("http://127.0.0.1:8000/", store);
  expect(found == std::vector<std::string>({"Home", "Next"}));
  const auto again = co_await titles("http://127.0.0.1:8000/", store);
  expect(again.empty());

  read_page("<title>Prices</title><table><tr><td>Tea<td>3 \x80</table><p><a href=more></a>",
            "text/html");
  serving.cancel();
  const auto ended = co_await eddy::as_result(serving);
  expect(!ended.has_value());
}

int main() { eddy::testing::run_virtual(everything()); }
