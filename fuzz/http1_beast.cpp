// Any bytes as a request or as a response, as the first byte says: what we accept, Boost.Beast has to read the same
// way.
#include "wire/http1_beast.hpp"

#include "fuzz_check.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace test = eddy::wire::http1::test;
  if (size < 2) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  eddy::fuzz::expect_empty((data[0] & 1U) == 0 ? test::compare_request_with_beast(bytes)
                                               : test::compare_response_with_beast(bytes));
  return 0;
}
