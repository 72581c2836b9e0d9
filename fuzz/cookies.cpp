// Any bytes as a Set-Cookie field: what was read can be written and read again, and a jar keeps its bounds.
#include <eddy/http/cookies.hpp>

#include "fuzz_check.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <eddy/base/error.hpp>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace http = eddy::http;
  const std::string_view text(reinterpret_cast<const char*>(data), size);

  if (const auto read = http::parse_set_cookie(text)) {
    std::string written;
    try {
      written = http::to_set_cookie(*read);
    } catch (const eddy::error&) {
      // Reading is more lenient than writing.
    }
    // Of several dots in front of a domain, each reading removes one (RFC 6265 section 5.2.3).
    if (!written.empty() && !read->domain.starts_with('.')) {
      const auto again = http::parse_set_cookie(written);
      eddy::fuzz::expect(again && again->name == read->name && again->value == read->value &&
                             again->domain == read->domain && again->path == read->path &&
                             again->secure == read->secure,
                         "a cookie that does not come back");
    }
  }

  http::cookie_pairs pairs(text);
  std::size_t total = 0;
  while (const auto pair = pairs.next()) total += pair->name.size() + pair->value.size() + 1;
  eddy::fuzz::expect(total <= text.size(), "pairs longer than their text");

  http::cookie_jar_options bounds;
  bounds.max_total = 4;
  bounds.max_per_domain = 2;
  http::cookie_jar jar(bounds);
  const http::cookie_jar::calendar_time now{std::chrono::days{20000}};
  const http::cookie_target to{"www.example.org", "/a/b", (size & 1) != 0};
  for (std::string_view rest = text; !rest.empty();) {
    const std::size_t end = rest.find('\n');
    jar.store(rest.substr(0, end), to, now);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    eddy::fuzz::expect(jar.size() <= bounds.max_total, "a jar above its bound");
  }
  const http::cookie_target elsewhere{"example.com", "/", true};
  eddy::fuzz::expect(jar.header_for(elsewhere, now).empty(), "a cookie for another host");
  const std::string header = jar.header_for(to, now);
  eddy::fuzz::expect(header.find_first_of("\r\n") == std::string::npos, "a line end in a cookie");
  return 0;
}
