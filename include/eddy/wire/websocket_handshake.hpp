// The WebSocket handshake over HTTP/1.1 (RFC 6455 section 4): what goes into its fields, and whether it is right.
#pragma once

#include <array>
#include <cstddef>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <eddy/wire/http1_fields.hpp>
#include <eddy/wire/http1_request_parser.hpp>
#include <eddy/wire/http1_response_parser.hpp>
#include <eddy/wire/websocket_deflate.hpp>
#include <eddy/wire/websocket_error.hpp>

namespace eddy::wire::websocket {

/// Sec-WebSocket-Key out of 16 random bytes.
[[nodiscard]] std::string make_key(std::span<const std::byte, 16> random);
/// Whether `text` is 16 bytes in base64.
[[nodiscard]] bool is_key(std::string_view text) noexcept;
/// Sec-WebSocket-Accept for `key`.
[[nodiscard]] std::string accept_value(std::string_view key);

// --- the server's side ---

/// Whether a head asks for a WebSocket at all: Upgrade names it.
[[nodiscard]] bool asks_for_websocket(const http1::request_head& head) noexcept;
/// The key of a right request. Error: bad_handshake, bad_version (to be answered 426, with Sec-WebSocket-Version: 13),
/// bad_key.
[[nodiscard]] std::expected<std::string_view, errc> check_upgrade_request(
    const http1::request_head& head) noexcept;
/// The first subprotocol of the client's list that is among `supported`; empty if there is none.
[[nodiscard]] std::string_view choose_subprotocol(
    const http1::field_table& fields, std::span<const std::string_view> supported) noexcept;
/// The values of all lines of that name, as one list.
[[nodiscard]] std::string joined_values(const http1::field_table& fields, std::string_view name);

// --- the client's side ---

struct client_offer {
  std::string_view key;
  std::span<const std::string_view> subprotocols = {};
  std::optional<deflate_parameters> compression = std::nullopt;
};

/// Adds the fields that ask for a WebSocket: Connection, Upgrade and Sec-WebSocket-*. Throws std::system_error for
/// subprotocols that are no tokens.
void add_offer(http1::fields& to, const client_offer& offer);

/// What a server agreed to.
struct agreement {
  std::string_view subprotocol;  ///< a view into the fields; empty: none
  std::optional<deflate_parameters> compression;
};

/// Error: bad_handshake, bad_accept, bad_subprotocol, bad_extension.
[[nodiscard]] std::expected<agreement, errc> check_upgrade_response(
    const http1::response_head& head, const client_offer& offer);
/// The same for fields that were copied.
[[nodiscard]] std::expected<agreement, errc> check_upgrade_response(int status,
                                                                    const http1::fields& fields,
                                                                    const client_offer& offer);

}  // namespace eddy::wire::websocket
