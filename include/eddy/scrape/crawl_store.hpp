// crawl_store: what a crawl remembers, so that it can go on after its process has ended, in whatever way.
//
// The rule that makes a crawl resumable: a page's result and the URLs that were newly found on it are kept together,
// in one step, before the result is given to anybody. So a page is either finished, with everything that follows from
// it, or not begun; and those that were under way when the process ended are fetched again, no others.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include <eddy/coro/task.hpp>
#include <eddy/scrape/crawl_result.hpp>

namespace eddy::scrape {

/// Where a crawl left off.
struct crawl_state {
  std::vector<std::string> finished;  ///< URLs that have a result
  std::vector<crawl_entry> pending;   ///< found and without one, in order
};

/// Used by one crawl at a time, on one loop; outlives it.
class crawl_store {
 public:
  crawl_store() = default;
  crawl_store(const crawl_store&) = delete;
  crawl_store& operator=(const crawl_store&) = delete;
  virtual ~crawl_store() = default;

  /// What is known from before. Called once, first.
  virtual task<crawl_state> load() = 0;
  /// Keeps a result and what was found first on its page. When it returns, both would survive the end of the process.
  /// Any number of calls may be under way, and are kept in their order. A failure ends the crawl.
  virtual task<void> finish(const crawl_result& result, std::span<const crawl_entry> found) = 0;
};

/// Puts together what a log of finished pages says: for stores.
class crawl_replay {
 public:
  void finished(const std::string& url) { state_of(url).finished = true; }
  void found(crawl_entry entry);
  /// What follows from it. Nothing is left.
  [[nodiscard]] crawl_state take();

 private:
  struct known {
    bool finished = false;
    bool found = false;
  };
  known& state_of(const std::string& url) { return known_[url]; }

  std::unordered_map<std::string, known> known_;
  std::vector<crawl_entry> found_;
};

/// Remembers for as long as it lives.
class memory_store final : public crawl_store {
 public:
  task<crawl_state> load() override;
  task<void> finish(const crawl_result& result, std::span<const crawl_entry> found) override;

 private:
  crawl_replay replay_;
};

/// Appends to a file of JSON lines, one object for each result, which has the page in it as well: the file is the
/// crawl's output and its memory. A line that is cut off, as after a power cut, is dropped when the file is loaded.
///
///   {"url":"http://example.org/","depth":0,"outcome":"page","status":200,"title":...,"links":[...],"found":[...]}
///
/// Results that come while the disk is busy are written together. Each write is brought to the device (fdatasync).
class jsonl_store final : public crawl_store {
 public:
  /// Makes the file if there is none. A file of another kind throws errc::invalid_input when it is loaded, and is left
  /// as it is.
  static task<std::unique_ptr<jsonl_store>> open(std::string path);
  ~jsonl_store() override;

  task<crawl_state> load() override;
  task<void> finish(const crawl_result& result, std::span<const crawl_entry> found) override;

 private:
  class core;
  explicit jsonl_store(std::unique_ptr<core> made) noexcept;
  std::unique_ptr<core> core_;
};

/// Keeps results in the table `pages` of an SQLite database, and what is not fetched yet in `frontier`; write-ahead
/// log, a transaction for all results that came while the last one was written. SQLite works on a thread of the loop's
/// pool, one call at a time.
class sqlite_store final : public crawl_store {
 public:
  /// Makes the database and its tables if there are none. Throws error with SQLite's words.
  static task<std::unique_ptr<sqlite_store>> open(std::string path);
  ~sqlite_store() override;

  task<crawl_state> load() override;
  task<void> finish(const crawl_result& result, std::span<const crawl_entry> found) override;

 private:
  class core;
  explicit sqlite_store(std::unique_ptr<core> made) noexcept;
  std::unique_ptr<core> core_;
};

/// A store by its file's name: ".db" and ".sqlite" are SQLite's, all others JSON lines.
[[nodiscard]] task<std::unique_ptr<crawl_store>> open_store(std::string path);

/// A result as the object of a JSON line, without the line's end.
[[nodiscard]] std::string to_json_line(const crawl_result& result,
                                       std::span<const crawl_entry> found = {});

}  // namespace eddy::scrape
