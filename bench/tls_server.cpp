// The HTTP server over TLS: plaintext at /plaintext. One loop, default settings.
//
//   tls_server <port> <certificate chain> <key>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>

#include <eddy/http/server.hpp>
#include <eddy/runtime/run.hpp>
#include <eddy/tls/context.hpp>

namespace {

namespace http = eddy::http;
namespace net = eddy::net;
namespace tls = eddy::tls;

eddy::task<void> serve(std::uint16_t port, std::string chain, std::string key) {
  tls::server_options options;
  options.certificates.push_back(tls::credentials::files(std::move(chain), std::move(key)));
  const auto context = tls::context::server(options);
  http::server app;
  app.get("/plaintext",
          [](http::request&) { return http::response::of("text/plain", "Hello, World!"); });
  auto listener = net::tcp_listener::listen(net::address::loopback_v4(port));
  co_await app.serve(listener, context);
}

}  // namespace

int main(int argc, char** argv) {
  std::uint16_t port = 0;
  const char* text = argc == 4 ? argv[1] : "";
  const auto parsed = std::from_chars(text, text + std::strlen(text), port);
  if (parsed.ec != std::errc() || *parsed.ptr != '\0') {
    std::fprintf(stderr, "usage: %s <port> <certificate chain> <key>\n", argv[0]);
    return 2;
  }
  try {
    eddy::run(serve(port, argv[2], argv[3]));
  } catch (const eddy::error& ended) {
    if (ended == eddy::errc::interrupted) return 0;
    std::fprintf(stderr, "%s\n", ended.what());
    return 1;
  }
}
