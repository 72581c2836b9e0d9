// What this module needs of OpenSSL.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace eddy::web::detail {

using digest = std::array<unsigned char, 32>;

[[nodiscard]] digest hmac_sha256(std::string_view key, std::string_view text);
[[nodiscard]] bool equal_digests(const digest& a, const digest& b) noexcept;

/// Base64 with '-' and '_', without padding (RFC 4648 section 5).
[[nodiscard]] std::string to_base64url(std::string_view bytes);
[[nodiscard]] std::optional<std::string> from_base64url(std::string_view text);
/// The usual alphabet; padding may be missing.
[[nodiscard]] std::optional<std::string> from_base64(std::string_view text);

}  // namespace eddy::web::detail
