// What a server's connection has read from its client and not used yet.
//
// Memory comes with the first read. A head that is held does not move while its request is answered.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace eddy::http::detail {

class input_buffer {
 public:
  input_buffer() noexcept = default;
  input_buffer(const input_buffer&) = delete;
  input_buffer& operator=(const input_buffer&) = delete;

  [[nodiscard]] bool empty() const noexcept { return begin_ == end_; }
  [[nodiscard]] std::string_view unread() const noexcept {
    return {memory_.get() + begin_, end_ - begin_};
  }
  void consume(std::size_t bytes) noexcept { begin_ += bytes; }
  /// Consumes a head and holds it until the next one's is called for; gives it where it lies from now on. With
  /// `body_follows` there is room behind it.
  std::string_view hold(std::size_t bytes, bool body_follows);
  /// All that is unread; the memory is given back.
  [[nodiscard]] std::string take();

  /// Memory to read the next piece of a head into; nothing is held any more, and what is unread may move.
  [[nodiscard]] std::span<std::byte> head_room();
  /// Memory to read the next piece of a body into; overwrites body data given before.
  [[nodiscard]] std::span<std::byte> body_room() noexcept;
  /// Memory behind what is unread; may be empty. Moves nothing.
  [[nodiscard]] std::span<std::byte> spare_room() noexcept {
    return std::as_writable_bytes(std::span(memory_.get() + end_, capacity_ - end_));
  }
  /// All of the memory, when nobody needs what is in it.
  [[nodiscard]] std::span<std::byte> scratch_room();
  void commit(std::size_t bytes) noexcept { end_ += bytes; }

  /// Gives back memory beyond the usual of an empty buffer.
  void trim() noexcept;

 private:
  void grow(std::size_t capacity);
  void give_back() noexcept;

  std::unique_ptr<char[]> memory_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::size_t held_ = 0;  // at the memory's beginning
};

}  // namespace eddy::http::detail
