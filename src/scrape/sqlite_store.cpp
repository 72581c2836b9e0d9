#include "crawl_record.hpp"
#include "sqlite_handle.hpp"

#include <cstdint>
#include <utility>

#include <eddy/base/error.hpp>
#include <eddy/resilience/batcher.hpp>
#include <eddy/runtime/offload.hpp>
#include <eddy/scrape/crawl_store.hpp>

namespace eddy::scrape {
namespace {

constexpr const char* tables =
    "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA busy_timeout=5000;"
    "CREATE TABLE IF NOT EXISTS pages(url TEXT PRIMARY KEY, depth INTEGER, outcome TEXT, status "
    "INTEGER, error TEXT,"
    " location TEXT, type TEXT, encoding TEXT, bytes INTEGER, ms INTEGER, attempts INTEGER, title "
    "TEXT, text TEXT,"
    " language TEXT, canonical TEXT, noindex INTEGER, nofollow INTEGER, meta TEXT, links TEXT);"
    "CREATE TABLE IF NOT EXISTS frontier(url TEXT PRIMARY KEY, depth INTEGER, redirects INTEGER, "
    "sitemap INTEGER);";

/// One call of finish, as the thread needs it: the caller waits, so that references hold.
struct finished_page {
  const crawl_result* result;
  std::span<const crawl_entry> found;
};

batcher_options group_commit() {
  batcher_options how;
  how.max_size = 256;
  how.max_age =
      duration::zero();  // what comes while a transaction runs goes into the next one, together
  return how;
}

void insert_page(detail::statement& insert, const crawl_result& result) {
  const html_page& page = result.page;
  const std::string meta = detail::meta_to_json(page.meta);
  const std::string links = detail::links_to_json(page.links);
  insert.bind(1, result.entry.url);
  insert.bind(2, result.entry.depth);
  insert.bind(3, to_string(result.outcome));
  insert.bind(4, result.status);
  insert.bind(5, result.error);
  insert.bind(6, result.location);
  insert.bind(7, result.content_type);
  insert.bind(8, result.encoding);
  insert.bind(9, static_cast<std::int64_t>(result.bytes));
  insert.bind(10, static_cast<std::int64_t>(result.elapsed / std::chrono::milliseconds(1)));
  insert.bind(11, result.attempts);
  insert.bind(12, page.title);
  insert.bind(13, page.text);
  insert.bind(14, page.language);
  insert.bind(15, page.canonical);
  insert.bind(16, page.noindex);
  insert.bind(17, page.nofollow);
  insert.bind(18, meta);
  insert.bind(19, links);
  insert.run();
}

void insert_found(detail::statement& insert, const crawl_entry& entry) {
  insert.bind(1, entry.url);
  insert.bind(2, entry.depth);
  insert.bind(3, entry.redirects);
  insert.bind(4, entry.sitemap);
  insert.run();
}

}  // namespace

class sqlite_store::core {
 public:
  explicit core(const std::string& path) : database_(path) { database_.execute(tables); }

  crawl_state load() {
    crawl_state state;
    detail::statement pages(database_, "SELECT url FROM pages");
    while (pages.step()) state.finished.push_back(pages.text(0));
    detail::statement frontier(
        database_, "SELECT url, depth, redirects, sitemap FROM frontier ORDER BY rowid");
    while (frontier.step()) {
      crawl_entry entry;
      entry.url = frontier.text(0);
      entry.depth = static_cast<std::uint32_t>(frontier.number(1));
      entry.redirects = static_cast<std::uint32_t>(frontier.number(2));
      entry.sitemap = frontier.number(3) != 0;
      state.pending.push_back(std::move(entry));
    }
    return state;
  }

  task<void> finish(const crawl_result& result, std::span<const crawl_entry> found) {
    co_await pages_.submit(finished_page{&result, found});
  }

 private:
  task<void> write(std::vector<finished_page> pages) {
    co_await to_thread([](core* self, const std::vector<finished_page>& all) { self->commit(all); },
                       this, std::move(pages));
  }

  void commit(const std::vector<finished_page>& pages) {
    detail::transaction together(database_);
    detail::statement page(
        database_, "INSERT OR REPLACE INTO pages VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)");
    detail::statement done(database_, "DELETE FROM frontier WHERE url=?");
    detail::statement found(database_,
                            "INSERT OR IGNORE INTO frontier SELECT ?1,?2,?3,?4 WHERE NOT EXISTS"
                            " (SELECT 1 FROM pages WHERE url=?1)");
    for (const finished_page& each : pages) {
      insert_page(page, *each.result);
      done.bind(1, each.result->entry.url);
      done.run();
      for (const crawl_entry& entry : each.found) insert_found(found, entry);
    }
    together.commit();
  }

  detail::database database_;
  batcher<finished_page, void> pages_{
      [this](std::vector<finished_page> pages) { return write(std::move(pages)); }, group_commit()};
};

sqlite_store::sqlite_store(std::unique_ptr<core> made) noexcept : core_(std::move(made)) {}
sqlite_store::~sqlite_store() = default;

task<std::unique_ptr<sqlite_store>> sqlite_store::open(std::string path) {
  auto made = co_await to_thread([](const std::string& at) { return std::make_unique<core>(at); },
                                 std::move(path));
  co_return std::unique_ptr<sqlite_store>(new sqlite_store(std::move(made)));
}

task<crawl_state> sqlite_store::load() {
  co_return co_await to_thread([](core* self) { return self->load(); }, core_.get());
}

task<void> sqlite_store::finish(const crawl_result& result, std::span<const crawl_entry> found) {
  return core_->finish(result, found);
}

}  // namespace eddy::scrape
