// Files, without holding up the loop.
//
//   auto log = co_await eddy::fs::file::open("app.log", {.access = eddy::fs::file_access::write,
//                                                        .creation = eddy::fs::file_creation::if_missing});
//   co_await log.write_at(log.status().size, eddy::io::bytes_of("started\n"));
//
// Each call runs on a thread of the loop's bounded pool (see runtime/offload.hpp) and is cancelled as to_thread is:
// while it waits for a thread it does not happen; once it runs, the task gets its result, and its next operation is
// refused. So buffers may be plain spans. All calls throw eddy::error with the system's code and the path.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <eddy/coro/task.hpp>
#include <eddy/runtime/file_system.hpp>

namespace eddy::fs {

using runtime::directory_entry;
using runtime::file_access;
using runtime::file_creation;
using runtime::file_kind;
using runtime::file_status;
using runtime::open_options;

/// An open file. Cheap to move; closed by its destructor. May be used by several tasks at once: reads and writes name
/// their place.
class file {
 public:
  /// The file, and what is known about it, in one call.
  static task<file> open(std::string path, open_options how = {});

  /// What was known when it was opened.
  [[nodiscard]] const file_status& status() const noexcept { return status_; }
  /// What is known now.
  task<file_status> refresh();

  /// Bytes read from `offset` on: fewer than asked only at the end of the file.
  task<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> into);
  /// Writes all of `bytes`. The error's progress says how many were written.
  task<void> write_at(std::uint64_t offset, std::span<const std::byte> bytes);
  task<void> resize(std::uint64_t size);
  /// Returns when what was written is on the device.
  task<void> sync();

  /// For what sends a file as it is (tcp_stream::send_file, http's body_writer::write_file).
  [[nodiscard]] const std::shared_ptr<runtime::open_file>& handle() const noexcept {
    return handle_;
  }

 private:
  friend class directory;
  file(std::shared_ptr<runtime::open_file> handle, const file_status& status) noexcept
      : handle_(std::move(handle)), status_(status) {}

  std::shared_ptr<runtime::open_file> handle_;
  file_status status_;
};

/// An open folder, as the root of what may be reached through it. Cheap to copy.
class directory {
 public:
  /// Throws errc::unsupported where the kernel or a filter of system calls forbids openat2, which open_beneath needs.
  static task<directory> open(std::string path);

  /// Opens a file or folder below this one. A path that leaves it, is absolute, or meets a symbolic link anywhere is
  /// refused by the kernel itself, whatever others do to the tree meanwhile.
  task<file> open_beneath(std::string path, open_options how = {}) const;

  /// What is in it, without order. More than `most` throws errc::limit_exceeded.
  task<std::vector<directory_entry>> entries(std::size_t most = 10'000) const;
  /// The same for a folder below, opened as open_beneath does.
  task<std::vector<directory_entry>> entries_beneath(std::string path,
                                                     std::size_t most = 10'000) const;

 private:
  explicit directory(std::shared_ptr<runtime::open_file> handle) noexcept
      : handle_(std::move(handle)) {}

  std::shared_ptr<runtime::open_file> handle_;
};

}  // namespace eddy::fs
