// `eddy crawl` as its users meet it: a process, over a site of thousands of pages, killed and started again.
#include "generated_site.hpp"
#include "sanitizers.hpp"
#include "scratch_folder.hpp"
#include "service/programs.hpp"

#include <chrono>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <boost/json/parse.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

namespace command::testing {
namespace {

using namespace std::chrono_literals;
using ::service::testing::child_process;
using ::testing::HasSubstr;

#ifdef EDDY_HAS_SANITIZER
constexpr bool slow_build = true;
#else
constexpr bool slow_build = false;
#endif
constexpr std::size_t many_pages = slow_build ? 1000 : 10'000;
constexpr std::size_t fewer_pages = slow_build ? 300 : 2000;
constexpr auto delay = 3ms;
constexpr std::size_t per_host = 2;
constexpr std::size_t concurrency = 16;

std::vector<std::string> crawl_command(const generated_site& site, const std::string& out) {
  std::vector<std::string> words{EDDY_PROGRAM, "crawl", "--allow-private", "--out", out};
  words.push_back("--max-body=" + std::to_string(generated_site::too_large));
  for (const char* const more : {"--delay=0.003", "--per-host=2", "--concurrency=16"}) {
    words.push_back(more);
  }
  for (const std::string& url : site.start()) words.push_back(url);
  return words;
}

/// What becomes of each kind of page. Bytes that are no characters have become some: the record could not be read else.
void expect_outcome(const generated_site& site, const std::string& url,
                    const boost::json::value& record) {
  const std::size_t number_at = url.rfind('/') + 1;
  const std::size_t kind_at = url.rfind('/', number_at - 2) + 1;
  const std::string kind = url.substr(kind_at, number_at - 1 - kind_at);
  const std::size_t number = std::stoul(url.substr(number_at));
  std::string outcome = "redirect";
  int status = 302;
  if (kind == "page" || kind == "missing" || kind == "secret") {
    outcome = kind == "page" ? "page" : kind == "missing" ? "http_error" : "excluded";
    status = kind == "page" ? 200 : kind == "missing" ? 404 : 0;
  }
  const bool too_large = kind == "page" && site.is_too_large(number);
  if (too_large) {
    EXPECT_THAT(std::string(record.at("error").as_string()), HasSubstr("larger than 1000000"));
    outcome = "failed";
  } else if (kind == "page") {
    EXPECT_EQ(record.at("title").as_string(), "Page " + std::to_string(number));
  }
  EXPECT_EQ(record.at("outcome").as_string(), outcome) << url;
  if (!too_large) {
    EXPECT_EQ(record.at("status").to_number<int>(), status) << url;
  }
}

/// URLs that have a result in a file of JSON lines; each may be there once.
std::set<std::string> finished_in_lines(const generated_site& site, const std::string& path) {
  std::set<std::string> urls;
  std::ifstream in(path);
  for (std::string line; std::getline(in, line) && !in.eof();) {
    const boost::json::value record = boost::json::parse(line);
    const std::string url(record.at("url").as_string());
    EXPECT_TRUE(urls.insert(url).second) << url;
    expect_outcome(site, url, record);
  }
  return urls;
}

std::set<std::string> finished_in_database(const std::string& path) {
  std::set<std::string> urls;
  sqlite3* database = nullptr;
  EXPECT_EQ(sqlite3_open(path.c_str(), &database), SQLITE_OK);
  auto add = [](void* into, int, char** values, char**) {
    static_cast<std::set<std::string>*>(into)->insert(values[0]);
    return 0;
  };
  EXPECT_EQ(sqlite3_exec(database, "SELECT url FROM pages", add, &urls, nullptr), SQLITE_OK);
  sqlite3_close(database);
  return urls;
}

/// A host may be asked twice in short order when the first request was held up on its way, but not in the long run.
void expect_polite(generated_site& site) {
  EXPECT_LE(site.most_at_once(), per_host);
  constexpr std::size_t stretch = 100;
  for (const auto& [host, times] : site.take_times()) {
    for (std::size_t i = stretch; i < times.size(); ++i) {
      ASSERT_GE(times[i] - times[i - stretch], stretch * delay / 2) << host << " " << i;
    }
    if (times.size() > stretch) {
      EXPECT_GE(times.back() - times.front(), (times.size() - 1) * delay * 9 / 10) << host;
    }
  }
}

/// What was finished when the process was killed was not asked for again, and of the rest at most what was under way.
void expect_not_again(const generated_site& site, const std::set<std::string>& finished) {
  std::size_t again = 0;
  for (const auto& [url, count] : site.requests()) {
    if (finished.contains(url)) {
      EXPECT_EQ(count, 1U) << url;
    } else {
      EXPECT_LE(count, 2U) << url;
      again += count == 2 ? 1 : 0;
    }
  }
  EXPECT_LE(again, concurrency);
}

std::set<std::string> expected(const generated_site& site) {
  std::set<std::string> urls = site.all_urls();
  const std::vector<std::string> start = site.start();
  for (const std::string& first : start) {
    const std::string host = first.substr(0, first.find("/page"));
    for (int i = 0; i < 5; ++i) urls.insert(host + "/secret/" + std::to_string(i));
  }
  return urls;
}

/// The secret pages of a host that no page on it links to are not found.
void expect_complete(const generated_site& site, const std::set<std::string>& finished) {
  const std::set<std::string> all = expected(site);
  for (const std::string& url : finished) EXPECT_TRUE(all.contains(url)) << url;
  for (const std::string& url : site.all_urls()) EXPECT_TRUE(finished.contains(url)) << url;
  for (const auto& [url, count] : site.requests()) {
    EXPECT_EQ(url.find("/secret/"), std::string::npos) << url << " is excluded by robots.txt";
  }
}

TEST(eddy_crawl, goes_on_after_kill_9_without_fetching_a_finished_page_again) {
  const eddy::tests::scratch_folder folder;
  generated_site site(many_pages);
  const std::string out = folder / "crawl.jsonl";
  {
    child_process crawl(crawl_command(site, out));
    ASSERT_TRUE(site.wait_for_requests(many_pages / 3, 60s));
    crawl.signal(SIGKILL);
    EXPECT_EQ(crawl.wait(), -SIGKILL);
  }
  expect_polite(site);
  const std::set<std::string> before = finished_in_lines(site, out);
  EXPECT_GE(before.size(), many_pages / 3 - concurrency - generated_site::hosts);

  child_process again(crawl_command(site, out));
  EXPECT_EQ(again.wait(), 0) << again.output();
  expect_not_again(site, before);
  expect_polite(site);
  const std::set<std::string> finished = finished_in_lines(site, out);
  expect_complete(site, finished);
  EXPECT_THAT(again.output(), HasSubstr("\"finished\":" + std::to_string(finished.size()) + ","));

  const std::size_t made = site.requests_made();
  child_process once_more(crawl_command(site, out));
  EXPECT_EQ(once_more.wait(), 0);
  EXPECT_EQ(site.requests_made(), made) << "there is nothing left to do";
}

TEST(eddy_crawl, keeps_what_is_done_when_it_is_interrupted) {
  const eddy::tests::scratch_folder folder;
  generated_site site(fewer_pages);
  const std::string out = folder / "crawl.db";
  std::set<std::string> before;
  for (const int signal : {SIGINT, SIGKILL}) {
    child_process crawl(crawl_command(site, out));
    ASSERT_TRUE(site.wait_for_requests(site.requests_made() + fewer_pages / 4, 60s));
    crawl.signal(signal);
    EXPECT_EQ(crawl.wait(), signal == SIGINT ? 130 : -SIGKILL) << crawl.output();
    if (signal == SIGINT) {
      EXPECT_THAT(crawl.output(), HasSubstr("goes on where this one stopped"));
    }
    before = finished_in_database(out);
    EXPECT_GE(before.size(), fewer_pages / 5);
  }
  child_process again(crawl_command(site, out));
  EXPECT_EQ(again.wait(), 0) << again.output();
  for (const auto& [url, count] : site.requests()) {
    if (!before.contains(url)) continue;
    EXPECT_LE(count, 2U) << url;  // once more if it was under way at the first end
  }
  expect_complete(site, finished_in_database(out));
  EXPECT_LE(site.most_at_once(), per_host);
}

TEST(eddy_crawl, shows_on_a_terminal_how_far_it_is) {
  child_process terminal({"script", "-qec",
                          std::string(EDDY_PROGRAM) + " crawl http://127.0.0.1:1/ --ignore-robots",
                          "/dev/null"});
  EXPECT_EQ(terminal.wait(), 0);
  const std::string& shown = terminal.output();
  EXPECT_THAT(shown, HasSubstr("\r\x1b[K0 done (0 pages"));
  EXPECT_THAT(shown, HasSubstr("\r\x1b[K{\"url\":\"http://127.0.0.1:1/\""));
  EXPECT_THAT(shown, HasSubstr("1 done (0 pages, 0 redirects, 0 errors, 1 failed"));
}

TEST(eddy_crawl, says_what_is_wrong_with_its_arguments) {
  struct row {
    std::vector<std::string> words;
    int code;
    const char* says;
  };
  const eddy::tests::scratch_folder folder;
  const std::string diary = folder.write("diary.jsonl", "dear diary\n");
  for (const row& each : {
           row{{}, 2, "subcommand"},
           {{"crawl"}, 2, "url is required"},
           {{"crawl", "ftp://x/"}, 1, "not an http or https URL"},
           {{"crawl", "http://127.0.0.1:1/", "--delay=-1"}, 2, "--delay"},
           {{"crawl", "http://127.0.0.1:1/", "--scope=all"}, 2, "--scope"},
           {{"crawl", "http://127.0.0.1:1/", "--out", diary}, 1, "JSON lines were expected"},
           {{"crawl", "http://127.0.0.1:1/", "--ignore-robots"}, 0, "the address is not allowed"},
           {{"crawl", "http://127.0.0.1:1/"}, 0, "the address is not allowed"},
           {{"--help"}, 0, "crawl"},
       }) {
    std::vector<std::string> words{EDDY_PROGRAM};
    words.insert(words.end(), each.words.begin(), each.words.end());
    child_process run(words);
    EXPECT_EQ(run.wait(), each.code) << run.output();
    EXPECT_THAT(run.output(), HasSubstr(each.says));
  }
}

}  // namespace
}  // namespace command::testing
