#include "crawl_record.hpp"

#include <algorithm>
#include <span>
#include <utility>

#include <eddy/base/error.hpp>
#include <eddy/fs/file.hpp>
#include <eddy/resilience/batcher.hpp>
#include <eddy/scrape/crawl_store.hpp>

namespace eddy::scrape {
namespace {

batcher_options group_commit() {
  batcher_options how;
  how.max_size = 256;
  how.max_age = duration::zero();  // what comes while a write runs is written next, together
  return how;
}

}  // namespace

class jsonl_store::core {
 public:
  core(fs::file file, std::string path) : file_(std::move(file)), path_(std::move(path)) {}

  task<crawl_state> load() {
    const fs::file_status status = co_await file_.refresh();
    crawl_replay replay;
    std::string unread;
    std::uint64_t offset = 0;
    while (offset < status.size) {
      std::string piece(
          static_cast<std::size_t>(std::min<std::uint64_t>(piece_size, status.size - offset)),
          '\0');
      const std::size_t count =
          co_await file_.read_at(offset, std::as_writable_bytes(std::span(piece)));
      if (count == 0) break;
      offset += count;
      unread.append(piece, 0, count);
      unread.erase(0, replay_lines(unread, replay));
    }
    if (end_ == 0 && !unread.empty()) refuse();
    // What is left has no line end: it was being written when the process ended.
    if (!unread.empty()) co_await file_.resize(end_);
    co_return replay.take();
  }

  task<void> append(std::string line) { co_await lines_.submit(std::move(line)); }

 private:
  static constexpr std::uint64_t piece_size =
      256 * 1024;  // read and parsed between two looks at other tasks

  [[noreturn]] void refuse() const {
    throw error(errc::invalid_input, "a crawl's JSON lines were expected", path_);
  }

  /// Takes in the whole lines of `text`, and gives their size.
  std::size_t replay_lines(std::string_view text, crawl_replay& replay) {
    std::size_t taken = 0;
    for (std::size_t end = text.find('\n'); end != std::string_view::npos;
         end = text.find('\n', taken)) {
      auto record = detail::parse_record(text.substr(taken, end - taken));
      if (!record) refuse();
      replay.finished(record->url);
      for (crawl_entry& entry : record->found) replay.found(std::move(entry));
      taken = end + 1;
    }
    end_ += taken;
    return taken;
  }

  /// One write for all lines, so that a line is there whole or not at all but for the last one.
  task<void> write(std::vector<std::string> lines) {
    std::string text;
    for (const std::string& line : lines) text += line;
    co_await file_.write_at(end_, std::as_bytes(std::span(text)));
    end_ += text.size();
    co_await file_.sync();
  }

  fs::file file_;
  std::string path_;
  std::uint64_t end_ = 0;  // of the last whole line
  batcher<std::string, void> lines_{
      [this](std::vector<std::string> lines) { return write(std::move(lines)); }, group_commit()};
};

jsonl_store::jsonl_store(std::unique_ptr<core> made) noexcept : core_(std::move(made)) {}
jsonl_store::~jsonl_store() = default;

task<std::unique_ptr<jsonl_store>> jsonl_store::open(std::string path) {
  fs::open_options how;
  how.access = fs::file_access::read_write;
  how.creation = fs::file_creation::if_missing;
  fs::file file = co_await fs::file::open(path, how);
  auto made = std::make_unique<core>(std::move(file), std::move(path));
  co_return std::unique_ptr<jsonl_store>(new jsonl_store(std::move(made)));
}

task<crawl_state> jsonl_store::load() { return core_->load(); }

task<void> jsonl_store::finish(const crawl_result& result, std::span<const crawl_entry> found) {
  return core_->append(to_json_line(result, found) + "\n");
}

}  // namespace eddy::scrape
