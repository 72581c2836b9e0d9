// A server that says exactly what a test wants, to any client.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <eddy/coro/group.hpp>
#include <eddy/coro/task.hpp>
#include <eddy/io/buffered_reader.hpp>
#include <eddy/net/serve.hpp>
#include <eddy/net/tcp.hpp>

namespace eddy::http::testing {

/// One accepted connection, as a test's script sees it.
class scripted_peer {
 public:
  scripted_peer(net::tcp_stream stream, std::size_t number)
      : stream_(std::move(stream)), reader_(stream_), number_(number) {}

  /// How many connections came before.
  [[nodiscard]] std::size_t number() const noexcept { return number_; }

  /// Head and body (by Content-Length) of the next request; nullopt when the client has closed.
  task<std::optional<std::string>> read_request() {
    std::optional<std::string> request;
    std::string head;
    bool ended = false;
    try {
      head = co_await reader_.read_until("\r\n\r\n");
    } catch (const error&) {
      ended = true;
    }
    if (ended) co_return request;
    constexpr std::string_view name = "Content-Length: ";
    if (const auto at = head.find(name); at != std::string::npos) {
      head += co_await reader_.read_exactly(std::stoul(head.substr(at + name.size())));
    }
    request = std::move(head);
    co_return request;
  }

  /// The head of the next request alone; nullopt when the client has closed.
  task<std::optional<std::string>> read_head() {
    std::optional<std::string> head;
    try {
      head = co_await reader_.read_until("\r\n\r\n");
    } catch (const error&) {
      // The client has closed.
    }
    co_return head;
  }
  task<std::string> read_bytes(std::size_t count) { return reader_.read_exactly(count); }

  task<void> send(std::string_view text) { return stream_.write_all(text); }
  /// Reads a request, whatever it says, and answers with `text`; false when the client has closed.
  task<bool> answer(std::string_view text) {
    const auto request = co_await read_request();
    if (request) co_await stream_.write_all(text);
    co_return request.has_value();
  }
  [[nodiscard]] net::tcp_stream& stream() noexcept { return stream_; }

 private:
  net::tcp_stream stream_;
  io::buffered_reader<net::tcp_stream> reader_;
  std::size_t number_;
};

/// Runs `script(scripted_peer&)` for each connection to a free port while `body(base)` runs; base is
/// "http://127.0.0.1:port". A script that returns closes its connection.
template <class Script, class Body>
task<void> with_scripted_server(Script script, Body body) {
  auto listener = net::tcp_listener::listen(net::address::loopback_v4(0));
  const std::string base = "http://127.0.0.1:" + std::to_string(listener.local().port());
  std::size_t connections = 0;
  auto serve_peer = [&](net::tcp_stream stream) -> task<void> {
    scripted_peer peer(std::move(stream), connections++);
    co_await script(peer);
  };
  auto run = [&](task_group& group) -> task<void> {
    group.spawn(net::serve(listener, serve_peer));
    co_await body(base);
    group.cancel();
  };
  co_await with_group(run);
}

}  // namespace eddy::http::testing
