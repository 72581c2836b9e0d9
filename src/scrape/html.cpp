#include <eddy/scrape/html.hpp>

#include "ascii.hpp"
#include "html_text.hpp"
#include "html_tree.hpp"
#include "utf8.hpp"

#include <optional>
#include <unordered_map>

namespace eddy::scrape {
namespace {

constexpr std::size_t longest_title = 1000;      // bytes
constexpr std::size_t longest_content = 10'000;  // bytes, of one <meta>

std::string_view attribute(const GumboNode& element, const char* name) {
  const GumboAttribute* const found = gumbo_get_attribute(&element.v.element.attributes, name);
  return found == nullptr ? std::string_view() : found->value;
}

/// Whether a list of words between spaces has `word` in it.
bool has_word(std::string_view list, std::string_view word) {
  while (!list.empty()) {
    list = detail::trim(list);
    const std::string_view next = list.substr(0, list.find_first_of(" \t\r\n\f,"));
    if (detail::equal_but_case(next, word)) return true;
    list.remove_prefix(std::min(next.size() + 1, list.size()));
  }
  return false;
}

/// "5; url='/next'" of a refresh: the URL.
std::string_view refresh_target(std::string_view content) {
  const std::size_t cut = content.find_first_of(";,");
  if (cut == std::string_view::npos) return {};
  std::string_view rest = detail::trim(content.substr(cut + 1));
  if (!detail::equal_but_case(rest.substr(0, 3), "url")) return {};
  rest = detail::trim(rest.substr(3));
  if (!rest.starts_with('=')) return {};
  return detail::trim(rest.substr(1), " \t\r\n\f\"'");
}

/// Collects what a page has while its tree is walked in document order.
class page_reader {
 public:
  page_reader(const web_url& url, const html_limits& limits)
      : base_(url), limits_(limits), text_(limits.max_text) {}

  html_page read(const GumboNode& root) {
    if (root.type == GUMBO_NODE_ELEMENT) page_.language = detail::trim(attribute(root, "lang"));
    // Not recursive: trees may be deep. The child that comes next stands beside each open node.
    struct level {
      const GumboNode* node;
      unsigned next_child;
    };
    std::vector<level> open{{&root, 0}};
    enter(root);
    while (!open.empty()) {
      level& inner = open.back();
      const GumboVector* const children = children_of(*inner.node);
      if (children == nullptr || inner.next_child == children->length) {
        leave(*inner.node);
        open.pop_back();
        continue;
      }
      const auto& child = *static_cast<const GumboNode*>(children->data[inner.next_child++]);
      enter(child);
      open.push_back({&child, 0});
    }
    page_.text = text_.take();
    return std::move(page_);
  }

 private:
  static const GumboVector* children_of(const GumboNode& node) {
    const bool has_children = node.type == GUMBO_NODE_ELEMENT || node.type == GUMBO_NODE_TEMPLATE;
    return has_children ? &node.v.element.children : nullptr;
  }

  void enter(const GumboNode& node) {
    if (node.type == GUMBO_NODE_ELEMENT) enter_element(node);
    if (node.type == GUMBO_NODE_TEMPLATE) ++unseen_;
    const bool is_text = node.type == GUMBO_NODE_TEXT || node.type == GUMBO_NODE_WHITESPACE ||
                         node.type == GUMBO_NODE_CDATA;
    if (is_text && in_title_) title_ += node.v.text.text;
    if (is_text && unseen_ == 0) text_.add(node.v.text.text);
  }

  void leave(const GumboNode& node) {
    if (node.type == GUMBO_NODE_TEMPLATE) --unseen_;
    if (node.type != GUMBO_NODE_ELEMENT) return;
    if (is_unseen(node)) --unseen_;
    if (is_title(node)) end_title();
    if (unseen_ == 0) text_.leave(node.v.element.tag);
  }

  void enter_element(const GumboNode& node) {
    if (unseen_ == 0) text_.enter(node.v.element.tag);
    if (is_unseen(node)) ++unseen_;
    if (is_title(node)) in_title_ = true;
    if (node.v.element.tag_namespace != GUMBO_NAMESPACE_HTML) return;
    switch (node.v.element.tag) {
      case GUMBO_TAG_A:
      case GUMBO_TAG_AREA:
        add_link(attribute(node, "href"), has_word(attribute(node, "rel"), "nofollow"));
        break;
      case GUMBO_TAG_FRAME:
      case GUMBO_TAG_IFRAME: add_link(attribute(node, "src"), false); break;
      case GUMBO_TAG_BASE: set_base(attribute(node, "href")); break;
      case GUMBO_TAG_LINK: read_link(node); break;
      case GUMBO_TAG_META: read_meta(node); break;
      default: break;
    }
  }

