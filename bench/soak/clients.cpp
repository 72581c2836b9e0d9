#include "clients.hpp"

#include "server.hpp"

#include <array>
#include <span>
#include <stdexcept>

#include <boost/json/serialize.hpp>

#include <eddy/coro/timeout.hpp>
#include <eddy/http/websocket.hpp>
#include <eddy/net/tcp.hpp>

namespace soak {

namespace http = eddy::http;

namespace {

eddy::task<std::string> ask(world& w, session& s, http::request_spec spec) {
  if (w.chance(50)) spec.decompress = false;
  auto answer = co_await s.client.request(std::move(spec));
  answer.raise_for_status();
  co_return co_await answer.body();
}

http::request_spec get(const session& s, const std::string& path) {
  return http::request_spec("GET", s.base + path);
}

std::string path_of(const char* route, std::size_t from, std::size_t size) {
  return '/' + (route + ('/' + std::to_string(from))) + '/' + std::to_string(size);
}

eddy::task<void> ask_plain(world& w, session& s) {
  const std::string got = co_await ask(w, s, get(s, "/plain"));
  w.compare("plain", got, "Hello, World!");
}

eddy::task<void> ask_json(world& w, session& s) {
  const std::size_t from = w.place();
  const std::size_t count = w.size(200);
  const std::string got = co_await ask(w, s, get(s, path_of("json", from, count)));
  w.compare("json", got, boost::json::serialize(items(w, from, count)));
}

eddy::task<void> ask_text(world& w, session& s, const char* route) {
  const std::size_t from = w.place();
  const std::size_t size = w.size(largest_body);
  const std::string got = co_await ask(w, s, get(s, path_of(route, from, size)));
  w.compare(route, got, w.text.piece(from, size));
}

eddy::task<void> ask_sum(world& w, session& s) {
  const std::size_t from = w.place();
  const std::size_t size = w.size(largest_body);
  const std::string got = co_await ask(w, s, get(s, path_of("sum", from, size)));
  w.compare("sum", got, std::to_string(checksum(w.text.piece(from, size))));
}

eddy::task<void> ask_echo(world& w, session& s) {
  const std::string_view body = w.text.piece(w.place(), w.size(largest_body));
  http::request_spec spec("POST", s.base + "/echo");
  if (w.chance(50)) {
    spec.set_body(std::string(body), http::content_type::octets);
  } else {
    http::streamed_body streamed;
    streamed.write = [body](http::body_writer& out) { return write_pieces(body, out); };
    spec.set_stream(std::move(streamed), http::content_type::octets);
  }
  const std::string got = co_await ask(w, s, std::move(spec));
  w.compare("echo", got, body);
}

/// An answer that comes after or before the time is up.
eddy::task<void> give_up(world& w, session& s) {
  const std::string path = "/late/" + std::to_string(w.random.below(60));
  const eddy::duration limit = w.time(milliseconds(20));
  if (w.chance(50)) {
    const auto got = co_await eddy::move_on_after(limit, ask(w, s, get(s, path)));
    if (got) w.compare("late", *got, "late");
    if (!got) ++w.sum.cancelled;
    co_return;
  }
  http::request_spec spec = get(s, path);
  spec.timeouts.total = limit;
  try {
    const std::string got = co_await ask(w, s, std::move(spec));
    w.compare("late", got, "late");
  } catch (const eddy::error& late) {
    if (late != eddy::condition::timed_out) throw;
    ++w.sum.cancelled;
  }
}

/// Gives an answer up after a part of it.
eddy::task<void> hang_up(world& w, session& s) {
  const std::size_t from = w.place();
  http::request_spec spec = get(s, path_of("stream", from, largest_body));
  auto answer = co_await s.client.request(std::move(spec));
  std::array<std::byte, 4096> first;
  const std::size_t size = co_await answer.read_some(first);
  w.compare("stream", std::string_view(reinterpret_cast<const char*>(first.data()), size),
            w.text.piece(from, size));
  ++w.sum.cancelled;
}

eddy::task<void> exchange(world& w, http::websocket& socket, bool text) {
  http::websocket_message message;
  message.kind = text ? http::websocket_kind::text : http::websocket_kind::binary;
  message.data = w.text.piece(w.place(), w.size(largest_message));
  co_await socket.send(message);
  const auto got = co_await socket.receive();
  if (!got || got->kind != message.kind) throw std::runtime_error("no such message came back");
  w.compare("message", got->data, message.data);
  ++w.sum.messages;
}

eddy::task<void> exchange_for_ever(world& w, http::websocket& socket) {
  for (;;) co_await exchange(w, socket, w.chance(50));
}

}  // namespace

eddy::task<void> ask_anything(world& w, session& s) {
  const std::uint64_t which = w.random.below(100);
  if (which < 40) {
    co_await ask_plain(w, s);
  } else if (which < 60) {
    co_await ask_json(w, s);
  } else if (which < 66) {
    co_await ask_text(w, s, "text");
  } else if (which < 72) {
    co_await ask_text(w, s, "stream");
  } else if (which < 77) {
    co_await ask_sum(w, s);
  } else if (which < 90) {
    co_await ask_echo(w, s);
  } else if (which < 97) {
    co_await give_up(w, s);
  } else {
    co_await hang_up(w, s);
  }
  ++w.sum.requests;
}

eddy::task<void> converse(world& w, const std::string& url) {
  http::websocket_connect_options options;
  options.connection.compress = w.chance(50);
  auto socket = co_await http::websocket_connect(url, options);
  for (std::uint64_t left = w.random.below(30); left > 0; --left) {
    co_await exchange(w, socket, w.chance(50));
    if (w.chance(30)) co_await eddy::sleep(w.time(milliseconds(50)));
  }
  if (w.chance(60)) {
    co_await socket.close();
    if (socket.close_code() != http::websocket_close::normal)
      tell_failure(w.sum, "close", "the code was " + std::to_string(socket.close_code()));
    co_return;
  }
  ++w.sum.cancelled;
  if (w.chance(50)) co_return;  // drops the connection
  co_await eddy::move_on_after(w.time(milliseconds(5)), exchange_for_ever(w, socket));
}

eddy::task<void> drop(world& w, const eddy::net::address& server) {
  constexpr std::array<std::string_view, 5> openings{
      "",
      "GET /pla",
      "GET /late/200 HTTP/1.1\r\nHost: soak\r\n\r\n",
      "GET /stream/0/1000000 HTTP/1.1\r\nHost: soak\r\n\r\n",
      "POST /echo HTTP/1.1\r\nHost: soak\r\nContent-Length: 100000\r\n\r\nonly this",
  };
  auto stream = co_await eddy::net::tcp_stream::connect(server);
  const std::string_view opening = openings[w.random.below(openings.size())];
  if (!opening.empty()) co_await stream.write_all(opening);
  co_await eddy::sleep(w.time(milliseconds(30)));
  if (w.chance(30)) stream.abort();
  ++w.sum.cancelled;
}

}  // namespace soak
