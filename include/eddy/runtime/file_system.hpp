// The file seam: how a loop's tasks reach files, or simulated ones.
//
// Every call here may block: a disk answers when it likes. Tasks therefore make them through to_thread, which is what
// the module `fs` does; nothing here is awaited. driver::files() names the implementation; the system's is the default.
// All calls are thread-safe and throw eddy::error with the path as its peer.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace eddy::runtime {

enum class file_kind : std::uint8_t { regular, directory, symlink, other };

/// What is known about a file without reading it.
struct file_status {
  using time = std::chrono::sys_time<std::chrono::nanoseconds>;
  std::uint64_t size = 0;         ///< bytes; of regular files only
  time modified{};                ///< calendar time of the last change of the content
  std::uint64_t device = 0;       ///< with `number`: which file it is
  std::uint64_t number = 0;       ///< the inode
  std::uint32_t permissions = 0;  ///< the lower twelve bits, as chmod takes them
  file_kind kind = file_kind::other;
};

struct directory_entry {
  std::string name;
  file_kind kind = file_kind::other;
};

enum class file_access : std::uint8_t { read, write, read_write };

/// What may happen to the name when a file is opened.
enum class file_creation : std::uint8_t {
  existing,  ///< the file has to be there
  if_missing,
  truncate,  ///< made if missing, else emptied
  only_new,  ///< it must not be there
};

struct open_options {
  file_access access = file_access::read;
  file_creation creation = file_creation::existing;
  std::uint32_t permissions = 0666;  ///< of a new file, less the process's mask
};

/// An open file or folder. Reads and writes name their place, so any number may run at once. Closed by its destructor.
class open_file {
 public:
  open_file() noexcept = default;
  open_file(const open_file&) = delete;
  open_file& operator=(const open_file&) = delete;
  virtual ~open_file() = default;

  /// Bytes read from `offset` on: fewer than asked only at the end of the file.
  [[nodiscard]] virtual std::size_t read_at(std::uint64_t offset,
                                            std::span<std::byte> into) const = 0;
  /// Writes all of `bytes`. The error's progress says how many were written.
  virtual void write_at(std::uint64_t offset, std::span<const std::byte> bytes) = 0;
  virtual void resize(std::uint64_t size) = 0;
  /// Returns when what was written is on the device.
  virtual void sync() = 0;
  [[nodiscard]] virtual file_status status() const = 0;
  /// What a folder holds, but "." and "..", in no order. More than `most` throws errc::limit_exceeded.
  [[nodiscard]] virtual std::vector<directory_entry> entries(std::size_t most) const = 0;

  /// The file descriptor; -1 where there is none (simulation).
  [[nodiscard]] virtual int native_handle() const noexcept = 0;
};

class file_system {
 public:
  file_system() noexcept = default;
  file_system(const file_system&) = delete;
  file_system& operator=(const file_system&) = delete;

  /// Files and folders. A pipe is opened without waiting for its other end.
  [[nodiscard]] virtual std::shared_ptr<open_file> open(const std::string& path,
                                                        const open_options& how) = 0;
  /// The same below the folder `root`: a path that leaves it, is absolute, or meets a symbolic link anywhere is
  /// refused by the kernel itself (openat2). Throws errc::unsupported where openat2 is missing or forbidden.
  [[nodiscard]] virtual std::shared_ptr<open_file> open_beneath(const open_file& root,
                                                                const std::string& path,
                                                                const open_options& how) = 0;
  /// Of what a path leads to, through symbolic links.
  [[nodiscard]] virtual file_status status(const std::string& path) = 0;
  /// Replaces what is at `to`, in one step.
  virtual void rename(const std::string& from, const std::string& to) = 0;
  /// A file, a symbolic link or an empty folder.
  virtual void remove(const std::string& path) = 0;
  virtual void create_directory(const std::string& path, std::uint32_t permissions) = 0;

 protected:
  ~file_system() = default;
};

/// The operating system's files.
[[nodiscard]] file_system& system_files() noexcept;

}  // namespace eddy::runtime