  static bool is_title(const GumboNode& node) {
    return node.v.element.tag == GUMBO_TAG_TITLE &&
           node.v.element.tag_namespace == GUMBO_NAMESPACE_HTML;
  }

  static bool is_unseen(const GumboNode& node) {
    switch (node.v.element.tag) {
      case GUMBO_TAG_HEAD:
      case GUMBO_TAG_TITLE:
      case GUMBO_TAG_SCRIPT:
      case GUMBO_TAG_STYLE:
      case GUMBO_TAG_NOSCRIPT:
      case GUMBO_TAG_NOEMBED:
      case GUMBO_TAG_NOFRAMES:
      case GUMBO_TAG_IFRAME:
      case GUMBO_TAG_SVG:
      case GUMBO_TAG_OBJECT: return true;
      default: return gumbo_get_attribute(&node.v.element.attributes, "hidden") != nullptr;
    }
  }

  void end_title() {
    in_title_ = false;
    if (!page_.title.empty()) return;  // the first that says something
    page_.title = detail::one_line(title_);
    detail::shorten_utf8(page_.title, longest_title);
    title_.clear();
  }

  /// Only the first <base href> counts.
  void set_base(std::string_view href) {
    if (has_base_ || href.empty()) return;
    has_base_ = true;
    if (auto resolved = base_.resolve(href)) base_ = std::move(*resolved);
  }

  void add_link(std::string_view reference, bool nofollow) {
    if (reference.data() == nullptr || detail::trim(reference).starts_with('#')) return;
    auto resolved = base_.resolve(reference);
    if (!resolved) return;
    const auto [known, added] = link_index_.try_emplace(resolved->text(), page_.links.size());
    if (!added) {
      page_.links[known->second].nofollow &= nofollow;
    } else if (page_.links.size() < limits_.max_links) {
      page_.links.push_back({resolved->text(), nofollow});
    } else {
      link_index_.erase(known);
    }
  }

  void read_link(const GumboNode& node) {
    const std::string_view rel = attribute(node, "rel");
    const std::string_view href = attribute(node, "href");
    if (has_word(rel, "next") || has_word(rel, "prev")) add_link(href, has_word(rel, "nofollow"));
    if (has_word(rel, "canonical") && page_.canonical.empty()) {
      if (auto resolved = base_.resolve(href)) page_.canonical = resolved->text();
    }
  }

  void read_meta(const GumboNode& node) {
    std::string_view name = attribute(node, "name");
    if (name.empty()) name = attribute(node, "property");
    const bool is_header = name.empty();
    if (is_header) name = attribute(node, "http-equiv");
    const std::string_view content = detail::trim(attribute(node, "content"));
    if (name.empty()) return;
    const std::string key = detail::lower(detail::trim(name.substr(0, 200)));
    if (key == "robots") {
      const robots_words words = parse_robots_words(content);
      page_.noindex |= words.noindex;
      page_.nofollow |= words.nofollow;
    }
    if (is_header && key == "refresh") add_link(refresh_target(content), false);
    if (page_.meta.size() == limits_.max_meta) return;
    page_.meta.emplace_back(key, content);
    detail::shorten_utf8(page_.meta.back().second, longest_content);
  }

  html_page page_;
  web_url base_;
  const html_limits& limits_;
  detail::readable_text text_;
  std::string title_;
  std::unordered_map<std::string, std::size_t> link_index_;  // into page_.links
  std::size_t unseen_ = 0;  // open elements whose content nobody sees
  bool in_title_ = false;
  bool has_base_ = false;
};

}  // namespace

std::string_view html_page::meta_value(std::string_view name) const noexcept {
  for (const auto& [key, content] : meta) {
    if (key == name) return content;
  }
  return {};
}

robots_words parse_robots_words(std::string_view text) noexcept {
  robots_words words;
  words.noindex = has_word(text, "noindex") || has_word(text, "none");
  words.nofollow = has_word(text, "nofollow") || has_word(text, "none");
  return words;
}

html_page parse_html(std::string_view utf8, const web_url& url, const html_limits& limits) {
  const std::string_view text = detail::up_to_depth(utf8, limits.max_depth);
  const detail::html_tree tree(text, limits.max_memory);
  return page_reader(url, limits).read(tree.root());
}

}  // namespace eddy::scrape
