// Whole files, and what happens to names.
//
//   std::string text = co_await eddy::fs::read_file("settings.json");
//   co_await eddy::fs::replace_file("settings.json", text);
//
// Threads, errors and cancellation are those of file.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <eddy/coro/task.hpp>
#include <eddy/fs/file.hpp>

namespace eddy::fs {

/// Through symbolic links. A missing file throws std::errc::no_such_file_or_directory.
task<file_status> status(std::string path);
task<bool> exists(std::string path);

/// Replaces what is at `to`, in one step; both have to be on one file system.
task<void> rename(std::string from, std::string to);
/// A file, a symbolic link or an empty folder.
task<void> remove(std::string path);
task<void> create_directory(std::string path, std::uint32_t permissions = 0777);

/// All of a file; more than `most` bytes throws errc::limit_exceeded.
task<std::string> read_file(std::string path, std::size_t most = 64 << 20);
/// Makes the file, or empties it first. A reader may see it half written: see replace_file.
task<void> write_file(std::string path, std::string text);
/// Writes a new file beside `path`, brings it to the device and puts it in the place of `path`: a reader, or the
/// machine after a power cut, finds all of the old text or all of the new. Cancelled or failed, the old one stays.
task<void> replace_file(std::string path, std::string text);

/// A new file in `folder` that nobody else has, readable by its owner only, removed by the destructor unless it was
/// kept. The removal is one unlink on the loop's thread.
class temporary_file {
 public:
  static task<temporary_file> create(std::string folder);
  temporary_file(temporary_file&& other) noexcept;
  temporary_file& operator=(temporary_file&& other) noexcept;
  ~temporary_file();

  [[nodiscard]] fs::file& file() noexcept { return file_; }
  /// Where it is; empty once kept.
  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  /// Puts it in the place of `to`, which has to be on the same file system. Its permissions stay as they are.
  task<void> keep(std::string to);

 private:
  temporary_file(fs::file made, std::string path) noexcept
      : file_(std::move(made)), path_(std::move(path)) {}
  void discard() noexcept;

  fs::file file_;
  std::string path_;
};

}  // namespace eddy::fs
