// Any bytes as a request-target, an authority, a date and a list. The first byte chooses the method.
#include "fuzz_check.hpp"
#include "wire/http1_invariants.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <eddy/wire/http1.hpp>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace http1 = eddy::wire::http1;
  if (size < 1) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data + 1), size - 1);
  const auto m = static_cast<http1::method>(data[0] % 10);
  eddy::fuzz::expect_empty(http1::test::check_target(text, m));

  const auto split = http1::split_authority(text);
  eddy::fuzz::expect(split.has_value() == http1::is_authority(text),
                     "two opinions on an authority");

  const std::chrono::sys_seconds now{std::chrono::days{20000}};
  if (const auto time = http1::parse_date(text, now)) {
    const auto written = http1::format_date(*time);
    const std::string_view again(written.data(), written.size());
    eddy::fuzz::expect(http1::parse_date(again, now) == time, "a date that does not come back");
  }

  http1::list_elements list(text);
  std::size_t total = 0;
  for (auto e = list.next(); !e.empty(); e = list.next()) total += e.size();
  eddy::fuzz::expect(total <= text.size(), "a list longer than its text");
  return 0;
}
