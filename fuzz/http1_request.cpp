// Any bytes as a stream of requests. The first byte chooses the size of the pieces.
#include "fuzz_check.hpp"
#include "wire/http1_invariants.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  eddy::fuzz::expect_empty(eddy::wire::http1::test::check_requests(bytes, 1U + data[0]));
  return 0;
}
