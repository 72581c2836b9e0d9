// The program behind 19-websocket.md.
#include "expect.hpp"

#include <chrono>
#include <string>

#include <eddy/eddy.hpp>
#include <eddy/testing/virtual_run.hpp>

// [server]
namespace http = eddy::http;
using namespace std::chrono_literals;
using room = eddy::broadcast<std::string>;

eddy::task<void> forward(room::receiver from, http::websocket& to) {
  while (auto text = co_await from.receive()) co_await to.send_text(*text);
}

eddy::task<void> chat(http::websocket& member, room& everybody) {
  auto both = [&](eddy::task_group& group) -> eddy::task<void> {
    group.spawn(forward(everybody.subscribe(), member));
    while (auto message = co_await member.receive()) everybody.send(message->data);
    group.cancel();
  };
  co_await eddy::with_group(both);
}

void add_chat(http::server& app, room& everybody) {
  app.get("/chat", [&](http::request& r) {
    return http::websocket_upgrade(
        r, [&](http::websocket& member) { return chat(member, everybody); });
  });
}
// [/server]

// [client]
eddy::task<std::string> say(std::string url, std::string text) {
  http::websocket_connect_options options;
  options.timeout = 5s;
  auto ws = co_await http::websocket_connect(url, options);
  co_await ws.send_text(text);
  const auto answer = co_await ws.receive();  // nothing once the server has closed
  co_await ws.close(1000, "that was all");
  co_return answer ? answer->data : "closed with " + std::to_string(ws.close_code());
}
// [/client]

// [pieces]
eddy::task<std::size_t> count_bytes(http::websocket& from) {
  std::size_t total = 0;
  while (auto piece = co_await from.receive_piece()) {
    total += piece->data.size();
    if (piece->last) break;
  }
  co_return total;
}

eddy::task<void> send_numbers(http::websocket& to) {
  auto write = [](http::websocket_writer& out) -> eddy::task<void> {
    for (int i = 0; i < 1000; ++i) co_await out.write(std::to_string(i) + "\n");
  };
  co_await to.send_stream(http::websocket_kind::text, write);
}
// [/pieces]

eddy::task<void> everything() {
  room everybody(100);
  http::server app;
  add_chat(app, everybody);
  app.get("/numbers", [](http::request& r) { return http::websocket_upgrade(r, send_numbers); });
  auto serving = eddy::spawn(app.listen_and_serve("127.0.0.1", 8000));
  co_await eddy::sleep(1s);
  const std::string said = co_await say("ws://127.0.0.1:8000/chat", "hello");
  expect(said == "hello");
  auto numbers = co_await http::websocket_connect("ws://127.0.0.1:8000/numbers");
  const std::size_t size = co_await count_bytes(numbers);
  expect(size == 3890);
  co_await numbers.close();
  serving.cancel();
  const auto ended = co_await eddy::as_result(serving);
  expect(!ended.has_value());
}

int main() { eddy::testing::run_virtual(everything()); }
