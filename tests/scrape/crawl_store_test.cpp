#include <eddy/scrape/crawl_store.hpp>

#include "scratch_folder.hpp"

#include <algorithm>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <eddy/coro/gather.hpp>
#include <eddy/coro/result.hpp>
#include <eddy/runtime/run.hpp>

namespace eddy::scrape {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

crawl_entry entry_of(const std::string& url, std::uint32_t depth = 0) {
  crawl_entry entry;
  entry.url = url;
  entry.depth = depth;
  return entry;
}

crawl_result result_of(const std::string& url) {
  crawl_result result;
  result.entry = entry_of(url);
  result.outcome = crawl_outcome::page;
  result.status = 200;
  result.page.title = "A \"title\"\n";
  result.page.links.push_back({"http://a/x", false});
  result.page.meta.emplace_back("description", "d");
  return result;
}

std::vector<std::string> urls_of(const std::vector<crawl_entry>& entries) {
  std::vector<std::string> urls;
  for (const crawl_entry& each : entries) urls.push_back(each.url);
  return urls;
}

task<void> finish(crawl_store& store, std::string url, std::vector<crawl_entry> found) {
  const crawl_result result = result_of(url);
  co_await store.finish(result, found);
}

/// What every store does. `open` gives one that has what the last one kept.
task<void> keeps_what_was_finished(std::function<task<crawl_store*>()> open) {
  crawl_store* store = co_await open();
  crawl_state state = co_await store->load();
  EXPECT_THAT(state.finished, IsEmpty());
  EXPECT_THAT(state.pending, IsEmpty());
  std::vector<crawl_entry> found{entry_of("http://a/2", 1), entry_of("http://a/3", 1)};
  found[1].redirects = 2;
  found[1].sitemap = true;
  co_await finish(*store, "http://a/1", found);
  std::vector<crawl_entry> more{entry_of("http://a/4", 2), entry_of("http://a/1", 2)};
  co_await finish(*store, "http://a/2", more);

  store = co_await open();
  state = co_await store->load();
  std::ranges::sort(state.finished);
  EXPECT_THAT(state.finished, ElementsAre("http://a/1", "http://a/2"));
  EXPECT_THAT(urls_of(state.pending), ElementsAre("http://a/3", "http://a/4"));
  EXPECT_EQ(state.pending[0].depth, 1U);
  EXPECT_EQ(state.pending[0].redirects, 2U);
  EXPECT_TRUE(state.pending[0].sitemap);
  EXPECT_EQ(state.pending[1].depth, 2U);

  std::vector<task<void>> many;
  for (int i = 0; i < 1000; ++i) {
    many.push_back(finish(*store, "http://b/" + std::to_string(i), {}));
  }
  co_await gather(std::move(many));
  store = co_await open();
  state = co_await store->load();
  EXPECT_EQ(state.finished.size(), 1002U);
}

TEST(crawl_store, in_memory_keeps_what_was_finished) {
  memory_store store;
  run(keeps_what_was_finished([&]() -> task<crawl_store*> { co_return &store; }));
}

TEST(crawl_store, as_files_keeps_what_was_finished) {
  const tests::scratch_folder folder;
  for (const char* const name : {"crawl.jsonl", "crawl.db"}) {
    std::unique_ptr<crawl_store> store;
    const std::string path = folder / name;
    run(keeps_what_was_finished([&]() -> task<crawl_store*> {
      store.reset();
      store = co_await open_store(path);
      co_return store.get();
    }));
  }
}

std::string content_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

task<crawl_state> load_lines(std::string path) {
  const auto store = co_await jsonl_store::open(std::move(path));
  co_return co_await store->load();
}

TEST(crawl_store, lines_are_json_and_a_cut_line_is_dropped) {
  const tests::scratch_folder folder;
  const std::string whole = to_json_line(result_of("http://a/1")) + "\n";
  EXPECT_THAT(whole, HasSubstr(R"("url":"http://a/1","depth":0,"outcome":"page","status":200)"));
  EXPECT_THAT(whole, HasSubstr(R"("title":"A \"title\"\n")"));
  EXPECT_THAT(whole, HasSubstr(R"("meta":{"description":"d"},"links":["http://a/x"],"found":[])"));
  const std::string second = to_json_line(result_of("http://a/2")) + "\n";
  for (const std::size_t cut :
       {std::size_t(0), std::size_t(1), second.size() / 2, second.size() - 1}) {
    const std::string path = folder.write("cut.jsonl", whole + second.substr(0, cut));
    const crawl_state state = run(load_lines(path));
    EXPECT_THAT(state.finished, ElementsAre("http://a/1")) << cut;
    EXPECT_EQ(content_of(path), whole) << cut;
  }
}

TEST(crawl_store, a_file_of_another_kind_is_left_alone) {
  const tests::scratch_folder folder;
  for (const std::string_view content : {"my diary\n", "{\"a\":1}\n", "no line end", "[]\n"}) {
    const std::string path = folder.write("other.jsonl", content);
    try {
      static_cast<void>(run(load_lines(path)));
      ADD_FAILURE() << content;
    } catch (const error& e) {
      EXPECT_TRUE(e == errc::invalid_input) << e.what();
    }
    EXPECT_EQ(content_of(path), content);
  }
  const std::string path = folder.write("other.db", std::string(5000, 'x'));
  auto open = [&]() -> task<void> { static_cast<void>(co_await sqlite_store::open(path)); };
  try {
    run(open);
    ADD_FAILURE();
  } catch (const error& e) {
    EXPECT_TRUE(e == errc::invalid_input) << e.what();
    EXPECT_THAT(e.what(), HasSubstr("other.db"));
  }
}

TEST(crawl_store, outcomes_have_names) {
  for (const auto each : {crawl_outcome::page, crawl_outcome::redirect, crawl_outcome::http_error,
                          crawl_outcome::excluded, crawl_outcome::failed}) {
    EXPECT_EQ(crawl_outcome_of(to_string(each)), each);
  }
  EXPECT_EQ(crawl_outcome_of("?"), crawl_outcome::failed);
}

TEST(crawl_store, a_replay_puts_a_log_together) {
  crawl_replay replay;
  replay.found(entry_of("b"));
  replay.finished("a");
  replay.found(entry_of("a"));
  replay.found(entry_of("b", 7));
  replay.found(entry_of("c"));
  const crawl_state state = replay.take();
  EXPECT_THAT(state.finished, ElementsAre("a"));
  EXPECT_THAT(urls_of(state.pending), ElementsAre("b", "c"));
  EXPECT_EQ(state.pending[0].depth, 0U);
  EXPECT_THAT(replay.take().finished, IsEmpty());
}

}  // namespace
}  // namespace eddy::scrape
