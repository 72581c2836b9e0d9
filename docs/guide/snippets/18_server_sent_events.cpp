// The program behind 18-server-sent-events.md.
#include "expect.hpp"

#include <chrono>
#include <string>

#include <eddy/eddy.hpp>
#include <eddy/testing/virtual_run.hpp>

// [server]
namespace http = eddy::http;
using namespace std::chrono_literals;

eddy::task<void> send_ticks(http::event_writer& out) {
  const std::string& seen = out.last_event_id();  // where a client that comes back left off
  int tick = seen.empty() ? 0 : std::stoi(seen) + 1;
  while (!out.draining().ready()) {
    const std::string id = std::to_string(tick++);
    const std::string text = "tick " + id;
    co_await out.send({.data = text, .type = "tick", .id = id});
    co_await eddy::sleep(1s);
  }
}

void add_ticks(http::server& app) {
  app.get("/ticks", [](http::request& r) { return http::event_stream(r, send_ticks); });
}
// [/server]

// [client]
eddy::task<std::string> third_tick(http::client& client, std::string url) {
  http::event_source ticks(client, url);
  std::string last;
  for (int i = 0; i < 3; ++i) {
    const auto event =
        co_await ticks.next();  // connects, and again whenever the connection is lost
    if (!event) break;          // the server has said that there is nothing more
    last = event->data;
  }
  co_return last;
}
// [/client]

eddy::task<void> everything() {
  http::server app;
  add_ticks(app);
  auto serving = eddy::spawn(app.listen_and_serve("127.0.0.1", 8000));
  co_await eddy::sleep(1s);
  http::client client;
  const std::string third = co_await third_tick(client, "http://127.0.0.1:8000/ticks");
  expect(third == "tick 2");
  serving.cancel();
  const auto ended = co_await eddy::as_result(serving);
  expect(!ended.has_value());
}

int main() { eddy::testing::run_virtual(everything()); }
