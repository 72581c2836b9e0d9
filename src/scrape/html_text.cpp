#include "html_text.hpp"

#include "ascii.hpp"
#include "utf8.hpp"

namespace eddy::scrape::detail {
namespace {

bool is_block(GumboTag tag) {
  switch (tag) {
    case GUMBO_TAG_ADDRESS:
    case GUMBO_TAG_ARTICLE:
    case GUMBO_TAG_ASIDE:
    case GUMBO_TAG_BLOCKQUOTE:
    case GUMBO_TAG_BODY:
    case GUMBO_TAG_BR:
    case GUMBO_TAG_CAPTION:
    case GUMBO_TAG_CENTER:
    case GUMBO_TAG_DD:
    case GUMBO_TAG_DETAILS:
    case GUMBO_TAG_DIR:
    case GUMBO_TAG_DIV:
    case GUMBO_TAG_DL:
    case GUMBO_TAG_DT:
    case GUMBO_TAG_FIELDSET:
    case GUMBO_TAG_FIGCAPTION:
    case GUMBO_TAG_FIGURE:
    case GUMBO_TAG_FOOTER:
    case GUMBO_TAG_FORM:
    case GUMBO_TAG_H1:
    case GUMBO_TAG_H2:
    case GUMBO_TAG_H3:
    case GUMBO_TAG_H4:
    case GUMBO_TAG_H5:
    case GUMBO_TAG_H6:
    case GUMBO_TAG_HEADER:
    case GUMBO_TAG_HGROUP:
    case GUMBO_TAG_HR:
    case GUMBO_TAG_LEGEND:
    case GUMBO_TAG_LI:
    case GUMBO_TAG_MAIN:
    case GUMBO_TAG_MENU:
    case GUMBO_TAG_NAV:
    case GUMBO_TAG_OL:
    case GUMBO_TAG_OPTION:
    case GUMBO_TAG_P:
    case GUMBO_TAG_PRE:
    case GUMBO_TAG_SECTION:
    case GUMBO_TAG_SELECT:
    case GUMBO_TAG_SUMMARY:
    case GUMBO_TAG_TABLE:
    case GUMBO_TAG_TBODY:
    case GUMBO_TAG_TEXTAREA:
    case GUMBO_TAG_TFOOT:
    case GUMBO_TAG_THEAD:
    case GUMBO_TAG_TR:
    case GUMBO_TAG_UL: return true;
    default: return false;
  }
}

bool is_cell(GumboTag tag) { return tag == GUMBO_TAG_TD || tag == GUMBO_TAG_TH; }
bool is_preformatted(GumboTag tag) { return tag == GUMBO_TAG_PRE || tag == GUMBO_TAG_TEXTAREA; }

/// The bytes of white space that `text` begins with: ASCII's, or a no-break space (U+00A0).
std::size_t leading_space(std::string_view text) noexcept {
  if (space.find(text.front()) != std::string_view::npos) return 1;
  return text.starts_with("\xC2\xA0") ? 2 : 0;
}

/// Takes the next word off `text`; empty when it begins with white space, which is then taken.
std::string_view next_word(std::string_view& text) noexcept {
  if (const std::size_t size = leading_space(text); size > 0) {
    text.remove_prefix(size);
    return {};
  }
  std::size_t end = 1;
  while (end < text.size() && leading_space(text.substr(end)) == 0) ++end;
  const std::string_view word = text.substr(0, end);
  text.remove_prefix(end);
  return word;
}

}  // namespace

std::string one_line(std::string_view text) {
  std::string out;
  bool gap = false;
  while (!text.empty()) {
    const std::string_view word = next_word(text);
    if (word.empty()) {
      gap = true;
      continue;
    }
    if (gap && !out.empty()) out += ' ';
    gap = false;
    out += word;
  }
  return out;
}

void readable_text::enter(GumboTag tag) {
  if (is_block(tag)) widen(gap::line);
  if (is_cell(tag)) widen(gap::tab);
  if (is_preformatted(tag)) ++preformatted_;
}

void readable_text::leave(GumboTag tag) {
  if (is_block(tag)) widen(gap::line);
  if (is_cell(tag)) widen(gap::tab);
  if (is_preformatted(tag)) --preformatted_;
}

void readable_text::append(std::string_view word) {
  if (!text_.empty() && gap_ != gap::none) {
    text_ += gap_ == gap::line ? '\n' : gap_ == gap::tab ? '\t' : ' ';
  }
  gap_ = gap::none;
  text_ += word;
}

void readable_text::add(std::string_view text) {
  if (text_.size() >= most_) return;
  if (preformatted_ > 0) {
    if (!text.empty()) append(text);
    return;
  }
  while (!text.empty()) {
    const std::string_view word = next_word(text);
    if (word.empty()) {
      widen(gap::blank);
    } else {
      append(word);
    }
  }
}

std::string readable_text::take() {
  shorten_utf8(text_, most_);
  return std::move(text_);
}

}  // namespace eddy::scrape::detail
