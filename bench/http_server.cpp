// The HTTP server benchmark, with default settings: plaintext at /plaintext, JSON at /json, the size of an upload at
// /upload, 100 MB in chunks at /chunked, and at /loop the number of the loop that serves the connection.
//
//   http_server <port> [loops]
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include <boost/json/object.hpp>

#include <eddy/http/server.hpp>
#include <eddy/runtime/run.hpp>

namespace {

namespace http = eddy::http;

constexpr int chunks = 1'600;
constexpr std::size_t chunk_size = 62'500;

eddy::task<http::response> count_upload(http::request& r) {
  std::vector<std::byte> buffer(64 * 1024);
  std::uint64_t total = 0;
  std::size_t received = co_await r.read_some(buffer);
  while (received > 0) {
    total += received;
    received = co_await r.read_some(buffer);
  }
  co_return http::response::text(std::to_string(total));
}

eddy::task<void> write_chunks(http::body_writer& out) {
  static const std::string chunk(chunk_size, 'x');
  for (int i = 0; i < chunks; ++i) co_await out.write(chunk);
}

void add_routes(http::server& app) {
  app.get("/plaintext",
          [](http::request&) { return http::response::of("text/plain", "Hello, World!"); });
  app.get("/json",
          [](http::request&) { return boost::json::object{{"message", "Hello, World!"}}; });
  app.put("/upload", count_upload, {.max_body = 1'000'000'000});
  app.get("/chunked", [](http::request&) {
    return http::response::stream("application/octet-stream", write_chunks);
  });
  app.get("/loop",
          [](http::request&) { return std::to_string(eddy::runtime::loop::current().index()); });
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2 && argc != 3) {
    std::fprintf(stderr, "usage: %s <port> [loops]\n", argv[0]);
    return 2;
  }
  const auto port = static_cast<std::uint16_t>(std::atoi(argv[1]));
  eddy::run_options options;
  if (argc == 3) options.loops = static_cast<std::size_t>(std::atoi(argv[2]));
  http::server app;
  add_routes(app);
  const auto serve = [&] {
    return app.listen_and_serve("127.0.0.1", port, {.reuse_port = options.loops > 1});
  };
  try {
    eddy::run(serve, options);
  } catch (const eddy::error& ended) {
    if (ended == eddy::errc::interrupted) return 0;
    std::fprintf(stderr, "%s\n", ended.what());
    return 1;
  }
}
