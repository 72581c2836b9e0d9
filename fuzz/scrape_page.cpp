// Any bytes as a base URL and, behind the first line, a reference and a page.
#include "fuzz_check.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <eddy/scrape/encoding.hpp>
#include <eddy/scrape/html.hpp>
#include <eddy/scrape/web_url.hpp>

namespace {

void check(const eddy::scrape::web_url& url) {
  const auto again = eddy::scrape::web_url::parse(url.text());
  eddy::fuzz::expect(again && *again == url, "a URL that is not normalised");
  eddy::fuzz::expect(url.target().starts_with('/'), "a target without a slash");
  eddy::fuzz::expect(!url.host().empty(), "a URL without a host");
  eddy::fuzz::expect(url.text().size() <= eddy::scrape::web_url::max_size,
                     "a URL that is too long");
  const auto itself = url.resolve("");
  eddy::fuzz::expect(itself && *itself == url, "an empty reference leads elsewhere");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace scrape = eddy::scrape;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t line = text.find('\n');
  const std::string_view rest = line == std::string_view::npos ? "" : text.substr(line + 1);
  auto base = scrape::web_url::parse(text.substr(0, line));
  if (base) check(*base);
  if (!base) base = scrape::web_url::parse("http://example.org/a/b?c");
  if (const auto next = base->resolve(rest)) check(*next);
  const auto page = scrape::parse_html(scrape::to_utf8(rest, scrape::detect_encoding(rest)), *base);
  for (const auto& link : page.links) {
    const auto url = scrape::web_url::parse(link.url);
    eddy::fuzz::expect(url.has_value(), "a link that is no URL");
    check(*url);
  }
  return 0;
}
