#include <eddy/wire/websocket_error.hpp>

#include <string>

#include <eddy/base/error.hpp>

namespace eddy::wire::websocket {
namespace {

const char* describe(errc code) noexcept {
  switch (code) {
    case errc::reserved_bits: return "a reserved bit is set";
    case errc::reserved_opcode: return "reserved opcode";
    case errc::bad_masking: return "masked by a server, or not masked by a client";
    case errc::bad_length: return "malformed length";
    case errc::fragmented_control: return "fragmented control frame";
    case errc::long_control: return "control frame longer than 125 bytes";
    case errc::unexpected_continuation: return "continuation of no message";
    case errc::interleaved_message: return "a message inside another";
    case errc::bad_close_payload: return "malformed close frame";
    case errc::bad_close_code: return "close code that may not be sent";
    case errc::bad_utf8: return "not UTF-8";
    case errc::bad_compressed_data: return "malformed compressed data";
    case errc::frame_too_big: return "frame too big";
    case errc::message_too_big: return "message too big";
    case errc::bad_handshake: return "not a WebSocket handshake";
    case errc::bad_version: return "WebSocket version other than 13";
    case errc::bad_key: return "malformed Sec-WebSocket-Key";
    case errc::bad_accept: return "wrong Sec-WebSocket-Accept";
    case errc::bad_subprotocol: return "subprotocol that was not offered";
    case errc::bad_extension: return "malformed or unknown extension";
  }
  return "unknown WebSocket error";
}

class websocket_category final : public error_category_base {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "eddy.websocket"; }
  [[nodiscard]] std::string message(int code) const override {
    return describe(static_cast<errc>(code));
  }
  [[nodiscard]] condition condition_for(int) const noexcept override { return condition::failed; }
};

}  // namespace

std::uint16_t close_code_for(errc code) noexcept {
  switch (code) {
    case errc::bad_utf8:
    case errc::bad_compressed_data: return close_code::invalid_payload;
    case errc::frame_too_big:
    case errc::message_too_big: return close_code::message_too_big;
    case errc::bad_extension: return close_code::mandatory_extension;
    default: return close_code::protocol_error;
  }
}

const std::error_category& category() noexcept {
  static const websocket_category instance;
  return instance;
}

std::error_code make_error_code(errc code) noexcept { return {static_cast<int>(code), category()}; }

}  // namespace eddy::wire::websocket
