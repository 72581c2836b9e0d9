// Server-sent events (WHATWG HTML, section 9.2): a server that sends as things happen, and a client that stays with it.
//
//   app.get("/ticks", [](eddy::http::request& r) {
//     return eddy::http::event_stream(r, [](eddy::http::event_writer& out) -> eddy::task<void> {
//       for (int i = 0;; ++i) {
//         co_await out.send(std::to_string(i));
//         co_await eddy::sleep(1s);
//       }
//     });
//   });
//
//   eddy::http::event_source ticks(client, "http://127.0.0.1:8000/ticks");
//   while (auto event = co_await ticks.next()) use(event->data);
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <eddy/base/time.hpp>
#include <eddy/coro/future.hpp>
#include <eddy/coro/task.hpp>
#include <eddy/http/client.hpp>
#include <eddy/http/request.hpp>
#include <eddy/http/response.hpp>
#include <eddy/sync/mutex.hpp>
#include <eddy/wire/sse.hpp>

namespace eddy::http {

// --- the server's side ---

/// Sends events. Given to the handler of event_stream, by reference; not to be kept. Any number of tasks may send.
class event_writer {
 public:
  event_writer(body_writer& out, std::string last_id, future<void> draining) noexcept
      : out_(out), last_id_(std::move(last_id)), draining_(std::move(draining)) {}
  event_writer(const event_writer&) = delete;
  event_writer& operator=(const event_writer&) = delete;

  /// Waits until the connection has taken the event: a slow client slows the sender down. Throws an error equal to
  /// condition::disconnected when the client is gone, condition::invalid_input for a line end in type or id.
  [[nodiscard]] task<void> send(std::string_view data) {
    return send(wire::sse::outgoing_event{data});
  }
  [[nodiscard]] task<void> send(wire::sse::outgoing_event event);
  /// Means nothing to the client, and finds out whether it is there.
  [[nodiscard]] task<void> send_comment(std::string_view text = {});

  /// Last-Event-ID of the request: the id of the last event that the client has seen. Empty: none.
  [[nodiscard]] const std::string& last_event_id() const noexcept { return last_id_; }
  /// Set when the server's end begins: time to return. The client then comes back by itself, to another server.
  [[nodiscard]] future<void> draining() const noexcept { return draining_; }
  /// When something was sent last.
  [[nodiscard]] time_point last_sent() const noexcept { return last_sent_; }

 private:
  [[nodiscard]] task<void> write(std::string text);

  body_writer& out_;
  std::string last_id_;
  future<void> draining_;
  mutex writing_;
  time_point last_sent_{};
};

using event_handler = std::move_only_function<task<void>(event_writer&)>;

struct event_stream_options {
  /// A comment is sent after this long without an event, so that nobody on the way takes the connection for dead.
  /// Zero: never.
  duration keep_alive = std::chrono::seconds(15);
};

/// The answer that runs `run`, until it returns, the client has gone, or the server's drain limit cancels it.
[[nodiscard]] response event_stream(request& r, event_handler run,
                                    event_stream_options options = event_stream_options());

// --- the client's side ---

struct event_source_options {
  duration reconnect =
      std::chrono::seconds(3);  ///< between connections, until the server says otherwise
  /// A connection on which nothing comes for this long is made anew. Zero: never.
  duration silence_limit = std::chrono::minutes(2);
  std::size_t max_event = 1024 * 1024;   ///< bytes
  std::string_view last_event_id = {};   ///< where to begin; copied
  const http::fields* fields = nullptr;  ///< further ones of the requests; copied
};

/// Stays with a stream of events: connects with the first next(), and again, with Last-Event-ID, whenever the
/// connection is lost or cannot be made. One loop; `client` must outlive it. One task at a time calls next().
class event_source {
 public:
  event_source(client& through, std::string url, const event_source_options& options = {});
  event_source(const event_source&) = delete;
  event_source& operator=(const event_source&) = delete;
  ~event_source();

  /// The next event; nullopt once the server has answered 204, which asks the client to stay away. Waits as long as it
  /// takes. Throws errc::invalid_input, or what the request throws, for a URL that cannot be used; http_error with the
  /// status for an answer other than 200; errc::unsupported for one that is no text/event-stream; errc::limit_exceeded
  /// for too large an event; later calls connect anew. Cancelled, it has lost nothing.
  [[nodiscard]] task<std::optional<wire::sse::incoming_event>> next();

  /// The id of the last event.
  [[nodiscard]] const std::string& last_event_id() const noexcept { return parser_.last_id(); }
  /// Whether there is a connection now.
  [[nodiscard]] bool connected() const noexcept { return response_.has_value(); }
  /// Connections made so far.
  [[nodiscard]] std::size_t connections() const noexcept { return connections_; }

 private:
  [[nodiscard]] bool take_event(wire::sse::incoming_event& into);
  [[nodiscard]] task<void> connect();
  [[nodiscard]] task<void> read();
  void accept(client_response answer);
  [[nodiscard]] request_spec make_request() const;
  [[nodiscard]] duration reconnect_after() const noexcept;

  client& client_;
  std::string url_;
  http::fields fields_;
  duration reconnect_;
  duration silence_limit_;
  wire::sse::parser parser_;
  std::optional<client_response> response_;
  std::string input_;
  std::size_t used_ = 0;  // bytes of it
  std::size_t connections_ = 0;
  bool tried_ = false;  // the next connection has to wait
  bool over_ = false;
  bool busy_ = false;
};

}  // namespace eddy::http
