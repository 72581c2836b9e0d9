// Any bytes as a stream of responses. The first byte chooses the size of the pieces, the second
// what the responses answer.
#include "fuzz_check.hpp"
#include "wire/http1_invariants.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 3) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data + 2), size - 2);
  const auto answers = static_cast<eddy::wire::http1::method>(data[1] % 10);
  eddy::fuzz::expect_empty(eddy::wire::http1::test::check_responses(bytes, 1U + data[0], answers));
  return 0;
}
