// The text of a page as a reader sees it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <gumbo.h>

namespace eddy::scrape::detail {

/// White space folded into single spaces, none at the ends.
[[nodiscard]] std::string one_line(std::string_view text);

/// Is told the elements and the text of a page in document order.
class readable_text {
 public:
  /// At most `most` bytes are kept.
  explicit readable_text(std::size_t most) : most_(most) {}

  void enter(GumboTag tag);
  void leave(GumboTag tag);
  void add(std::string_view text);
  /// The text; without white space at the ends of its lines but for <pre>, and without empty lines.
  [[nodiscard]] std::string take();

 private:
  /// What stands between the text so far and the next word; a stronger one replaces a weaker one.
  enum class gap { none, blank, tab, line };
  void widen(gap to) noexcept { gap_ = gap_ < to ? to : gap_; }
  void append(std::string_view word);

  std::string text_;
  std::size_t most_;
  gap gap_ = gap::none;
  std::size_t preformatted_ = 0;  // open <pre> and <textarea>
};

}  // namespace eddy::scrape::detail
