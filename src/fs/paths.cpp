#include <eddy/fs/paths.hpp>

#include "calls.hpp"

#include <algorithm>
#include <utility>

#include <eddy/base/error.hpp>
#include <eddy/io/stream.hpp>

namespace eddy::fs {
namespace {

/// "folder/.eddy-<16 hex digits>": hidden, and unlikely to be there.
std::string unused_name(std::string_view folder, random_source& random) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string name(folder);
  if (!name.empty() && !name.ends_with('/')) name += '/';
  name += ".eddy-";
  std::uint64_t bits = random();
  for (int i = 0; i < 16; ++i, bits >>= 4) name += digits[bits & 15];
  return name;
}

std::string_view folder_of(std::string_view path) noexcept {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string_view() : path.substr(0, slash + 1);
}

std::string read_all(const runtime::open_file& from, const std::string& path, std::size_t most) {
  std::string text;
  std::size_t size = 0;
  const std::uint64_t expected = from.status().size;
  for (;;) {
    // One byte more than there should be shows the end without a further read.
    const std::size_t known = expected > size ? static_cast<std::size_t>(expected - size) : 0;
    const std::size_t room = std::min(known + 1, most - size + 1);
    text.resize(size + std::max<std::size_t>(room, std::min<std::size_t>(4096, most - size + 1)));
    const std::size_t got =
        from.read_at(size, std::as_writable_bytes(std::span(text)).subspan(size));
    const bool ended = size + got < text.size();
    size += got;
    if (size > most) throw error(errc::limit_exceeded, "read_file", path);
    if (ended) break;
  }
  text.resize(size);
  return text;
}

}  // namespace

task<file_status> status(std::string path) {
  runtime::file_system& in = detail::files();
  co_return co_await to_thread([&in, &path] { return in.status(path); });
}

task<bool> exists(std::string path) {
  try {
    co_await status(std::move(path));
  } catch (const error& failure) {
    if (failure.code() != std::errc::no_such_file_or_directory &&
        failure.code() != std::errc::not_a_directory)
      throw;
    co_return false;
  }
  co_return true;
}

task<void> rename(std::string from, std::string to) {
  runtime::file_system& in = detail::files();
  co_await to_thread([&in, &from, &to] { in.rename(from, to); });
}

task<void> remove(std::string path) {
  runtime::file_system& in = detail::files();
  co_await to_thread([&in, &path] { in.remove(path); });
}

task<void> create_directory(std::string path, std::uint32_t permissions) {
  runtime::file_system& in = detail::files();
  co_await to_thread([&in, &path, permissions] { in.create_directory(path, permissions); });
}

task<std::string> read_file(std::string path, std::size_t most) {
  if (most == SIZE_MAX) --most;  // one more is asked for
  runtime::file_system& in = detail::files();
  co_return co_await to_thread(
      [&in, &path, most] { return read_all(*in.open(path, {}), path, most); });
}

task<void> write_file(std::string path, std::string text) {
  runtime::file_system& in = detail::files();
  co_await to_thread([&in, &path, &text] {
    const open_options how{.access = file_access::write, .creation = file_creation::truncate};
    in.open(path, how)->write_at(0, io::bytes_of(text));
  });
}

task<void> replace_file(std::string path, std::string text) {
  runtime::file_system& in = detail::files();
  const std::string beside = unused_name(folder_of(path), coro::scheduler::require().random());
  co_await to_thread([&in, &path, &text, &beside] {
    const open_options how{.access = file_access::write, .creation = file_creation::only_new};
    auto made = in.open(beside, how);
    try {
      made->write_at(0, io::bytes_of(text));
      made->sync();
      in.rename(beside, path);
    } catch (...) {
      in.remove(beside);
      throw;
    }
    // The new name is on the device when its folder is.
    const std::string folder(folder_of(path));
    in.open(folder.empty() ? "." : folder, {})->sync();
  });
}

// --- temporary files ---

task<temporary_file> temporary_file::create(std::string folder) {
  constexpr int attempts = 8;
  for (int attempt = 1;; ++attempt) {
    std::string name = unused_name(folder, coro::scheduler::require().random());
    const open_options how{.access = file_access::read_write,
                           .creation = file_creation::only_new,
                           .permissions = 0600};
    try {
      fs::file made = co_await fs::file::open(name, how);
      co_return temporary_file(std::move(made), std::move(name));
    } catch (const error& failure) {
      if (failure.code() != std::errc::file_exists || attempt == attempts) throw;
    }
  }
}

temporary_file::temporary_file(temporary_file&& other) noexcept
    : file_(std::move(other.file_)), path_(std::exchange(other.path_, {})) {}

temporary_file& temporary_file::operator=(temporary_file&& other) noexcept {
  if (this != &other) {
    discard();
    file_ = std::move(other.file_);
    path_ = std::exchange(other.path_, {});
  }
  return *this;
}

temporary_file::~temporary_file() { discard(); }

void temporary_file::discard() noexcept {
  if (path_.empty()) return;
  try {
    detail::files().remove(path_);
  } catch (const error&) {
    // Somebody else has removed it, or its folder: there is nothing left to do.
  }
  path_.clear();
}

task<void> temporary_file::keep(std::string to) {
  runtime::file_system& in = detail::files();
  co_await to_thread([this, &in, &to] { in.rename(path_, to); });
  path_.clear();
}

}  // namespace eddy::fs
