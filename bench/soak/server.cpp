#include "server.hpp"

#include <charconv>
#include <numeric>
#include <string>

#include <boost/json/object.hpp>

#include <eddy/coro/sleep.hpp>
#include <eddy/http/http_error.hpp>
#include <eddy/http/websocket.hpp>
#include <eddy/runtime/offload.hpp>
#include <eddy/web/compression.hpp>

namespace soak {

namespace http = eddy::http;

namespace {

std::size_t number(const http::request& r, std::string_view name) {
  const std::string_view text = r.parameter(name);
  std::size_t value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (parsed.ec != std::errc()) throw http::http_error(400, "no number");
  return value;
}

eddy::task<void> echo_messages(http::websocket& peer) {
  http::websocket_message message;
  bool more = co_await peer.receive(message);
  while (more) {
    co_await peer.send(message);
    more = co_await peer.receive(message);
  }
}

eddy::task<http::response> echo_body(http::request& r) {
  const std::string_view body = co_await r.body();
  co_return http::response::of("application/octet-stream", std::string(body));
}

eddy::task<http::response> answer_late(http::request& r) {
  co_await eddy::sleep(milliseconds(number(r, "milliseconds")));
  co_return http::response::text("late");
}

}  // namespace

boost::json::array items(const world& w, std::size_t from, std::size_t count) {
  boost::json::array made;
  for (std::size_t i = 0; i < count; ++i)
    made.push_back(boost::json::object{{"id", i}, {"name", w.text.piece(from + i, 20)}});
  return made;
}

std::uint64_t checksum(std::string_view bytes) {
  return std::accumulate(bytes.begin(), bytes.end(), std::uint64_t{7},
                         [](std::uint64_t sum, char c) { return sum * 31 + std::uint64_t(c); });
}

eddy::task<void> write_pieces(std::string_view all, http::body_writer& out) {
  while (!all.empty()) {
    const std::string_view piece = all.substr(0, 8000);
    co_await out.write(piece);
    all.remove_prefix(piece.size());
  }
}

void add_routes(http::server& app, const world& w) {
  app.use(eddy::web::compression());
  app.get("/plain", [](http::request&) { return http::response::text("Hello, World!"); });
  app.get("/json/{from}/{count}",
          [&w](http::request& r) { return items(w, number(r, "from"), number(r, "count")); });
  app.get("/text/{from}/{size}", [&w](http::request& r) {
    return std::string(w.text.piece(number(r, "from"), number(r, "size")));
  });
  app.get("/stream/{from}/{size}", [&w](http::request& r) {
    const std::string_view all = w.text.piece(number(r, "from"), number(r, "size"));
    return http::response::stream("text/csv",
                                  [all](http::body_writer& out) { return write_pieces(all, out); });
  });
  app.get("/sum/{from}/{size}", [&w](http::request& r) -> eddy::task<std::string> {
    const std::string_view all = w.text.piece(number(r, "from"), number(r, "size"));
    co_return std::to_string(co_await eddy::to_thread(checksum, all));
  });
  app.get("/late/{milliseconds}", answer_late);
  app.post("/echo", echo_body, {.max_body = 2 * largest_body});
  app.get("/ws", [](http::request& r) { return http::websocket_upgrade(r, echo_messages); });
}

}  // namespace soak
