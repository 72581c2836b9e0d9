#include "input_buffer.hpp"

#include <cstring>
#include <utility>

namespace eddy::http::detail {
namespace {

constexpr std::size_t usual_capacity = 8 * 1024;
constexpr std::size_t least_room = 1024;  // worth a read

}  // namespace

std::string_view input_buffer::hold(std::size_t bytes, bool body_follows) {
  const std::size_t begin = begin_;
  begin_ += bytes;
  held_ = begin_;
  if (body_follows && capacity_ - held_ < least_room) grow(capacity_ + usual_capacity);
  return {memory_.get() + begin, bytes};
}

std::string input_buffer::take() {
  std::string taken(unread());
  give_back();
  return taken;
}

std::span<std::byte> input_buffer::head_room() {
  if (begin_ == end_) begin_ = end_ = 0;
  if (capacity_ - end_ < least_room) {
    if (begin_ > 0) {
      std::memmove(memory_.get(), memory_.get() + begin_, end_ - begin_);
      end_ -= std::exchange(begin_, 0);
    }
    // The parser refuses what is too large, so this ends.
    if (capacity_ - end_ < least_room) grow(capacity_ == 0 ? usual_capacity : 2 * capacity_);
  }
  return spare_room();
}

std::span<std::byte> input_buffer::body_room() noexcept {
  if (begin_ == end_) {
    begin_ = end_ = held_;
  } else if (capacity_ - end_ < least_room) {
    std::memmove(memory_.get() + held_, memory_.get() + begin_, end_ - begin_);
    end_ -= begin_ - held_;
    begin_ = held_;
  }
  return spare_room();
}

std::span<std::byte> input_buffer::scratch_room() {
  begin_ = end_ = 0;
  return head_room();
}

void input_buffer::trim() noexcept {
  if (capacity_ > usual_capacity && begin_ == end_) give_back();
}

void input_buffer::give_back() noexcept {
  memory_.reset();
  capacity_ = begin_ = end_ = held_ = 0;
}

void input_buffer::grow(std::size_t capacity) {
  auto larger = std::make_unique_for_overwrite<char[]>(capacity);
  if (end_ > 0) std::memcpy(larger.get(), memory_.get(), end_);
  memory_ = std::move(larger);
  capacity_ = capacity;
}

}  // namespace eddy::http::detail
