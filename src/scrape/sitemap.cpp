#include <eddy/scrape/sitemap.hpp>

#include "ascii.hpp"
#include "utf8.hpp"

#include <array>
#include <charconv>
#include <span>
#include <utility>

#include <eddy/http/content_coding.hpp>
#include <eddy/scrape/encoding.hpp>

namespace eddy::scrape {
namespace {

constexpr std::size_t longest_value = 8192;  // bytes of one element's text; the rest is dropped

/// A "#x..;" or "#..;" as a code point; nothing for others.
std::optional<char32_t> numeric_reference(std::string_view name) {
  if (!name.starts_with('#')) return std::nullopt;
  name.remove_prefix(1);
  const int base = name.starts_with('x') ? 16 : 10;
  if (base == 16) name.remove_prefix(1);
  std::uint32_t code = 0;
  const auto read = std::from_chars(name.data(), name.data() + name.size(), code, base);
  if (read.ec != std::errc() || read.ptr != name.data() + name.size()) return std::nullopt;
  return static_cast<char32_t>(code);
}

void append_decoded(std::string& out, std::string_view text) {
  constexpr std::pair<std::string_view, char> named[] = {
      {"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}};
  constexpr std::size_t longest_name = 10;
  while (!text.empty()) {
    const std::size_t amp = std::min(text.find('&'), text.size());
    out += text.substr(0, amp);
    text.remove_prefix(amp);
    if (text.empty()) return;
    const std::size_t end = text.substr(0, longest_name).find(';');
    const std::string_view name = end == std::string_view::npos ? "" : text.substr(1, end - 1);
    const std::size_t before = out.size();
    for (const auto& [word, character] : named) {
      if (name == word) out += character;
    }
    if (const auto code = numeric_reference(name)) detail::append_utf8(out, *code);
    const bool known = out.size() > before;
    if (!known) out += '&';
    text.remove_prefix(known ? end + 1 : 1);
  }
}

/// Reads elements one after the other. Knows just enough XML: names, text, CDATA, comments.
class xml_scanner {
 public:
  explicit xml_scanner(std::string_view text) : rest_(text) {}

  struct tag {
    std::string_view name;  // with its prefix
    bool closing = false;
    bool empty_element = false;
  };

  /// The next tag; what text lies before it is appended to `text`. Nothing at the end, or where the XML is broken.
  std::optional<tag> next(std::string& text) {
    for (;;) {
      const std::size_t open = rest_.find('<');
      if (open == std::string_view::npos) return std::nullopt;
      if (text.size() < longest_value)
        append_decoded(text, rest_.substr(0, std::min(open, longest_value)));
      rest_.remove_prefix(open);
      if (rest_.starts_with("<!--")) {
        if (!skip_behind("-->")) return std::nullopt;
      } else if (rest_.starts_with("<![CDATA[")) {
        const std::size_t end = rest_.find("]]>");
        if (end == std::string_view::npos) return std::nullopt;
        if (text.size() < longest_value) text += rest_.substr(9, std::min(end - 9, longest_value));
        rest_.remove_prefix(end + 3);
      } else if (rest_.starts_with("<?")) {
        if (!skip_behind("?>")) return std::nullopt;
      } else if (rest_.starts_with("<!")) {
        if (!skip_behind(">")) return std::nullopt;
      } else {
        return read_tag();
      }
    }
  }

 private:
  bool skip_behind(std::string_view end) {
    const std::size_t at = rest_.find(end);
    if (at == std::string_view::npos) return false;
    rest_.remove_prefix(at + end.size());
    return true;
  }

  std::optional<tag> read_tag() {
    const std::size_t end = rest_.find('>');
    if (end == std::string_view::npos) return std::nullopt;
    std::string_view inside = rest_.substr(1, end - 1);
    rest_.remove_prefix(end + 1);
    tag read;
    read.closing = inside.starts_with('/');
    if (read.closing) inside.remove_prefix(1);
    read.empty_element = inside.ends_with('/');
    if (read.empty_element) inside.remove_suffix(1);
    read.name = inside.substr(0, inside.find_first_of(detail::space));
    return read;
  }

  std::string_view rest_;
};

/// Appends `<loc>` and `<lastmod>` of each entry. Elements of other namespaces (`<image:loc>`) have another prefix.
void read_entries(xml_scanner& xml, std::string_view prefix, std::string_view entry_name,
                  std::size_t most, std::vector<sitemap_entry>& into) {
  std::string text;
  sitemap_entry entry;
  while (into.size() < most) {
    const auto tag = xml.next(text);
    if (!tag) return;
    if (tag->closing && tag->name.starts_with(prefix)) {
      const std::string_view name = tag->name.substr(prefix.size());
      if (name == "loc") entry.url = detail::trim(text);
      if (name == "lastmod") entry.last_modified = detail::trim(text);
      if (name == entry_name) {
        if (!entry.url.empty()) into.push_back(std::move(entry));
        entry = sitemap_entry();
      }
    }
    text.clear();
  }
}

std::optional<sitemap> parse_xml(std::string_view text, const sitemap_limits& limits) {
  xml_scanner xml(text);
  std::string before;
  const auto root = xml.next(before);
  if (!root || root->closing) return std::nullopt;
  const std::size_t colon = root->name.find(':');
  const std::string_view prefix =
      root->name.substr(0, colon == std::string_view::npos ? 0 : colon + 1);
  const std::string_view name = root->name.substr(prefix.size());
  if (name != "urlset" && name != "sitemapindex") return std::nullopt;
  sitemap made;
  made.is_index = name == "sitemapindex";
  read_entries(xml, prefix, made.is_index ? "sitemap" : "url", limits.max_entries, made.entries);
  return made;
}

std::optional<sitemap> parse_lines(std::string_view text, const sitemap_limits& limits) {
  sitemap made;
  while (!text.empty() && made.entries.size() < limits.max_entries) {
    const std::string_view line = detail::trim(detail::take_until(text, '\n'));
    if (line.starts_with("http://") || line.starts_with("https://")) {
      made.entries.emplace_back();
      made.entries.back().url = line.substr(0, longest_value);
    } else if (!line.empty()) {
      return std::nullopt;  // some other kind of text
    }
  }
  if (made.entries.empty()) return std::nullopt;
  return made;
}

/// The first `most` bytes that a gzip file unpacks to, or what it has up to a fault; empty when it is none.
std::string unpack(std::string_view packed, std::size_t most) {
  http::decoder_limits limits;
  limits.max_ratio = 0;  // `most` is the limit
  http::content_decoder decoder(http::content_coding::gzip, limits);
  std::span<const std::byte> in = std::as_bytes(std::span(packed));
  std::array<char, 16384> piece;
  std::string out;
  while (out.size() < most) {
    const auto step = decoder.decode(in, std::as_writable_bytes(std::span(piece)));
    if (!step || (step->consumed == 0 && step->produced == 0)) break;
    in = in.subspan(step->consumed);
    out.append(piece.data(), step->produced);
  }
  return out;
}

}  // namespace

std::optional<sitemap> parse_sitemap(std::string_view bytes, const sitemap_limits& limits) {
  std::string unpacked;
  if (bytes.starts_with("\x1F\x8B")) {
    unpacked = unpack(bytes, limits.max_size);
    bytes = unpacked;
  }
  bytes = bytes.substr(0, limits.max_size);
  const std::string text = to_utf8(bytes, detect_encoding(bytes));
  const std::string_view trimmed = detail::trim(text);
  return trimmed.starts_with('<') ? parse_xml(trimmed, limits) : parse_lines(trimmed, limits);
}

}  // namespace eddy::scrape
