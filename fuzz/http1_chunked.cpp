// Any bytes as a chunked body, whole and in pieces whose size the first byte chooses; and as the data of one, written
// in chunks and read again.
#include "fuzz_check.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <eddy/wire/http1.hpp>

namespace {

namespace http1 = eddy::wire::http1;

// Data, trailers and the verdict.
std::string transcript(std::string_view body, std::size_t piece) {
  http1::body_decoder decoder(http1::framing::chunked);
  std::string all;
  std::size_t taken = 0;
  while (taken < body.size() && !decoder.finished()) {
    // In a block of exactly its size, so that a read past its end is caught.
    const std::size_t size = std::min(piece, body.size() - taken);
    const auto block = std::make_unique<char[]>(size);
    std::ranges::copy(body.substr(taken, size), block.get());
    std::string_view part(block.get(), size);
    while (!part.empty() && !decoder.finished()) {
      const auto event = decoder.next(part);
      if (!event) return all + "\nrefused " + std::to_string(static_cast<int>(event.error()));
      eddy::fuzz::expect(event->consumed > 0 && event->consumed <= part.size(), "no progress");
      eddy::fuzz::expect(event->data.size() <= event->consumed, "more data than bytes");
      all += event->data;
      part.remove_prefix(event->consumed);
      taken += event->consumed;
    }
  }
  if (!decoder.finish()) return all + "\nmore";
  for (const auto field : decoder.trailers())
    all.append("\n").append(field.name).append(":").append(field.value);
  return all + "\nend " + std::to_string(taken);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  const std::size_t piece = 1U + data[0];
  const std::string whole = transcript(bytes, bytes.size());
  eddy::fuzz::expect(transcript(bytes, piece) == whole, "another verdict in pieces");
  eddy::fuzz::expect(transcript(bytes, 1) == whole, "another verdict byte by byte");

  std::string written;
  for (std::size_t at = 0; at < bytes.size(); at += piece)
    http1::write_chunk(written, bytes.substr(at, piece));
  written += http1::last_chunk;
  eddy::fuzz::expect(transcript(written, written.size()) ==
                         std::string(bytes) + "\nend " + std::to_string(written.size()),
                     "data that does not come back");
  return 0;
}
