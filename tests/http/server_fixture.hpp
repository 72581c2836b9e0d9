// A server under test, and a client that sends bytes as they are written and reads answers one by one.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <eddy/coro/group.hpp>
#include <eddy/http/server.hpp>
#include <eddy/net/tcp.hpp>
#include <eddy/testing/requirement.hpp>
#include <eddy/wire/http1_response_parser.hpp>

namespace eddy::http::test {

/// An answer as it was read. Its status is 0 when the connection ended instead.
class answer {
 public:
  answer() {}  // not an aggregate: see the notes on g++ 12
  int status = 0;
  http::fields fields;
  http::fields trailers;
  std::string body;
  bool chunked = false;

  [[nodiscard]] std::string field(std::string_view name) const {
    return std::string(fields.find(name).value_or(std::string_view()));
  }
};

class raw_client {
 public:
  explicit raw_client(net::tcp_stream stream) : stream_(std::move(stream)) {}

  static task<raw_client> connect(net::address to) {
    net::tcp_stream stream = co_await net::tcp_stream::connect(to);
    co_return raw_client(std::move(stream));
  }

  task<void> send(std::string_view text) { return stream_.write_all(text); }

  /// The next answer to a request with method `asked`; status 0 at the end of the stream.
  task<answer> read(method asked = method::get) {
    wire::http1::response_parser parser;
    wire::http1::response_head head;
    answer got;
    for (;;) {
      const auto size = parser.parse(unread_, asked, head);
      eddy::testing::require(size.has_value(), "the server sends valid heads");
      if (*size > 0) {
        got.status = head.status();
        got.fields = http::fields(head.fields());
        got.chunked = head.framing() == wire::http1::framing::chunked;
        auto decoder = head.body();
        unread_.erase(0, *size);
        co_await read_body(decoder, got);
        co_return got;
      }
      const bool more = co_await read_more();
      if (!more) co_return got;
    }
  }

  /// Sends and reads the answer.
  task<answer> ask(std::string_view text, method asked = method::get) {
    co_await send(text);
    co_return co_await read(asked);
  }

  /// Everything up to the end of the stream.
  task<std::string> read_rest() {
    bool more = true;
    while (more) more = co_await read_more();
    co_return std::exchange(unread_, {});
  }

  [[nodiscard]] net::tcp_stream& stream() { return stream_; }

 private:
  task<bool> read_more() {
    std::string piece(4096, '\0');
    std::size_t count = 0;
    try {
      count = co_await stream_.read_some(std::as_writable_bytes(std::span(piece)));
    } catch (const error& lost) {
      if (!(lost == condition::disconnected)) throw;
    }
    unread_.append(piece, 0, count);
    co_return count > 0;
  }

  task<void> read_body(wire::http1::body_decoder& decoder, answer& got) {
    for (;;) {
      const auto event = decoder.next(unread_);
      eddy::testing::require(event.has_value(), "the server sends valid bodies");
      got.body.append(event->data);
      unread_.erase(0, event->consumed);
      if (event->kind == wire::http1::body_decoder::event_kind::end) break;
      if (event->kind == wire::http1::body_decoder::event_kind::data) continue;
      const bool more = co_await read_more();
      if (!more) {
        eddy::testing::require(decoder.finish().has_value(), "the server ends its bodies");
        break;
      }
    }
    got.trailers = http::fields(decoder.trailers());
  }

  net::tcp_stream stream_;
  std::string unread_;
};

/// Serves `app` while `body(address)` runs, then shuts it down and waits for its end.
template <class Body>
task<void> with_server(server& app, Body body) {
  net::tcp_listener listener = net::tcp_listener::listen(net::address::loopback_v4(0));
  const net::address at = listener.local();
  auto both = [&](task_group& group) -> task<void> {
    group.spawn(app.serve(listener));
    co_await body(at);
    app.shutdown();
  };
  co_await with_group(both);
}

[[nodiscard]] inline std::string get(std::string_view target, std::string_view fields = {}) {
  std::string text = "GET ";
  text.append(target).append(" HTTP/1.1\r\nHost: h\r\n").append(fields).append("\r\n");
  return text;
}

[[nodiscard]] inline std::string post(std::string_view target, std::string_view body,
                                      std::string_view fields = {}) {
  std::string text = "POST ";
  text.append(target).append(" HTTP/1.1\r\nHost: h\r\nContent-Length: ");
  text.append(std::to_string(body.size())).append("\r\n").append(fields).append("\r\n");
  text.append(body);
  return text;
}

}  // namespace eddy::http::test
