// websocket: one end of a WebSocket connection (RFC 6455), the same for servers and clients.
//
//   app.get("/chat", [](eddy::http::request& r) {
//     return eddy::http::websocket_upgrade(r, [](eddy::http::websocket& ws) -> eddy::task<void> {
//       while (auto message = co_await ws.receive()) co_await ws.send(*message);
//     });
//   });
//
//   auto ws = co_await eddy::http::websocket_connect("ws://example.org/chat");
//   co_await ws.send_text("hello");
//
// Pings are answered, and silence is noticed, while a task receives: a program that only sends has one task that
// receives all the same, so that it learns of the end.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include <eddy/coro/task.hpp>
#include <eddy/http/message.hpp>
#include <eddy/http/request.hpp>
#include <eddy/http/response.hpp>
#include <eddy/http/websocket_options.hpp>
#include <eddy/io/any_stream.hpp>
#include <eddy/wire/websocket_decoder.hpp>

namespace eddy::tls {
class context;
}

namespace eddy::http {

using websocket_kind = wire::websocket::message_kind;

/// A whole message.
class websocket_message {
 public:
  websocket_message() {}  // not an aggregate: see the notes on g++ 12
  websocket_kind kind = websocket_kind::text;
  std::string data;  ///< UTF-8 if it is a text

  [[nodiscard]] bool is_text() const noexcept { return kind == websocket_kind::text; }
};

/// A piece of a message, as it came.
struct websocket_piece {
  websocket_kind kind = websocket_kind::text;
  std::string_view data =
      {};             ///< valid until the next receive; a text may be cut inside a character
  bool last = false;  ///< the message ends with it
};

namespace detail {
class websocket_core;
}

/// Sends a message in pieces, each as a frame. Given to the callable of send_stream, by reference; not to be kept.
class websocket_writer {
 public:
  explicit websocket_writer(detail::websocket_core& core) noexcept : core_(core) {}
  websocket_writer(const websocket_writer&) = delete;
  websocket_writer& operator=(const websocket_writer&) = delete;

  /// Waits until the connection has taken it. A text may be cut anywhere.
  [[nodiscard]] task<void> write(std::string_view piece);

 private:
  detail::websocket_core& core_;
};

/// Belongs to one loop. One task receives at a time (a second one gets errc::busy); any number of tasks may send, each
/// message whole and in order of the calls. Move-only, but not while a task uses it. Destroyed while open, the
/// connection is cut; destroying it while a task uses it stops the program.
///
/// After the peer's close frame, which is answered at once, receive() gives nothing, and sends throw websocket_error;
/// so they do after close() here. All else that ends a connection is thrown by both: see websocket_error.
class websocket {
 public:
  /// For those who made the handshake themselves; `early` is what was read behind it. `deflate`: what was agreed on.
  websocket(io::any_stream stream, wire::websocket::role own_role, websocket_options options = {},
            std::optional<wire::websocket::deflate_parameters> deflate = std::nullopt,
            std::string_view early = {});
  explicit websocket(std::unique_ptr<detail::websocket_core> core) noexcept;
  websocket(websocket&&) noexcept;
  websocket& operator=(websocket&&) noexcept;
  ~websocket();

  // --- receiving: cancelled, it has lost nothing ---

  /// The next message; nullopt once the connection was closed in order, whatever the code. Nothing is read from the
  /// connection that nobody has asked for: a slow receiver slows the sender down.
  [[nodiscard]] task<std::optional<websocket_message>> receive();
  /// The same into `into`, whose memory is used again; false instead of nullopt.
  [[nodiscard]] task<bool> receive(websocket_message& into);
  /// The next piece of a message, for messages too large to be kept; max_message counts all the same. receive() in the
  /// middle of a message gives its rest.
  [[nodiscard]] task<std::optional<websocket_piece>> receive_piece();

  // --- sending ---
  // Waits until the connection has taken all of the message: a slow peer slows the sender down. The bytes must live
  // until then. A send that is cancelled while others are sending has sent nothing; once it has begun, the message
  // will be sent whole, with what is sent next: the progress field of `cancelled` is its size then, else zero.

