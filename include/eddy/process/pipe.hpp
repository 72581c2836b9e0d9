// Pipes to and from a child process, as byte streams of one direction each.
//
// A pipe belongs to the loop on which it was made. One task may wait on it at a time; a second one gets errc::busy. Its
// destructor closes it at once; no operation may be pending then. Buffers have to live as long as the await.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include <sys/uio.h>

#include <eddy/base/check.hpp>
#include <eddy/io/stream.hpp>
#include <eddy/runtime/driver.hpp>

namespace eddy::process {

class pipe_read_operation final : public runtime::io_operation {
 public:
  pipe_read_operation(runtime::descriptor& on, std::span<std::byte> into) noexcept
      : io_operation(on, runtime::io_verb::receive), into_{into.data(), into.size()} {}

  bool try_complete();
  [[nodiscard]] std::size_t take();

 private:
  iovec into_;
};

class pipe_write_operation final : public runtime::io_operation {
 public:
  pipe_write_operation(runtime::descriptor& on, std::span<const std::byte> bytes) noexcept
      : io_operation(on, runtime::io_verb::send), single_(io::piece(bytes)) {}
  pipe_write_operation(runtime::descriptor& on, io::const_buffers pieces) noexcept
      : io_operation(on, runtime::io_verb::send), pieces_(pieces) {}

  bool try_complete();
  [[nodiscard]] std::size_t take() { return take_count("write"); }

 private:
  iovec single_{};
  io::const_buffers pieces_{};
};

/// What both ends have in common. Move-only.
class pipe_end {
 public:
  explicit pipe_end(std::unique_ptr<runtime::descriptor> on) noexcept : on_(std::move(on)) {}

  [[nodiscard]] bool is_open() const noexcept { return on_ != nullptr && on_->is_open(); }
  /// Releases the descriptor; a task that waits on it gets errc::closed. Idempotent.
  void close() noexcept {
    if (on_ != nullptr) on_->close();
  }

 protected:
  [[nodiscard]] runtime::descriptor& on() const {
    check(on_ != nullptr, "a moved-from pipe was used");
    return *on_;
  }

 private:
  std::unique_ptr<runtime::descriptor> on_;
};

/// What the child writes. Models io::readable_stream.
class pipe_reader final : public pipe_end {
 public:
  using pipe_end::pipe_end;

  /// Waits for at least one byte and gives the number of bytes stored; 0: every writer has closed its end, or this one
  /// was closed here.
  [[nodiscard]] pipe_read_operation read_some(std::span<std::byte> into) { return {on(), into}; }
};

/// What the child reads. Models io::writable_stream; closing it is the end of the child's input.
class pipe_writer final : public pipe_end {
 public:
  using pipe_end::pipe_end;

  /// Writes some bytes, at least one, and gives how many. Throws condition::disconnected when nobody can read them any
  /// more; never raises a signal.
  [[nodiscard]] pipe_write_operation write_some(std::span<const std::byte> bytes) {
    return {on(), bytes};
  }
  [[nodiscard]] pipe_write_operation write_some(io::const_buffers pieces) { return {on(), pieces}; }
};

static_assert(io::readable_stream<pipe_reader> && io::writable_stream<pipe_writer>);

}  // namespace eddy::process
