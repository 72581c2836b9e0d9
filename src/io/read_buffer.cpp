#include <eddy/io/read_buffer.hpp>

#include <algorithm>
#include <cstring>

#include <eddy/base/check.hpp>
#include <eddy/base/error.hpp>
#include <eddy/io/stream.hpp>

namespace eddy::io {

void require_separators(std::span<const std::string_view> separators) {
  const bool usable =
      !separators.empty() && std::ranges::none_of(separators, &std::string_view::empty);
  if (!usable) throw_invalid_input("no separator, or an empty one");
}

void read_buffer::consume(std::size_t n) noexcept {
  check(n <= size(), "more bytes were consumed than are buffered");
  begin_ += n;
}

std::size_t read_buffer::take_into(std::span<std::byte> out) noexcept {
  const std::size_t n = std::min(out.size(), size());
  if (n != 0) std::memcpy(out.data(), memory_.get() + begin_, n);
  begin_ += n;
  return n;
}

std::string read_buffer::take(std::size_t n) {
  std::string taken(text_of(unread().first(n)));
  begin_ += n;
  return taken;
}

void read_buffer::make_room(std::size_t n) {
  if (capacity_ - end_ >= n) return;
  const std::size_t unread_size = size();
  // Moving to the front is free when nothing is unread, and pays when it frees as much as it moves.
  if (capacity_ - unread_size >= n && begin_ >= unread_size) {
    if (unread_size != 0) std::memmove(memory_.get(), memory_.get() + begin_, unread_size);
  } else {
    const std::size_t needed = unread_size + n;
    const std::size_t capacity = std::max(needed, std::min(2 * capacity_, 2 * needed));
    auto larger = std::make_unique_for_overwrite<std::byte[]>(capacity);
    if (unread_size != 0) std::memcpy(larger.get(), memory_.get() + begin_, unread_size);
    memory_ = std::move(larger);
    capacity_ = capacity;
  }
  begin_ = 0;
  end_ = unread_size;
}

void read_buffer::release() noexcept {
  if (!empty()) return;
  memory_.reset();
  capacity_ = begin_ = end_ = 0;
}

separator_match read_buffer::find(std::span<const std::string_view> separators, std::size_t limit,
                                  std::size_t& searched) const noexcept {
  using enum separator_match::result;
  const std::string_view text = text_of(unread());
  separator_match best;
  std::size_t longest = 0;
  for (const std::string_view separator : separators) {
    longest = std::max(longest, separator.size());
    // A separator may have begun in what was searched before.
    const std::size_t from = searched - std::min(searched, separator.size() - 1);
    const std::size_t at = text.find(separator, from);
    if (at == std::string_view::npos) continue;
    const std::size_t end = at + separator.size();
    const bool better = best.outcome != found || end < best.end ||
                        (end == best.end && separator.size() > best.separator_size);
    if (better) best = {found, end, separator.size()};
  }
  if (best.outcome == found) {
    if (best.end - best.separator_size > limit) best = {too_long, 0, 0};
    return best;
  }
  searched = text.size();
  // The next byte could still complete the longest separator, begun within the limit.
  if (text.size() >= longest && text.size() - longest >= limit) best.outcome = too_long;
  return best;
}

}  // namespace eddy::io
