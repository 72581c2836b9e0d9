#include <eddy/http/websocket.hpp>

#include "websocket_core.hpp"

#include <utility>

#include <eddy/base/error.hpp>
#include <eddy/io/stream.hpp>

namespace eddy::http {
namespace {

std::unique_ptr<detail::websocket_core> make_core(
    io::any_stream stream, wire::websocket::role own_role, const websocket_options& options,
    const std::optional<wire::websocket::deflate_parameters>& deflate, std::string_view early) {
  detail::websocket_setup setup;
  setup.own_role = own_role;
  setup.options = options;
  setup.deflate = deflate;
  return std::make_unique<detail::websocket_core>(
      std::make_unique<io::any_stream>(std::move(stream)), std::move(setup), early);
}

}  // namespace

websocket_error::websocket_error(std::error_code cause, std::string operation,
                                 std::uint16_t close_code, std::string reason)
    : error(cause, std::move(operation)), close_code_(close_code), reason_(std::move(reason)) {
  text_ = this->operation() + ": " + cause.message();
  if (close_code_ != 0) text_ += " (closed with " + std::to_string(close_code_) + ")";
  if (!reason_.empty()) text_ += ": " + reason_;
}

task<void> websocket_writer::write(std::string_view piece) {
  return core_.send_piece(io::bytes_of(piece));
}

websocket::websocket(io::any_stream stream, wire::websocket::role own_role,
                     websocket_options options,
                     std::optional<wire::websocket::deflate_parameters> deflate,
                     std::string_view early)
    : websocket(make_core(std::move(stream), own_role, options, deflate, early)) {}

websocket::websocket(std::unique_ptr<detail::websocket_core> core) noexcept
    : core_(std::move(core)) {}
websocket::websocket(websocket&&) noexcept = default;
websocket& websocket::operator=(websocket&&) noexcept = default;
websocket::~websocket() = default;

task<std::optional<websocket_message>> websocket::receive() { return core_->receive(); }

task<bool> websocket::receive(websocket_message& into) { return core_->receive(into); }

task<std::optional<websocket_piece>> websocket::receive_piece() { return core_->receive_piece(); }

task<void> websocket::send_text(std::string_view text) {
  return core_->send(websocket_kind::text, io::bytes_of(text));
}

task<void> websocket::send_binary(std::span<const std::byte> bytes) {
  return core_->send(websocket_kind::binary, bytes);
}

task<void> websocket::send(const websocket_message& message) {
  return core_->send(message.kind, io::bytes_of(message.data));
}

task<void> websocket::send_stream_of(websocket_kind kind,
                                     std::move_only_function<task<void>(websocket_writer&)> write) {
  return core_->send_stream(kind, std::move(write));
}

task<void> websocket::close(std::uint16_t code, std::string_view reason) {
  if (!wire::websocket::is_sendable_close_code(code)) throw_invalid_input("websocket: close code");
  if (reason.size() > wire::websocket::largest_control_payload - 2 || !wire::is_utf8(reason)) {
    throw_invalid_input("websocket: close reason");
  }
  return core_->close(code, reason);
}

void websocket::abort() noexcept { core_->abort(); }
bool websocket::is_open() const noexcept { return core_->is_open(); }
std::uint16_t websocket::close_code() const noexcept { return core_->code(); }
const std::string& websocket::close_reason() const noexcept { return core_->reason(); }
std::string_view websocket::subprotocol() const noexcept { return core_->subprotocol(); }
bool websocket::is_compressed() const noexcept { return core_->is_compressed(); }

}  // namespace eddy::http
