// SHA-1 (RFC 3174), for the WebSocket handshake, where it protects nothing.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace eddy::wire::detail {

[[nodiscard]] std::array<std::uint8_t, 20> sha1(std::string_view message);

}  // namespace eddy::wire::detail
