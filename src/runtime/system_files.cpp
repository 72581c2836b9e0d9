#include "unique_fd.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <string_view>

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <eddy/base/error.hpp>
#include <eddy/runtime/file_system.hpp>

namespace eddy::runtime {
namespace {

using detail::unique_fd;

[[noreturn]] void throw_errno(const char* operation, const std::string& path) {
  throw error(std::error_code(errno, std::system_category()), operation, path);
}

/// A call's result, repeated while signals interrupt it.
template <class Call>
auto uninterrupted(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

file_kind kind_of(mode_t mode) noexcept {
  if (S_ISREG(mode)) return file_kind::regular;
  if (S_ISDIR(mode)) return file_kind::directory;
  return S_ISLNK(mode) ? file_kind::symlink : file_kind::other;
}

file_kind kind_of_entry(unsigned char type) noexcept {
  switch (type) {
    case DT_REG: return file_kind::regular;
    case DT_DIR: return file_kind::directory;
    case DT_LNK: return file_kind::symlink;
    default: return file_kind::other;
  }
}

file_status status_from(const struct stat& found) noexcept {
  file_status made;
  made.kind = kind_of(found.st_mode);
  if (made.kind == file_kind::regular) made.size = static_cast<std::uint64_t>(found.st_size);
  made.modified = file_status::time(std::chrono::seconds(found.st_mtim.tv_sec) +
                                    std::chrono::nanoseconds(found.st_mtim.tv_nsec));
  made.device = found.st_dev;
  made.number = found.st_ino;
  made.permissions = found.st_mode & 07777;
  return made;
}

int flags_of(const open_options& how) noexcept {
  int flags = O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
  switch (how.access) {
    case file_access::read: flags |= O_RDONLY; break;
    case file_access::write: flags |= O_WRONLY; break;
    case file_access::read_write: flags |= O_RDWR; break;
  }
  switch (how.creation) {
    case file_creation::existing: break;
    case file_creation::if_missing: flags |= O_CREAT; break;
    case file_creation::truncate: flags |= O_CREAT | O_TRUNC; break;
    case file_creation::only_new: flags |= O_CREAT | O_EXCL; break;
  }
  return flags;
}

bool creates(const open_options& how) noexcept { return how.creation != file_creation::existing; }

class system_file final : public open_file {
 public:
  system_file(unique_fd fd, std::string path) noexcept
      : fd_(std::move(fd)), path_(std::move(path)) {}

  std::size_t read_at(std::uint64_t offset, std::span<std::byte> into) const override {
    std::size_t done = 0;
    while (done < into.size()) {
      const auto got = uninterrupted([&] {
        return ::pread(fd_.get(), into.data() + done, into.size() - done,
                       static_cast<off_t>(offset + done));
      });
      if (got < 0) throw_errno("read", path_);
      if (got == 0) break;
      done += static_cast<std::size_t>(got);
    }
    return done;
  }

  void write_at(std::uint64_t offset, std::span<const std::byte> bytes) override {
    std::size_t done = 0;
    while (done < bytes.size()) {
      const auto put = uninterrupted([&] {
        return ::pwrite(fd_.get(), bytes.data() + done, bytes.size() - done,
                        static_cast<off_t>(offset + done));
      });
      if (put < 0) {
        error failure(std::error_code(errno, std::system_category()), "write", path_);
        failure.set_progress(done);
        throw failure;
      }
      done += static_cast<std::size_t>(put);
    }
  }

  void resize(std::uint64_t size) override {
    const auto length = static_cast<off_t>(size);
    if (uninterrupted([&] { return ::ftruncate(fd_.get(), length); }) < 0)
      throw_errno("resize", path_);
  }

  void sync() override {
    if (uninterrupted([&] { return ::fsync(fd_.get()); }) < 0) throw_errno("sync", path_);
  }

  file_status status() const override {
    struct stat found{};
    if (::fstat(fd_.get(), &found) < 0) throw_errno("stat", path_);
    return status_from(found);
  }

  std::vector<directory_entry> entries(std::size_t most) const override {
    // A descriptor of its own: reading a folder moves a position, and others may be reading it.
    unique_fd own(::openat(fd_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!own) throw_errno("list", path_);
    const std::unique_ptr<DIR, int (*)(DIR*)> folder(::fdopendir(own.get()), ::closedir);
    if (folder == nullptr) throw_errno("list", path_);
    static_cast<void>(own.release());
    std::vector<directory_entry> all;
    for (;;) {
      errno = 0;
      const dirent* next = ::readdir(folder.get());
      if (next == nullptr) break;
      const std::string_view name(next->d_name);
      if (name == "." || name == "..") continue;
      if (all.size() == most) throw error(errc::limit_exceeded, "list", path_);
      all.push_back({std::string(name), kind_of_entry(next->d_type)});
    }
    if (errno != 0) throw_errno("list", path_);
    return all;
  }

  int native_handle() const noexcept override { return fd_.get(); }

 private:
  unique_fd fd_;
  std::string path_;
};

class system_file_system final : public file_system {
 public:
  std::shared_ptr<open_file> open(const std::string& path, const open_options& how) override {
    unique_fd fd(static_cast<int>(
        uninterrupted([&] { return ::open(path.c_str(), flags_of(how), how.permissions); })));
    if (!fd) throw_errno("open", path);
    return std::make_shared<system_file>(std::move(fd), path);
  }

  std::shared_ptr<open_file> open_beneath(const open_file& root, const std::string& path,
                                          const open_options& how) override {
    if (path.find('\0') != std::string::npos) throw error(errc::invalid_input, "open", path);
    open_how request{};
    request.flags = static_cast<unsigned>(flags_of(how));
    request.mode = creates(how) ? how.permissions : 0;
    request.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
    unique_fd fd(static_cast<int>(uninterrupted([&] {
      return ::syscall(SYS_openat2, root.native_handle(), path.c_str(), &request, sizeof request);
    })));
    if (fd) return std::make_shared<system_file>(std::move(fd), path);
    // No file answers EPERM to these flags: it is a filter of system calls, as old container runtimes have.
    if (errno == ENOSYS || errno == EPERM)
      throw error(errc::unsupported, "openat2 (missing in this kernel or forbidden to the process)",
                  path);
    throw_errno("open", path);
  }

  file_status status(const std::string& path) override {
    struct stat found{};
    if (::stat(path.c_str(), &found) < 0) throw_errno("stat", path);
    return status_from(found);
  }

  void rename(const std::string& from, const std::string& to) override {
    if (std::rename(from.c_str(), to.c_str()) < 0) throw_errno("rename", from + " to " + to);
  }

  void remove(const std::string& path) override {
    if (std::remove(path.c_str()) < 0) throw_errno("remove", path);
  }

  void create_directory(const std::string& path, std::uint32_t permissions) override {
    if (::mkdir(path.c_str(), permissions) < 0) throw_errno("create_directory", path);
  }
};

}  // namespace

file_system& system_files() noexcept {
  static system_file_system only;
  return only;
}

}  // namespace eddy::runtime
