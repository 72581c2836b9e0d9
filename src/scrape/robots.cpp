#include <eddy/scrape/robots.hpp>

#include "ascii.hpp"

#include <charconv>
#include <cmath>
#include <utility>

#include <eddy/wire/uri.hpp>

namespace eddy::scrape {
namespace {

constexpr std::size_t most_sitemaps = 100;
constexpr double longest_delay = 24 * 3600;  // seconds; more is a mistake, and means this

/// Patterns and targets in one form, so that comparing octets is enough (RFC 9309 section 2.2.2). A "*" or "$" that
/// stands for itself is encoded; in patterns those that are special stay.
std::string normalized(std::string_view text, bool pattern) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    bool encoded = c == '$' || (c == '*' && !pattern);
    if (const int escaped = wire::escaped_byte(text, i); escaped >= 0) {
      c = static_cast<char>(escaped);
      encoded = !detail::is_unreserved(c);
      i += 2;
    }
    const auto byte = static_cast<unsigned char>(c);
    if (encoded || byte <= 0x20 || byte >= 0x7F) {
      wire::append_escape(out, c);
    } else {
      out += c;
    }
  }
  return out;
}

/// Whether `pattern` matches the beginning of `text`, or all of it when anchored. The pieces between stars are taken
/// where they come first; that is enough, as only the last one may have to stand at the end.
bool matches(std::string_view pattern, bool anchored, std::string_view text) {
  std::size_t star = pattern.find('*');
  const std::string_view first = pattern.substr(0, star);
  if (!text.starts_with(first)) return false;
  text.remove_prefix(first.size());
  if (star == std::string_view::npos) return !anchored || text.empty();
  for (;;) {
    pattern.remove_prefix(star + 1);
    star = pattern.find('*');
    const std::string_view piece = pattern.substr(0, star);
    if (star == std::string_view::npos) {
      return anchored ? text.ends_with(piece) : text.find(piece) != std::string_view::npos;
    }
    const std::size_t at = text.find(piece);
    if (at == std::string_view::npos) return false;
    text.remove_prefix(at + piece.size());
  }
}

/// "mybot" of "mybot/1.2 (...)".
std::string product_token(std::string_view user_agent) {
  std::size_t size = 0;
  while (size < user_agent.size() && (detail::is_alpha(user_agent[size]) ||
                                      user_agent[size] == '-' || user_agent[size] == '_')) {
    ++size;
  }
  return detail::lower(user_agent.substr(0, size));
}

}  // namespace

/// Goes through the lines, and keeps the rules of the crawler's own groups apart from those for everybody.
class robots_rules::reader {
 public:
  explicit reader(std::string_view user_agent) : token_(product_token(user_agent)) {}

  void read(std::string_view text) {
    text = text.substr(0, max_size);
    if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
    while (!text.empty()) {
      const std::size_t end = std::min(text.find_first_of("\r\n"), text.size());
      read_line(text.substr(0, end));
      text.remove_prefix(std::min(end + 1, text.size()));
    }
  }

  robots_rules take() {
    group& chosen = named_ ? own_ : everybody_;
    robots_rules made;
    made.rules_ = std::move(chosen.rules);
    made.delay_ = chosen.delay;
    made.sitemaps_ = std::move(sitemaps_);
    return made;
  }

 private:
  struct group {
    std::vector<rule> rules;
    std::optional<duration> delay;
  };

  void read_line(std::string_view line) {
    line = detail::take_until(line, '#');
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) return;
    const std::string key = detail::lower(detail::trim(line.substr(0, colon)));
    const std::string_view value = detail::trim(line.substr(colon + 1));
    if (key == "user-agent") {
      start_group(value);
    } else if (key == "allow" || key == "disallow") {
      in_header_ = false;
      add_rule(value, key == "allow");
    } else if (key == "crawl-delay") {
      in_header_ = false;
      set_delay(value);
    } else if (key == "sitemap" && !value.empty() && sitemaps_.size() < most_sitemaps) {
      sitemaps_.emplace_back(value);
    }
  }

  void start_group(std::string_view agent) {
    if (!in_header_) for_own_ = for_everybody_ = false;
    in_header_ = true;
    if (agent == "*") {
      for_everybody_ = true;
    } else if (!token_.empty() && product_token(agent) == token_) {
      for_own_ = true;
      named_ = true;
    }
  }

  void add_rule(std::string_view value, bool allows) {
    if (value.empty()) return;
    const bool anchored = value.ends_with('$');
    if (anchored) value.remove_suffix(1);
    std::string pattern = normalized(value, true);
    if (!pattern.starts_with('/') && !pattern.starts_with('*')) pattern.insert(0, 1, '/');
    if (for_own_) own_.rules.push_back({pattern, anchored, allows});
    if (for_everybody_) everybody_.rules.push_back({pattern, anchored, allows});
  }

  void set_delay(std::string_view value) {
    double seconds = 0;
    const auto read = std::from_chars(value.data(), value.data() + value.size(), seconds);
    if (read.ec != std::errc() || !std::isfinite(seconds) || seconds < 0) return;
    const duration delay =
        to_duration(std::chrono::duration<double>(std::min(seconds, longest_delay)));
    if (for_own_) own_.delay = delay;
    if (for_everybody_) everybody_.delay = delay;
  }

  std::string token_;
  group own_;
  group everybody_;
  std::vector<std::string> sitemaps_;
  bool named_ = false;      // a group names this crawler
  bool in_header_ = false;  // the line before was a user-agent
  bool for_own_ = false;    // the present group
  bool for_everybody_ = false;
};

robots_rules robots_rules::parse(std::string_view text, std::string_view user_agent) {
  reader lines(user_agent);
  lines.read(text);
  return lines.take();
}

robots_rules robots_rules::disallow_all() {
  robots_rules made;
  made.rules_.push_back({"/", false, false});
  return made;
}

robots_rules robots_rules::for_status(int status) {
  return status >= 400 && status < 500 ? robots_rules() : disallow_all();
}

bool robots_rules::allows(std::string_view target) const {
  const std::string text = normalized(target, false);
  if (text == "/robots.txt") return true;
  const rule* decisive = nullptr;
  for (const rule& each : rules_) {
    if (decisive != nullptr) {
      const std::size_t size = each.pattern.size() + each.anchored;
      const std::size_t best = decisive->pattern.size() + decisive->anchored;
      if (size < best || (size == best && !each.allows)) continue;
    }
    if (matches(each.pattern, each.anchored, text)) decisive = &each;
  }
  return decisive == nullptr || decisive->allows;
}

}  // namespace eddy::scrape
