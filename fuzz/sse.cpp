// Any bytes as a stream of server-sent events, whole and in pieces whose size the first byte chooses.
#include <eddy/wire/sse.hpp>

#include "fuzz_check.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace {

std::string transcript(std::string_view stream, std::size_t piece) {
  eddy::wire::sse::parser reading(1000);
  std::string all;
  for (; !stream.empty(); stream.remove_prefix(std::min(piece, stream.size()))) {
    std::string_view part = stream.substr(0, piece);
    while (!part.empty()) {
      const auto got = reading.parse(part);
      if (!got) return all + "failed";
      eddy::fuzz::expect(got->consumed > 0 && got->consumed <= part.size(), "no progress");
      part.remove_prefix(got->consumed);
      if (!got->complete) continue;
      const auto& event = reading.event();
      eddy::fuzz::expect(event.type.find_first_of("\r\n") == std::string::npos, "lines in a type");
      all += event.type + '\x01' + event.data + '\x02' + event.id + '\x03';
    }
  }
  return all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  eddy::fuzz::expect(transcript(bytes, bytes.size()) == transcript(bytes, 1U + data[0]),
                     "other events when the input is cut");
  return 0;
}
