// The HTTP server benchmark: plaintext at /plaintext, JSON at /json. One loop, default settings.
//
//   http_server <port>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstring>

#include <boost/json/object.hpp>

#include <eddy/http/server.hpp>
#include <eddy/runtime/run.hpp>

namespace {

namespace http = eddy::http;

void add_routes(http::server& app) {
  app.get("/plaintext",
          [](http::request&) { return http::response::of("text/plain", "Hello, World!"); });
  app.get("/json",
          [](http::request&) { return boost::json::object{{"message", "Hello, World!"}}; });
}

eddy::task<void> serve(std::uint16_t port) {
  http::server app;
  add_routes(app);
  co_await app.listen_and_serve("127.0.0.1", port);
}

}  // namespace

int main(int argc, char** argv) {
  std::uint16_t port = 0;
  const char* text = argc == 2 ? argv[1] : "";
  const auto parsed = std::from_chars(text, text + std::strlen(text), port);
  if (parsed.ec != std::errc() || *parsed.ptr != '\0') {
    std::fprintf(stderr, "usage: %s <port>\n", argv[0]);
    return 2;
  }
  try {
    eddy::run(serve(port));
  } catch (const eddy::error& ended) {
    if (ended == eddy::errc::interrupted) return 0;
    std::fprintf(stderr, "%s\n", ended.what());
    return 1;
  }
}
