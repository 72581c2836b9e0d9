// A chat: a page, and a room in which everybody reads what anybody writes. With a port as its argument it serves until
// Ctrl-C; without, two members try it out.
#include <iostream>
#include <string>

#include <eddy/eddy.hpp>
#include <eddy/http/server.hpp>
#include <eddy/http/websocket.hpp>

namespace http = eddy::http;
using room = eddy::broadcast<std::string>;

constexpr std::string_view page = R"(<!doctype html><title>chat</title>
<input id=line autofocus><ul id=said></ul>
<script>
const chat = new WebSocket(`ws://${location.host}/chat`);
chat.onmessage = (e) => {
  const item = document.createElement('li');
  item.textContent = e.data;
  document.getElementById('said').prepend(item);
};
const line = document.getElementById('line');
line.onchange = () => { chat.send(line.value); line.value = ''; };
</script>)";

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

eddy::task<bool> try_it(std::string url) {
  auto ada = co_await http::websocket_connect(url);
  auto bob = co_await http::websocket_connect(url);
  co_await bob.send_text("hello");
  const auto own = co_await bob.receive();
  co_await ada.send_text("hello, Bob");
  const auto answer = co_await bob.receive();
  co_await ada.close();
  co_await bob.close();
  std::cout << own->data << '\n' << answer->data << '\n';
  co_return own->data == "hello" && answer->data == "hello, Bob";
}

eddy::task<int> async_main(std::uint16_t port) {
  room everybody(100);  // a member who is more than 100 messages behind is sent away
  http::server app;
  app.get("/", [](http::request&) { return http::response::html(std::string(page)); });
  app.get("/chat", [&](http::request& r) {
    auto serve = [&](http::websocket& member) { return chat(member, everybody); };
    return http::websocket_upgrade(r, serve);
  });
  auto listener = eddy::net::tcp_listener::listen(eddy::net::address::loopback_v4(port));
  bool right = true;
  co_await eddy::with_group([&](eddy::task_group& group) -> eddy::task<void> {
    group.spawn(app.serve(listener));
    if (port != 0) co_return;
    right = co_await try_it("ws://" + listener.local().to_string() + "/chat");
    app.shutdown();
  });
  co_return right ? 0 : 1;
}

int main(int argc, char** argv) {
  const int port = argc > 1 ? std::stoi(argv[1]) : 0;
  return eddy::run(async_main(static_cast<std::uint16_t>(port)));
}
