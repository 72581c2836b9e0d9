// Any bytes as a page's URL and, behind the first line, as a link on it: joined twice they give the same, only http and
// https come out, and a path alone stays on the page's origin.
#include "fuzz_check.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <eddy/scrape/web_url.hpp>

namespace {

using eddy::scrape::web_url;

bool is_plain(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > ' ' && c < '\x7f' && c != '#'; });
}

void check(const web_url& url) {
  eddy::fuzz::expect(url.text().starts_with(url.is_https() ? "https://" : "http://"),
                     "neither http nor https");
  eddy::fuzz::expect(is_plain(url.text()), "a URL with characters that need an escape");
  eddy::fuzz::expect(!url.host().empty() && url.host().find_first_of("/?@\\") == std::string::npos,
                     "a host that is none");
  eddy::fuzz::expect(url.target().starts_with('/'), "a target without a slash");
  eddy::fuzz::expect(url.text() == std::string(url.origin()) + std::string(url.target()),
                     "parts that are not the whole");
  eddy::fuzz::expect(url.text().size() <= web_url::max_size, "a URL that is too long");
  const std::string path = std::string(url.path()) + "/";
  eddy::fuzz::expect(
      path.find("/../") == std::string::npos && path.find("/./") == std::string::npos,
      "dot segments");

  const auto again = web_url::parse(url.text());
  eddy::fuzz::expect(again && *again == url, "a URL that is not normalised");
  const auto itself = url.resolve(url.text());
  eddy::fuzz::expect(itself && *itself == url, "an absolute reference leads elsewhere");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t line = text.find('\n');
  auto base = web_url::parse(text.substr(0, line));
  if (base) check(*base);
  if (line == std::string_view::npos) return 0;
  if (!base) base = web_url::parse("http://example.org/a/b?c");
  const std::string_view reference = text.substr(line + 1);
  const auto next = base->resolve(reference);
  if (!next) return 0;
  check(*next);
  const auto twice = base->resolve(next->text());
  eddy::fuzz::expect(twice && *twice == *next, "joined twice leads elsewhere");
  const auto rest = reference.find_first_not_of(" /\\:\t\r\n");
  const bool path_only = rest == 0 && reference.find(':') == std::string_view::npos &&
                         std::ranges::all_of(reference, [](char c) { return c > ' '; });
  eddy::fuzz::expect(!path_only || next->origin() == base->origin(),
                     "a relative path leads to another origin");
  return 0;
}
