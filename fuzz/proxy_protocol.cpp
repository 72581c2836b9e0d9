// Any bytes as a PROXY header: never more consumed than there is, and the same verdict once a header is complete.
#include <eddy/wire/proxy_protocol.hpp>

#include "fuzz_check.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto read = eddy::wire::parse_proxy_header(bytes);
  if (!read) return 0;
  eddy::fuzz::expect(read->size <= size, "more was consumed than there is");
  eddy::fuzz::expect(read->local == read->source.empty(), "a client without an address");
  if (read->size == 0) return 0;
  const auto again = eddy::wire::parse_proxy_header(std::string(bytes.substr(0, read->size)));
  eddy::fuzz::expect(again && again->size == read->size, "another verdict without what follows");
  return 0;
}
