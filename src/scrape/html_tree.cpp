#include "html_tree.hpp"

#include "ascii.hpp"

#include <csetjmp>
#include <cstdlib>
#include <unordered_map>
#include <utility>

#include <eddy/base/error.hpp>

namespace eddy::scrape::detail {
namespace {

/// How gumbo, which cannot do without memory, is left when there is none: back to where it was called. Between there
/// and here are only its own frames, of C, and what they allocated belongs to tree_memory.
struct parse_context {
  tree_memory* memory;
  std::jmp_buf out_of_memory;
};

extern "C" void* allocate_for_gumbo(void* context, std::size_t size) {
  auto& parse = *static_cast<parse_context*>(context);
  void* const memory = parse.memory->allocate(size);
  if (memory == nullptr) std::longjmp(parse.out_of_memory, 1);
  return memory;
}

extern "C" void free_for_gumbo(void* context, void* memory) {
  static_cast<parse_context*>(context)->memory->free(memory);
}

/// Null when the memory does not suffice. No objects with destructors here: longjmp comes back into this frame.
const GumboNode* parse_tree(parse_context& context, const char* text, std::size_t size) {
  if (setjmp(context.out_of_memory) != 0) return nullptr;
  GumboOptions options = kGumboDefaultOptions;
  options.allocator = allocate_for_gumbo;
  options.deallocator = free_for_gumbo;
  options.userdata = &context;
  options.max_errors = 0;
  return gumbo_parse_with_options(&options, text, size)->root;
}

bool is_one_of(std::string_view name, std::string_view words) {
  return words.find(" " + std::string(name) + " ") != std::string_view::npos;
}

/// Void elements, and those whose end tag is usually left out.
bool has_no_end(std::string_view name) {
  return is_one_of(name,
                   " area base br col embed hr img input link meta param source track wbr p li dd "
                   "dt option optgroup "
                   "tr td th tbody thead tfoot colgroup rp rt ");
}

/// Elements that end SVG and MathML (HTML section 13.2.6.5).
bool leaves_foreign_content(std::string_view name) {
  return is_one_of(
      name,
      " b big blockquote body br center code dd div dl dt em embed h1 h2 h3 h4 h5 h6 head hr i img "
      "li "
      "listing menu meta nobr ol p pre ruby s small span strong strike sub sup table tt u ul var ");
}

/// Goes from tag to tag, and knows which elements are open, roughly.
class depth_estimate {
 public:
  explicit depth_estimate(std::string_view text) : text_(text) {}

  /// Where the text first is nested more than `most` deep; its size if nowhere.
  std::size_t first_beyond(std::size_t most) {
    std::size_t at = 0;
    while ((at = text_.find('<', at)) != std::string_view::npos) {
      const std::size_t begin = at;
      at = behind_tag(begin + 1);
      if (depth_ > most) return begin;
    }
    return text_.size();
  }

 private:
  /// Takes in the tag whose "<" stands before `at`, and gives where to look on.
  std::size_t behind_tag(std::size_t at) {
    if (text_.substr(at).starts_with("!--")) return std::min(text_.find("-->", at), text_.size());
    const bool closing = at < text_.size() && text_[at] == '/';
    if (closing) ++at;
    if (at == text_.size() || !is_alpha(text_[at])) return at;
    constexpr std::size_t longest_name = 64;
    const std::size_t name_end = std::min(text_.find_first_of(" \t\r\n\f/>", at), text_.size());
    const std::string name = lower(text_.substr(at, std::min(name_end - at, longest_name)));
    const std::size_t end = std::min(text_.find('>', name_end), text_.size());
    if (closing) {
      closed(name);
    } else if (is_one_of(name, " script style textarea title xmp iframe noembed noframes ")) {
      return end_of_raw_text(end, name);
    } else {
      opened(name, end > at && text_[end - 1] == '/');
    }
    return name_end;
  }

  void opened(const std::string& name, bool self_closing) {
    if (leaves_foreign_content(name)) foreign_ = false;
    if (has_no_end(name) || (foreign_ && self_closing)) return;
    if (name == "svg" || name == "math") foreign_ = true;
    ++open_[name];
    ++depth_;
  }

  void closed(const std::string& name) {
    if (name == "svg" || name == "math") foreign_ = false;
    const auto found = open_.find(name);
    if (found == open_.end() || found->second == 0) return;
    --found->second;
    --depth_;
  }

  [[nodiscard]] std::size_t end_of_raw_text(std::size_t at, std::string_view name) const {
    while ((at = text_.find("</", at)) != std::string_view::npos) {
      at += 2;
      if (equal_but_case(text_.substr(at, name.size()), name)) return at;
    }
    return text_.size();
  }

  std::string_view text_;
  std::unordered_map<std::string, std::size_t> open_;
  std::size_t depth_ = 0;
  bool foreign_ = false;  // within SVG or MathML, where "/>" ends an element
};

}  // namespace

struct tree_memory::block {
  block* newer;
  block* older;
  std::size_t size;
  void* padding;  // what follows is aligned for anything
};

tree_memory::~tree_memory() {
  while (newest_ != nullptr) std::free(std::exchange(newest_, newest_->older));
}

void* tree_memory::allocate(std::size_t size) noexcept {
  static_assert(sizeof(block) % alignof(std::max_align_t) == 0);
  if (size > left_ || left_ - size < sizeof(block)) return nullptr;
  auto* const made = static_cast<block*>(std::malloc(sizeof(block) + size));
  if (made == nullptr) return nullptr;
  left_ -= sizeof(block) + size;
  *made = {nullptr, newest_, size, nullptr};
  if (newest_ != nullptr) newest_->newer = made;
  newest_ = made;
  return made + 1;
}

void tree_memory::free(void* memory) noexcept {
  if (memory == nullptr) return;
  block* const gone = static_cast<block*>(memory) - 1;
  (gone->newer != nullptr ? gone->newer->older : newest_) = gone->older;
  if (gone->older != nullptr) gone->older->newer = gone->newer;
  left_ += sizeof(block) + gone->size;
  std::free(gone);
}

html_tree::html_tree(std::string_view utf8, std::size_t max_memory) : memory_(max_memory) {
  parse_context context;
  context.memory = &memory_;
  root_ = parse_tree(context, utf8.data(), utf8.size());
  if (root_ == nullptr) throw error(errc::limit_exceeded, "parse_html: the page's tree");
}

std::string_view up_to_depth(std::string_view utf8, std::size_t max_depth) {
  return utf8.substr(0, depth_estimate(utf8).first_beyond(max_depth));
}

}  // namespace eddy::scrape::detail
