// What a WebSocket is made with: limits, times, compression; and websocket_error, why it has ended.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <eddy/base/error.hpp>
#include <eddy/base/time.hpp>
#include <eddy/wire/websocket_deflate.hpp>
#include <eddy/wire/websocket_error.hpp>

namespace eddy::http {

/// Close codes: websocket_close::normal is 1000.
namespace websocket_close = wire::websocket::close_code;

/// The same for servers and clients. Times are counted by the loop's clock.
struct websocket_options {
  /// Most bytes of a message that comes in, decompressed; more closes with 1009.
  std::uint64_t max_message = 1024 * 1024;
  /// A ping is sent when nothing has come for this long. Zero: never.
  duration ping_interval = std::chrono::seconds(20);
  /// Nothing at all for this long behind a ping: the peer is gone.
  duration pong_timeout = std::chrono::seconds(20);
  duration write_timeout = std::chrono::seconds(30);  ///< without any progress of what is sent
  duration close_timeout = std::chrono::seconds(10);  ///< for the closing handshake
  /// Whether permessage-deflate is offered, and accepted.
  bool compress = true;
  std::size_t compress_from = 256;  ///< bytes; smaller messages are sent as they are
  int compression_level = 6;        ///< 1, fastest, to 9, smallest
  /// Without context takeover, as here, compression costs no memory between messages.
  wire::websocket::deflate_parameters deflate = {.server_no_context_takeover = true,
                                                 .client_no_context_takeover = true};
};

/// How a WebSocket failed, or why it cannot send any more. Its code is the cause: errc::closed when one of the sides
/// has said goodbye, errc::timed_out when the peer has gone silent or takes nothing, one of wire::websocket::errc when
/// the peer broke the protocol or went beyond a limit (it has then been told so), the system's for a broken connection.
/// A value, usable on any thread.
class websocket_error final : public error {
 public:
  websocket_error(std::error_code cause, std::string operation, std::uint16_t close_code,
                  std::string reason);

  /// "receive: not UTF-8 (closed with 1007)".
  [[nodiscard]] const char* what() const noexcept override { return text_.c_str(); }
  /// The peer's; or ours, if we closed first; 1006 when the connection was lost.
  [[nodiscard]] std::uint16_t close_code() const noexcept { return close_code_; }
  [[nodiscard]] const std::string& reason() const noexcept { return reason_; }

 private:
  std::uint16_t close_code_;
  std::string reason_;
  std::string text_;
};

}  // namespace eddy::http
