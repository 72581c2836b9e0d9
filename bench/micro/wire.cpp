// The codecs alone: bytes that are in memory, no sockets.
#include <string>
#include <string_view>
#include <vector>

#include <benchmark/benchmark.h>

#include <eddy/wire/http1_request_parser.hpp>
#include <eddy/wire/http1_writer.hpp>
#include <eddy/wire/websocket_frame.hpp>

namespace {

namespace http1 = eddy::wire::http1;

void parse(benchmark::State& state, std::string_view request) {
  http1::request_parser parser;
  http1::request_head head;
  for (auto _ : state) {
    const auto length = parser.parse(request, head);
    if (!length || *length != request.size()) {
      state.SkipWithError("the request was not understood");
      return;
    }
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(request.size()));
}

void http1_smallest_request(benchmark::State& state) {
  parse(state, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
}
BENCHMARK(http1_smallest_request);

void http1_request_of_a_browser(benchmark::State& state) {
  parse(state,
        "GET /items/42?page=3&sort=name HTTP/1.1\r\nHost: www.example.org\r\n"
        "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n"
        "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n"
        "Accept-Language: en-US,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n"
        "Connection: keep-alive\r\nCookie: session=0123456789abcdef0123456789abcdef\r\n"
        "Upgrade-Insecure-Requests: 1\r\nSec-Fetch-Dest: document\r\n\r\n");
}
BENCHMARK(http1_request_of_a_browser);

void http1_small_response(benchmark::State& state) {
  http1::fields fields;
  fields.add("Content-Type", "text/plain");
  http1::response_line line;
  line.date = "Sun, 06 Nov 1994 08:49:37 GMT";
  std::string out;
  for (auto _ : state) {
    out.clear();
    if (!http1::write_response_head(out, line, fields, http1::body_size::sized(13))) {
      state.SkipWithError("the head was refused");
      return;
    }
    benchmark::DoNotOptimize(out.data());
  }
}
BENCHMARK(http1_small_response);

void websocket_mask(benchmark::State& state) {
  std::vector<std::byte> payload(static_cast<std::size_t>(state.range(0)));
  const auto key = eddy::wire::websocket::make_masking_key(0x12345678);
  for (auto _ : state) {
    eddy::wire::websocket::apply_mask(payload, key);
    benchmark::DoNotOptimize(payload.data());
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(websocket_mask)->Arg(64)->Arg(4096)->Arg(1 << 20);

}  // namespace
