// Writes the inputs of the tests as seeds: write_corpus <folder> makes <folder>/http1_request,
// http1_response, http1_target, http2_server, multipart, sse and websocket.
#include "http/http2_frames.hpp"
#include "wire/http1_cases.hpp"

#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <string_view>

#include <eddy/wire/websocket.hpp>

namespace {

class corpus {
 public:
  corpus(const std::filesystem::path& root, std::string_view target) : folder_(root / target) {
    std::filesystem::create_directories(folder_);
  }
  void add(std::string_view bytes) {
    std::ofstream out(folder_ / std::to_string(count_++), std::ios::binary);
    out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  }

 private:
  std::filesystem::path folder_;
  std::size_t count_ = 0;
};

std::string websocket_frame(eddy::wire::websocket::opcode code, std::string_view payload,
                            bool final, bool compressed) {
  std::string out;
  const auto content = std::as_bytes(std::span(payload));
  eddy::wire::websocket::write_frame(out, {.code = code, .final = final, .compressed = compressed},
                                     content);
  return out;
}

void write_websocket_seeds(corpus& seeds) {
  using eddy::wire::websocket::opcode;
  const std::string fragments = websocket_frame(opcode::text, "k\xc3", false, false) +
                                websocket_frame(opcode::ping, "p", true, false) +
                                websocket_frame(opcode::continuation, "\xb6nnen", true, false);
  const std::string goodbye = websocket_frame(
      opcode::close, eddy::wire::websocket::close_payload(1001, "bye"), true, false);
  seeds.add(std::string("\x01\x00", 2) + fragments + goodbye);
  seeds.add("\x10\x02" + websocket_frame(opcode::text, "\xf2\x48\xcd\xc9\xc9\x07", false, true) +
            websocket_frame(opcode::continuation, std::string_view("\0", 1), true, false) +
            goodbye);
  seeds.add("\x20\x04" + std::string(300, 'x'));
  seeds.add("\x20\x06" + std::string(300, 'x'));
  seeds.add("\x04\x08permessage-deflate; server_max_window_bits=10; client_max_window_bits");
  seeds.add("\x04\x18permessage-deflate; server_no_context_takeover, x; y=\"z\"");
  seeds.add(std::string("\x02\x01\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", 13));
}

void write_http2_seeds(corpus& seeds) {
  using namespace eddy::http::test;
  const auto add = [&](const std::string& bytes) { seeds.add('\x10' + bytes); };
  add(h2_get(1) + h2_get(3, "/slow") + h2_reset(3) + h2_get(5, "/stream"));
  add(h2_post(1) + h2_data(1, "abc", false) + h2_data(1, "def"));
  add(h2_post(1, "/echo", {{"content-length", "3"}, {"expect", "100-continue"}}) +
      h2_data(1, "abc"));
  add(h2_settings(h2_setting(4, 3)) + h2_get(1) + h2_update(1, 1) + h2_update(0, 100) + h2_ping());
  const std::string block = hpack(h2_request("GET", "/"));
  add(h2_bytes(h2::headers, 1, 1, block.substr(0, 9)) +
      h2_bytes(h2::continuation, 4, 1, block.substr(9)));
  add(h2_post(1) + h2_data(1, "x", false) + h2_bytes(h2::headers, 5, 1, hpack({{"x-sum", "1"}})));
  add(h2_bytes(h2::priority, 0, 1, "12345") + h2_bytes(h2::goaway, 0, 0, std::string(8, '\0')));
  add(h2_bytes(h2::headers, 5, 1, "\x82\x86\x84\x41\x01h"));
}

}  // namespace

int main(int argc, char** argv) {
  namespace test = eddy::wire::http1::test;
  if (argc != 2) {
    std::fprintf(stderr, "usage: write_corpus <folder>\n");
    return 2;
  }
  corpus requests(argv[1], "http1_request");
  corpus targets(argv[1], "http1_target");
  const auto add_request = [&](const std::string& bytes) {
    if (bytes.size() > 4096) return;
    requests.add('\x10' + bytes);
    const std::size_t begin = bytes.find(' ');
    if (begin == std::string::npos) return;
    targets.add('\x01' + bytes.substr(begin + 1, bytes.find(' ', begin + 1) - begin - 1));
  };
  for (const auto& good : test::accepted_requests()) add_request(good.bytes);
  for (const auto& bad : test::refused_requests()) add_request(bad.bytes);
  targets.add("\x01Sun, 06 Nov 1994 08:49:37 GMT");
  targets.add("\x01Sunday, 06-Nov-94 08:49:37 GMT");
  targets.add("\x01Sun Nov  6 08:49:37 1994");

  corpus forms(argv[1], "multipart");
  forms.add(
      "\x07--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--b \r\n\r\n\r\n--b--end");
  forms.add("\x01text\r\n--b\r\n\r\n\r\n--\r--b\r\n-\r\n--b--");
  forms.add(
      "\x10"
      "form-data; name=\"a%22\"; filename=\"C:\\x\\\"\"; filename*=UTF-8''%c3%a4");
  corpus events(argv[1], "sse");
  events.add("\x03\xef\xbb\xbfid: 7\r\nevent: x\rdata: a\ndata: b\n\n:c\n\nretry: 10\n\n");

  corpus websockets(argv[1], "websocket");
  corpus http2(argv[1], "http2_server");
  write_http2_seeds(http2);
  write_websocket_seeds(websockets);

  corpus responses(argv[1], "http1_response");
  for (const auto& good : test::accepted_responses()) responses.add("\x10\x01" + good);
  for (const auto& bad : test::refused_responses()) {
    if (bad.bytes.size() <= 4096) responses.add("\x10\x01" + bad.bytes);
  }
}
