// The memory of a buffered reader: unread bytes in one piece, and room behind them. No I/O.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace eddy::io {

/// What a search for separators found.
struct separator_match {
  enum class result {
    found,     ///< at `end`
    not_yet,   ///< more bytes are needed
    too_long,  ///< more than the limit stands before any separator
  };
  result outcome = result::not_yet;
  std::size_t end = 0;             ///< just behind the separator
  std::size_t separator_size = 0;  ///< its length
};

/// Throws invalid_input unless there is a separator and none is empty.
void require_separators(std::span<const std::string_view> separators);

/// Bytes are appended at the back, by filling room() and calling commit(), and consumed from the front. Spans into it
/// stay valid until the next make_room() or release(). Neither copyable nor movable.
class read_buffer {
 public:
  read_buffer() noexcept = default;
  read_buffer(const read_buffer&) = delete;
  read_buffer& operator=(const read_buffer&) = delete;

  [[nodiscard]] std::span<const std::byte> unread() const noexcept {
    return {memory_.get() + begin_, end_ - begin_};
  }
  [[nodiscard]] std::size_t size() const noexcept { return end_ - begin_; }
  [[nodiscard]] bool empty() const noexcept { return begin_ == end_; }
  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }

  /// Drops the first `n` unread bytes, at most size().
  void consume(std::size_t n) noexcept;
  /// Copies as many unread bytes as there are and fit to `out` and consumes them; returns how many.
  std::size_t take_into(std::span<std::byte> out) noexcept;
  /// Takes the first `n` unread bytes out, at most size().
  [[nodiscard]] std::string take(std::size_t n);

  /// Sees to it that room() has at least `n` bytes, by moving what is unread to the front or into larger memory.
  void make_room(std::size_t n);
  [[nodiscard]] std::span<std::byte> room() noexcept {
    return {memory_.get() + end_, capacity_ - end_};
  }
  /// The first `n` bytes of room() have been filled.
  void commit(std::size_t n) noexcept { end_ += n; }

  /// Gives the memory back if nothing is unread.
  void release() noexcept;

  /// Looks for the separator that ends first; of several ending together the longest counts. At most `limit` bytes may
  /// stand before it. `searched` makes repeated searches linear: start with zero and pass it again after new bytes.
  [[nodiscard]] separator_match find(std::span<const std::string_view> separators,
                                     std::size_t limit, std::size_t& searched) const noexcept;

 private:
  std::unique_ptr<std::byte[]> memory_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace eddy::io
