// Any bytes as coded data, cut in two ways: both must come to the same, within the limits. And any bytes as plain text
// through encoder and decoder.
#include <eddy/http/content_coding.hpp>

#include "fuzz_check.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace {

namespace http = eddy::http;

constexpr std::size_t most = 1 << 20;

struct outcome {
  std::string text;
  bool ended_well = false;
  bool refused = false;
};

outcome decode(http::content_coding coding, std::string_view coded, std::size_t in,
               std::size_t out) {
  http::decoder_limits limits;
  limits.ratio_from = most;
  limits.max_window_log = 17;
  http::content_decoder decoder(coding, limits);
  outcome made;
  std::string room(out, '\0');
  while (made.text.size() <= most) {
    const auto part = std::as_bytes(std::span(coded.substr(0, in)));
    const auto went = decoder.decode(part, std::as_writable_bytes(std::span(room)));
    if (!went) {
      made.refused = true;
      return made;
    }
    eddy::fuzz::expect(went->consumed <= part.size() && went->produced <= out, "more than given");
    const bool stuck = went->consumed == 0 && went->produced == 0;
    coded.remove_prefix(went->consumed);
    made.text.append(room, 0, went->produced);
    if (stuck && coded.empty()) break;
    eddy::fuzz::expect(!stuck, "neither consumes nor produces");
  }
  made.ended_well = decoder.finish().has_value();
  return made;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const auto coding = static_cast<http::content_coding>(data[0] % 5);
  const std::string_view text(reinterpret_cast<const char*>(data + 2), size - 2);
  const std::size_t step = 1U + data[1] % 32U;

  const outcome whole = decode(coding, text, size, 4096);
  const outcome pieces = decode(coding, text, step, 512);
  const bool whole_enough = std::max(whole.text.size(), pieces.text.size()) <= most;
  eddy::fuzz::expect(!whole_enough || whole.refused == pieces.refused,
                     "the cut decides what is refused");
  if (!whole.refused) {
    const std::size_t same = std::min(whole.text.size(), pieces.text.size());
    eddy::fuzz::expect(whole.text.compare(0, same, pieces.text, 0, same) == 0,
                       "the cut decides what comes out");
  }

  const std::string coded = http::encode_whole(coding, text);
  const auto back = http::decode_whole(coding, coded, size);
  eddy::fuzz::expect(back.has_value() && *back == text, "a text that does not come back");
  return 0;
}
