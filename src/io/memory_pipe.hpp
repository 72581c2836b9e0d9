// One direction of a memory_stream pair: bytes on the way, and the at most one operation that waits at each end.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <system_error>

#include <eddy/base/error.hpp>
#include <eddy/io/memory_stream.hpp>

namespace eddy::io {

// A reader waits only while the pipe is empty, a writer only while it is full; so never both.
class memory_pipe {
 public:
  explicit memory_pipe(memory_stream_options options);

  // True: the operation is over, with its outcome stored.
  [[nodiscard]] bool try_read(memory_stream::read_operation& op) noexcept;
  [[nodiscard]] bool try_write(memory_stream::write_operation& op) noexcept;

  void wait(memory_stream::read_operation& op) noexcept { reader_ = &op; }
  void wait(memory_stream::write_operation& op) noexcept { writer_ = &op; }
  void forget(memory_stream::read_operation&) noexcept { reader_ = nullptr; }
  void forget(memory_stream::write_operation&) noexcept { writer_ = nullptr; }
  [[nodiscard]] bool reader_waits() const noexcept { return reader_ != nullptr; }
  [[nodiscard]] bool writer_waits() const noexcept { return writer_ != nullptr; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

  // The writing end says that nothing follows; the reader still gets what is on the way.
  void end_writing() noexcept;
  // The reading end is gone: what is on the way is discarded.
  void end_reading() noexcept;
  // One end aborts: what is on the way is discarded, and the other end fails from now on.
  void reset_by_writer() noexcept;
  void reset_by_reader() noexcept;

 private:
  std::size_t copy_in(const_buffers pieces) noexcept;
  std::size_t copy_out(std::span<std::byte> into) noexcept;
  void finish_reader(std::size_t count, std::error_code failure) noexcept;
  void finish_writer(std::size_t count, std::error_code failure) noexcept;

  std::unique_ptr<std::byte[]> bytes_;
  std::size_t capacity_;
  std::size_t largest_transfer_;
  std::size_t first_ = 0;
  std::size_t size_ = 0;
  memory_stream::read_operation* reader_ = nullptr;
  memory_stream::write_operation* writer_ = nullptr;
  bool writing_ended_ = false;
  bool reading_ended_ = false;
  bool reset_ = false;
};

}  // namespace eddy::io
