// A service with one route: the least that a user compiles, and what tools/bench measures the compiler with.
//
//   one_route <port>
#include <cstdlib>

#include <eddy/http/server.hpp>
#include <eddy/runtime/run.hpp>

namespace http = eddy::http;

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  http::server app;
  app.get("/plaintext", [](http::request&) { return "Hello, World!"; });
  eddy::run(app.listen_and_serve("127.0.0.1", static_cast<std::uint16_t>(std::atoi(argv[1]))));
}
