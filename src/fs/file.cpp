#include <eddy/fs/file.hpp>

#include "calls.hpp"

#include <utility>

#include <eddy/base/error.hpp>

namespace eddy::fs {

task<file> file::open(std::string path, open_options how) {
  runtime::file_system& from = detail::files();
  co_return co_await to_thread([&from, &path, &how] {
    auto handle = from.open(path, how);
    const file_status found = handle->status();
    return file(std::move(handle), found);
  });
}

task<file_status> file::refresh() {
  status_ = co_await to_thread([this] { return handle_->status(); });
  co_return status_;
}

task<std::size_t> file::read_at(std::uint64_t offset, std::span<std::byte> into) {
  co_return co_await to_thread([this, offset, into] { return handle_->read_at(offset, into); });
}

task<void> file::write_at(std::uint64_t offset, std::span<const std::byte> bytes) {
  co_await to_thread([this, offset, bytes] { handle_->write_at(offset, bytes); });
}

task<void> file::resize(std::uint64_t size) {
  co_await to_thread([this, size] { handle_->resize(size); });
}

task<void> file::sync() {
  co_await to_thread([this] { handle_->sync(); });
}

task<directory> directory::open(std::string path) {
  runtime::file_system& from = detail::files();
  co_return co_await to_thread([&from, &path] {
    auto handle = from.open(path, {});
    if (handle->status().kind != file_kind::directory)
      throw error(std::make_error_code(std::errc::not_a_directory), "open", path);
    // Fails now where it would fail for every file.
    static_cast<void>(from.open_beneath(*handle, ".", {}));
    return directory(std::move(handle));
  });
}

task<file> directory::open_beneath(std::string path, open_options how) const {
  runtime::file_system& from = detail::files();
  const runtime::open_file& root = *handle_;
  co_return co_await to_thread([&from, &root, &path, &how] {
    auto handle = from.open_beneath(root, path, how);
    const file_status found = handle->status();
    return file(std::move(handle), found);
  });
}

task<std::vector<directory_entry>> directory::entries(std::size_t most) const {
  co_return co_await to_thread([this, most] { return handle_->entries(most); });
}

task<std::vector<directory_entry>> directory::entries_beneath(std::string path,
                                                              std::size_t most) const {
  runtime::file_system& from = detail::files();
  const runtime::open_file& root = *handle_;
  co_return co_await to_thread(
      [&from, &root, &path, most] { return from.open_beneath(root, path, {})->entries(most); });
}

}  // namespace eddy::fs
