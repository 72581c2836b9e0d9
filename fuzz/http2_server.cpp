// Any bytes as what a client says over HTTP/2 behind its preface and SETTINGS, to a server with one handler of each
// kind. The first byte chooses the size of the pieces. A run that hangs, or leaves a task, a timer or a frame behind,
// is a finding as well.
#include "fuzz_check.hpp"
#include "http/http2_raw.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <eddy/coro/sleep.hpp>
#include <eddy/testing/virtual_run.hpp>

namespace {

namespace http = eddy::http;

void add_routes(http::server& app) {
  app.get("/", [](http::request&) { return "root"; });
  app.get("/slow", [](http::request&) -> eddy::task<std::string> {
    co_await eddy::sleep(std::chrono::seconds(1));
    co_return "slow";
  });
  app.post("/echo", [](http::request& r) -> eddy::task<std::string> {
    const std::string_view body = co_await r.body();
    co_return std::string(body);
  });
  app.get("/stream", [](http::request&) {
    return http::response::stream("x/y", [](http::body_writer& out) -> eddy::task<void> {
      for (int i = 0; i < 10; ++i) co_await out.write(std::string_view("0123456789"));
    });
  });
}

eddy::task<void> converse(std::string_view bytes, std::size_t piece) {
  http::server app;
  add_routes(app);
  auto body = [&](http::test::h2_peer& peer) -> eddy::task<void> {
    auto both = [&](eddy::task_group& group) -> eddy::task<void> {
      auto send = [&]() -> eddy::task<void> {
        co_await peer.open();
        for (std::size_t at = 0; at < bytes.size(); at += piece) {
          co_await peer.send(std::string(bytes.substr(at, piece)));
        }
      };
      group.spawn(send);
      // Until the server ends the connection, as it does with one that is idle.
      const auto frames = co_await peer.read_all(std::chrono::hours(1));
      eddy::fuzz::expect(peer.ended(), "the server goes on for an hour");
      group.cancel();
    };
    co_await eddy::with_group(both);
  };
  co_await http::test::with_h2_peer(app, body);
  eddy::fuzz::expect(app.statistics().connections_open == 0, "a connection is left");
  eddy::fuzz::expect(app.statistics().requests_running == 0, "a request is left");
}

}  // namespace

// What threads keep for later runs looks like a leak to libFuzzer, which then has LeakSanitizer stop the world after
// every third input: half a second each on a busy machine. Leaks are looked for at the end in any case.
extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  static char no_check[] = "-detect_leaks=0";
  static std::vector<char*> arguments(*argv, *argv + *argc);
  arguments.insert(arguments.begin() + 1, no_check);  // so that the command line can say otherwise
  *argc = static_cast<int>(arguments.size());
  arguments.push_back(nullptr);
  *argv = arguments.data();
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  const std::size_t piece = 1U + data[0] * 16U;
  eddy::testing::run_virtual([bytes, piece] { return converse(bytes, piece); });
  return 0;
}
