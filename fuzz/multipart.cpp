// Any bytes as a multipart body with the boundary "b", and as a Content-Disposition. The first byte chooses the size of
// the pieces.
#include "fuzz_check.hpp"
#include "wire/multipart_invariants.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace multipart = eddy::wire::multipart;
  if (size < 1) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  eddy::fuzz::expect_empty(multipart::test::check("b", bytes, 1U + data[0]));
  static_cast<void>(multipart::parse_disposition(bytes));
  return 0;
}
