// memory_stream: two connected byte streams without an operating system, for tests and for talking within a program.
//
//   auto [client, server] = eddy::io::memory_stream_pair();
#pragma once

#include <cstddef>
#include <limits>
#include <memory>
#include <span>
#include <system_error>
#include <utility>

#include <eddy/coro/operation.hpp>
#include <eddy/io/stream.hpp>

namespace eddy::io {

struct memory_stream_options {
  std::size_t capacity =
      64 * 1024;  ///< bytes on the way, each direction; a write beyond it waits; at least 1
  /// Most bytes one read or write moves: 1 delivers byte by byte. At least 1.
  std::size_t largest_transfer = std::numeric_limits<std::size_t>::max();
};

/// One direction of a pair; the stream's operations wait on it. Private to memory_stream.
class memory_pipe;

/// One end of a pair; a byte_stream with the contract of stream.hpp. Both ends belong to one loop. Move-only; moving an
/// end does not disturb operations that wait on it. Used after a move it stops the program.
///
/// What was written counts as sent: the peer can read it after close() too. abort() discards it, and the peer's reads
/// and writes fail with std::errc::connection_reset. A write to an end that was closed fails with
/// std::errc::broken_pipe. An end destroyed while a task waits on it stops the program.
class memory_stream {
 public:
  class read_operation;
  class write_operation;
  class end_operation;

  memory_stream(memory_stream&&) noexcept = default;
  memory_stream& operator=(memory_stream&& other) noexcept;
  ~memory_stream();

  [[nodiscard]] read_operation read_some(std::span<std::byte> into);
  [[nodiscard]] write_operation write_some(std::span<const std::byte> bytes);
  [[nodiscard]] write_operation write_some(const_buffers pieces);
  [[nodiscard]] end_operation shutdown_write();
  [[nodiscard]] end_operation close();
  void abort() noexcept;

  /// Bytes that could be read without waiting.
  [[nodiscard]] std::size_t readable() const noexcept;

 private:
  friend std::pair<memory_stream, memory_stream> memory_stream_pair(memory_stream_options);
  memory_stream(std::shared_ptr<memory_pipe> in, std::shared_ptr<memory_pipe> out) noexcept;
  void close_now() noexcept;
  void shutdown_now() noexcept;

  std::shared_ptr<memory_pipe> in_;
  std::shared_ptr<memory_pipe> out_;
};

/// Two ends of one connection. Options that are zero throw invalid_input.
[[nodiscard]] std::pair<memory_stream, memory_stream> memory_stream_pair(
    memory_stream_options options = {});

/// What read_some() returns, for co_await.
class memory_stream::read_operation final : public coro::operation {
 public:
  read_operation(std::shared_ptr<memory_pipe> pipe, std::span<std::byte> into) noexcept
      : pipe_(std::move(pipe)), into_(into) {}

  [[nodiscard]] coro::wait_info describe() const override;
  bool try_complete();
  void enqueue() noexcept;
  std::size_t take() const;

 private:
  friend memory_pipe;
  void withdraw() noexcept override;

  std::shared_ptr<memory_pipe> pipe_;
  std::span<std::byte> into_;
  std::size_t count_ = 0;
  std::error_code failure_;
};

/// What write_some() returns, for co_await.
class memory_stream::write_operation final : public coro::operation {
 public:
  write_operation(std::shared_ptr<memory_pipe> pipe, std::span<const std::byte> bytes) noexcept
      : pipe_(std::move(pipe)), single_(piece(bytes)) {}
  write_operation(std::shared_ptr<memory_pipe> pipe, const_buffers pieces) noexcept
      : pipe_(std::move(pipe)), pieces_(pieces) {}

  [[nodiscard]] coro::wait_info describe() const override;
  bool try_complete();
  void enqueue() noexcept;
  std::size_t take() const;

 private:
  friend memory_pipe;
  void withdraw() noexcept override;
  [[nodiscard]] const_buffers pieces() const noexcept {
    return pieces_.data() != nullptr ? pieces_ : const_buffers(&single_, 1);
  }

  std::shared_ptr<memory_pipe> pipe_;
  iovec single_{};
  const_buffers pieces_;
  std::size_t count_ = 0;
  std::error_code failure_;
};

/// What shutdown_write() and close() return, for co_await. Never waits; is refused in a cancelled scope.
class memory_stream::end_operation final : public coro::operation {
 public:
  end_operation(memory_stream& stream, bool both_directions) noexcept
      : stream_(&stream), both_directions_(both_directions) {}

  [[nodiscard]] coro::wait_info describe() const override { return {"memory_stream.close"}; }
  bool try_complete() noexcept {
    both_directions_ ? stream_->close_now() : stream_->shutdown_now();
    return true;
  }
  void enqueue() const noexcept {}
  void take() const noexcept {}

 private:
  void withdraw() noexcept override {}

  memory_stream* stream_;
  bool both_directions_;
};

static_assert(byte_stream<memory_stream>);

}  // namespace eddy::io