  /// Throws invalid_input if it is not UTF-8.
  [[nodiscard]] task<void> send_text(std::string_view text);
  [[nodiscard]] task<void> send_binary(std::span<const std::byte> bytes);
  [[nodiscard]] task<void> send(const websocket_message& message);
  /// Calls `write(websocket_writer&)`, which gives a task<void> and makes the message piece by piece; other messages
  /// wait meanwhile. Never compressed. When `write` throws after the first piece the connection is cut. The callable
  /// is named first, or has no captures that own anything.
  template <class Fn>
    requires std::is_same_v<std::invoke_result_t<Fn&, websocket_writer&>, task<void>>
  [[nodiscard]] task<void> send_stream(websocket_kind kind, Fn write) {
    return send_stream_of(kind,
                          std::move_only_function<task<void>(websocket_writer&)>(std::move(write)));
  }

  // --- the end ---

  /// Sends a close frame behind what is being sent, waits for the peer's, and closes the connection; messages that
  /// still come are dropped. What goes wrong is not thrown: close_code() is 1006 then. All within the close timeout.
  /// Does nothing when it is closed. `code` 1000, 1001, 1008, 3000 to 4999, ...; others throw invalid_input, as does
  /// a `reason` of more than 123 bytes.
  [[nodiscard]] task<void> close(std::uint16_t code = websocket_close::normal,
                                 std::string_view reason = {});
  /// Cuts the connection.
  void abort() noexcept;

  /// Whether messages can be sent: neither side has closed.
  [[nodiscard]] bool is_open() const noexcept;
  /// Why it ended: the peer's code (1005: its close frame had none), ours if the peer sent none, 1006 when the
  /// connection was lost; 0 while open.
  [[nodiscard]] std::uint16_t close_code() const noexcept;
  [[nodiscard]] const std::string& close_reason() const noexcept;

  // --- what was agreed on ---
  [[nodiscard]] std::string_view subprotocol() const noexcept;
  [[nodiscard]] bool is_compressed() const noexcept;

 private:
  [[nodiscard]] task<void> send_stream_of(
      websocket_kind kind, std::move_only_function<task<void>(websocket_writer&)> write);

  std::unique_ptr<detail::websocket_core> core_;
};

// --- the server's side ---

/// Views are used during the call only.
struct websocket_accept_options {
  websocket_options connection = {};
  /// What is spoken here: the first of the client's list that is among them is chosen.
  std::span<const std::string_view> subprotocols = {};
  /// Origins that browsers may come from besides the own one, which is the request's authority: "https://example.org".
  /// Others are answered 403. Requests without Origin do not come from a page.
  std::span<const std::string_view> origins = {};
  bool any_origin = false;  ///< no check: for what needs no cookies and no private network
};

using websocket_handler = std::move_only_function<task<void>(websocket&)>;

/// The answer to a WebSocket's handshake: 101, after which `run` has the connection; or 400, 403, 426 for a request
/// that may not have one. When `run` returns the connection is closed with 1000; when it throws with 1011, and what
/// failed goes to the error hook, but for a websocket_error, which is the peer's affair. When the server ends, 1001 is
/// sent and the connection closed, at the latest with its drain limit. HTTP/1.1 only.
[[nodiscard]] response websocket_upgrade(request& r, websocket_handler run,
                                         const websocket_accept_options& options = {});

// --- the client's side ---

/// Views must live until the connection is there.
struct websocket_connect_options {
  websocket_options connection = {};
  std::span<const std::string_view> subprotocols = {};  ///< in order of preference
  std::string_view origin = {};                         ///< empty: no Origin
  const http::fields* fields = nullptr;         ///< further ones: Authorization, Cookie, ...
  duration timeout = std::chrono::seconds(30);  ///< for connecting and the handshake
  const tls::context* tls = nullptr;            ///< for wss; null: the system\'s authorities
};

/// Connects to a ws or wss URL and makes the handshake. Throws websocket_error for an answer that is not right, with
/// its status in the operation; the errors of connecting and of TLS; invalid_input for the URL; timeout_error.
[[nodiscard]] task<websocket> websocket_connect(
    std::string url, websocket_connect_options options = websocket_connect_options());

/// The same over a connection that is there already: TLS, a proxy's, or in memory.
[[nodiscard]] task<websocket> websocket_connect(
    io::any_stream stream, std::string url,
    websocket_connect_options options = websocket_connect_options());

class client;

/// The same through a client, with its proxies, cookies, default fields, TLS and connector; `url` may be relative to
/// its base URL. options.tls is not used. Throws what the client's requests throw, too. The connection leaves the
/// client.
[[nodiscard]] task<websocket> websocket_connect(
    client& through, std::string url,
    websocket_connect_options options = websocket_connect_options());

}  // namespace eddy::http
