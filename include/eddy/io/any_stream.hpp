// any_stream: a byte stream whose type is not known at compile time.
//
//   eddy::io::any_stream s(co_await eddy::net::tcp_stream::connect("example.org", 80));
//
// For code that is to be compiled once over TCP, TLS and memory. Each read and write costs one virtual call and one
// pooled coroutine frame more than on the stream itself.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>

#include <eddy/base/check.hpp>
#include <eddy/coro/task.hpp>
#include <eddy/io/stream.hpp>

namespace eddy::io {

/// The operations of a byte stream as an interface; the contract stands in stream.hpp. Implemented by any_stream for
/// every byte_stream; derive from it for a stream that is nothing but dynamic.
class stream_interface {
 public:
  stream_interface() noexcept = default;
  stream_interface(const stream_interface&) = delete;
  stream_interface& operator=(const stream_interface&) = delete;
  virtual ~stream_interface() = default;

  virtual task<std::size_t> read_some(std::span<std::byte> into) = 0;
  virtual task<std::size_t> write_some(std::span<const std::byte> bytes) = 0;
  virtual task<std::size_t> write_some(const_buffers pieces) = 0;
  virtual task<void> shutdown_write() = 0;
  virtual task<void> close() = 0;
  virtual void abort() noexcept = 0;
};

/// Owns a stream of any type and is a byte_stream itself. Move-only; used after a move it stops the program. The stream
/// inside does not move with it, so operations that wait stay valid.
class any_stream {
 public:
  /// Takes the stream over.
  template <byte_stream Stream>
    requires(!std::same_as<Stream, any_stream> && std::is_move_constructible_v<Stream>)
  explicit any_stream(Stream stream)
      : stream_(std::make_unique<holder<Stream>>(std::move(stream))) {}
  explicit any_stream(std::unique_ptr<stream_interface> stream) noexcept
      : stream_(std::move(stream)) {}

  [[nodiscard]] task<std::size_t> read_some(std::span<std::byte> into) {
    return stream().read_some(into);
  }
  [[nodiscard]] task<std::size_t> write_some(std::span<const std::byte> bytes) {
    return stream().write_some(bytes);
  }
  [[nodiscard]] task<std::size_t> write_some(const_buffers pieces) {
    return stream().write_some(pieces);
  }
  [[nodiscard]] task<void> shutdown_write() { return stream().shutdown_write(); }
  [[nodiscard]] task<void> close() { return stream().close(); }
  void abort() noexcept { stream().abort(); }

  /// The stream inside, if it is a Stream; else null. For what only one kind can do (a peer's address).
  template <byte_stream Stream>
  [[nodiscard]] Stream* target() noexcept {
    auto* held = dynamic_cast<holder<Stream>*>(stream_.get());
    return held != nullptr ? &held->stream() : nullptr;
  }

 private:
  template <class Stream>
  class holder final : public stream_interface {
   public:
    explicit holder(Stream stream) : stream_(std::move(stream)) {}
    [[nodiscard]] Stream& stream() noexcept { return stream_; }

    task<std::size_t> read_some(std::span<std::byte> into) override {
      co_return co_await stream_.read_some(into);
    }
    task<std::size_t> write_some(std::span<const std::byte> bytes) override {
      co_return co_await stream_.write_some(bytes);
    }
    task<std::size_t> write_some(const_buffers pieces) override {
      co_return co_await stream_.write_some(pieces);
    }
    task<void> shutdown_write() override { co_await stream_.shutdown_write(); }
    task<void> close() override { co_await stream_.close(); }
    void abort() noexcept override { stream_.abort(); }

   private:
    Stream stream_;
  };

  [[nodiscard]] stream_interface& stream() const {
    check(stream_ != nullptr, "an any_stream was used after it had been moved from");
    return *stream_;
  }

  std::unique_ptr<stream_interface> stream_;
};

static_assert(byte_stream<any_stream>);

}  // namespace eddy::io
