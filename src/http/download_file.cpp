#include "download_target.hpp"

#include <optional>
#include <utility>

#include <eddy/base/error.hpp>
#include <eddy/fs/file.hpp>
#include <eddy/fs/paths.hpp>
#include <eddy/io/stream.hpp>

namespace eddy::http {
namespace {

constexpr std::size_t longest_note = 64 * 1024;  // bytes; URLs and validators are shorter

/// "<path>.part" with the bytes that came, and the note "<path>.part-of": the version's validator, a line end, the URL.
/// The note is there only while the bytes are the beginning of that version.
class file_target final : public detail::download_target {
 public:
  file_target(std::string path, std::string url)
      : path_(std::move(path)),
        part_path_(path_ + ".part"),
        note_path_(path_ + ".part-of"),
        url_(std::move(url)) {}

  /// Fills in what an earlier download has left.
  task<void> find_rest(download_options& into) {
    into.offset = 0;
    into.validator.clear();
    const bool noted = co_await fs::exists(note_path_);
    const bool begun = co_await fs::exists(part_path_);
    if (!noted || !begun) co_return;
    const std::string note = co_await fs::read_file(note_path_, longest_note);
    const std::size_t end = note.find('\n');
    if (end == std::string::npos || std::string_view(note).substr(end + 1) != url_) co_return;
    co_await open();
    into.offset = part_->status().size;
    into.validator = note.substr(0, end);
  }

  task<void> begin(std::string validator) override {
    co_await remove_note();
    if (!part_) co_await open();
    co_await part_->resize(0);
    if (validator.empty()) co_return;
    std::string note = std::move(validator);
    note.append("\n").append(url_);
    co_await fs::write_file(note_path_, std::move(note));
  }

  task<void> write(std::uint64_t offset, std::string_view piece) override {
    return part_->write_at(offset, io::bytes_of(piece));
  }

  task<void> finish() {
    co_await part_->sync();
    co_await fs::rename(part_path_, path_);
    co_await remove_note();
  }

 private:
  task<void> remove_note() {
    const bool noted = co_await fs::exists(note_path_);
    if (noted) co_await fs::remove(note_path_);
  }

  task<void> open() {
    fs::open_options how;
    how.access = fs::file_access::write;
    how.creation = fs::file_creation::if_missing;
    part_ = co_await fs::file::open(part_path_, how);
  }

  std::string path_;
  std::string part_path_;
  std::string note_path_;
  std::string url_;
  std::optional<fs::file> part_;
};

}  // namespace

task<download_result> download_file(client& with, request_spec spec, std::string path,
                                    download_options options) {
  file_target target(std::move(path), spec.url);
  co_await target.find_rest(options);
  auto done = co_await detail::download_to(with, std::move(spec), target, std::move(options));
  co_await target.finish();
  co_return done;
}

}  // namespace eddy::http
