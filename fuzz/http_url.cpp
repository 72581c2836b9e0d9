// Any bytes as a client's URL and, behind the first line, as what a server says in Location: whatever is accepted is
// http or https, can be written into a request, and means the same when it is read again. What is read in the short way
// is read by the whole grammar as the same.
#include "client_url.hpp"
#include "fuzz_check.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include <eddy/base/error.hpp>
#include <eddy/wire/http1.hpp>
#include <eddy/wire/uri.hpp>

namespace {

using eddy::http::detail::client_url;

template <class Make>
std::optional<client_url> made_by(Make make) {
  try {
    return make();
  } catch (const eddy::error& e) {
    eddy::fuzz::expect(e == eddy::errc::invalid_input, "refused for another reason");
    return std::nullopt;
  }
}

void check(const client_url& url) {
  namespace http1 = eddy::wire::http1;
  const std::string& text = url.text;
  eddy::fuzz::expect(text.starts_with(url.secure ? "https://" : "http://"),
                     "neither http nor https");
  eddy::fuzz::expect(text.find('#') == std::string::npos, "a fragment");
  eddy::fuzz::expect(url.port != 0 && !url.host.empty(), "a URL without host or port");
  eddy::fuzz::expect(http1::is_authority(url.authority), "a Host that a server refuses");

  http1::fields headers;
  headers.set("Host", url.authority);
  std::string head;
  const auto written =
      http1::write_request_head(head, {"GET", url.target, true}, headers, http1::body_size::none());
  eddy::fuzz::expect(written.has_value(), "a target that cannot be written");

  const auto again = made_by([&] { return client_url::parse(text); });
  eddy::fuzz::expect(
      again && again->origin == url.origin && again->target == url.target && again->text == text,
      "a URL that changes when it is read again");
  const auto itself = made_by([&] { return url.resolve(""); });
  eddy::fuzz::expect(itself && itself->text == text, "an empty reference leads elsewhere");
  const auto absolute = made_by([&] { return url.resolve(url.target); });
  eddy::fuzz::expect(url.target.starts_with("//") || (absolute && absolute->origin == url.origin),
                     "the own target leads to another origin");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t line = text.find('\n');
  auto base = made_by([&] { return client_url::parse(text.substr(0, line)); });
  eddy::fuzz::expect(base == made_by([&] { return client_url::parse_any(text.substr(0, line)); }),
                     "the short way leads elsewhere");
  if (base) check(*base);
  if (line == std::string_view::npos) return 0;
  if (!base) base = client_url::parse("http://example.org/a/b?c");
  const std::string_view location = text.substr(line + 1);
  const auto next = made_by([&] { return base->resolve(location); });
  if (next) check(*next);
  // As the client follows it: what is a URI already leads to the same.
  const auto mended = made_by([&] { return base->resolve(eddy::wire::escape_stray(location)); });
  if (mended) check(*mended);
  eddy::fuzz::expect(!next || (mended && mended->text == next->text),
                     "a URL that escaping has changed");
  return 0;
}
