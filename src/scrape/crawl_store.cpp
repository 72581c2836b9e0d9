#include <eddy/scrape/crawl_store.hpp>

#include <array>
#include <utility>

namespace eddy::scrape {
namespace {

constexpr std::array outcomes{
    std::pair{crawl_outcome::page, std::string_view("page")},
    std::pair{crawl_outcome::redirect, std::string_view("redirect")},
    std::pair{crawl_outcome::http_error, std::string_view("http_error")},
    std::pair{crawl_outcome::excluded, std::string_view("excluded")},
    std::pair{crawl_outcome::failed, std::string_view("failed")},
};

}  // namespace

std::string_view to_string(crawl_outcome outcome) noexcept {
  for (const auto& [each, name] : outcomes) {
    if (each == outcome) return name;
  }
  return "failed";
}

crawl_outcome crawl_outcome_of(std::string_view name) noexcept {
  for (const auto& [each, its_name] : outcomes) {
    if (its_name == name) return each;
  }
  return crawl_outcome::failed;
}

void crawl_replay::found(crawl_entry entry) {
  known& state = state_of(entry.url);
  if (std::exchange(state.found, true)) return;
  found_.push_back(std::move(entry));
}

crawl_state crawl_replay::take() {
  crawl_state state;
  for (crawl_entry& entry : found_) {
    if (!known_[entry.url].finished) state.pending.push_back(std::move(entry));
  }
  for (auto& [url, what] : known_) {
    if (what.finished) state.finished.push_back(url);
  }
  known_.clear();
  found_.clear();
  return state;
}

task<crawl_state> memory_store::load() {
  crawl_state state = replay_.take();
  for (const std::string& url : state.finished) replay_.finished(url);
  for (const crawl_entry& entry : state.pending) replay_.found(entry);
  co_return state;
}

task<void> memory_store::finish(const crawl_result& result, std::span<const crawl_entry> found) {
  replay_.finished(result.entry.url);
  for (const crawl_entry& entry : found) replay_.found(entry);
  co_return;
}

task<std::unique_ptr<crawl_store>> open_store(std::string path) {
  if (path.ends_with(".db") || path.ends_with(".sqlite")) {
    std::unique_ptr<crawl_store> database = co_await sqlite_store::open(std::move(path));
    co_return database;
  }
  std::unique_ptr<crawl_store> lines = co_await jsonl_store::open(std::move(path));
  co_return lines;
}

}  // namespace eddy::scrape
