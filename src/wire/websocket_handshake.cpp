#include <eddy/wire/websocket_handshake.hpp>

#include "sha1.hpp"

#include <algorithm>
#include <cstdint>

#include <eddy/wire/http1_syntax.hpp>

namespace eddy::wire::websocket {
namespace {

constexpr std::string_view alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::string base64(std::span<const std::uint8_t> bytes) {
  std::string text;
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - at);
    std::uint32_t group = 0;
    for (std::size_t i = 0; i < 3; ++i) group = group << 8 | (i < count ? bytes[at + i] : 0U);
    for (std::size_t i = 0; i < 4; ++i) {
      text.push_back(i <= count ? alphabet[group >> (18 - 6 * i) & 0x3fU] : '=');
    }
  }
  return text;
}

/// Of fields as parsed or as copied.
template <class Fields>
std::string join(const Fields& fields, std::string_view name) {
  std::string all;
  for (const http1::field_view field : fields) {
    if (!http1::equals_ignoring_case(field.name, name)) continue;
    if (!all.empty()) all += ", ";
    all += field.value;
  }
  return all;
}

template <class Fields>
std::expected<agreement, errc> check_response(int status, const Fields& fields,
                                              const client_offer& offer) {
  if (status != 101 || !fields.has_token("Upgrade", "websocket") ||
      !fields.has_token("Connection", "upgrade")) {
    return std::unexpected(errc::bad_handshake);
  }
  if (fields.count("Sec-WebSocket-Accept") != 1 ||
      fields.find("Sec-WebSocket-Accept") != accept_value(offer.key)) {
    return std::unexpected(errc::bad_accept);
  }
  agreement agreed;
  if (const std::size_t answers = fields.count("Sec-WebSocket-Protocol"); answers > 0) {
    agreed.subprotocol = *fields.find("Sec-WebSocket-Protocol");
    if (answers > 1 ||
        std::ranges::find(offer.subprotocols, agreed.subprotocol) == offer.subprotocols.end()) {
      return std::unexpected(errc::bad_subprotocol);
    }
  }
  const std::string extensions = join(fields, "Sec-WebSocket-Extensions");
  if (extensions.empty()) return agreed;
  if (!offer.compression) return std::unexpected(errc::bad_extension);
  const auto compression = read_deflate_answer(extensions, *offer.compression);
  if (!compression) return std::unexpected(compression.error());
  agreed.compression = *compression;
  return agreed;
}

}  // namespace

std::string make_key(std::span<const std::byte, 16> random) {
  std::array<std::uint8_t, 16> bytes{};
  std::ranges::transform(random, bytes.begin(),
                         [](std::byte b) { return std::to_integer<std::uint8_t>(b); });
  return base64(bytes);
}

// 16 bytes are 22 characters, of which the last has four bits that say nothing, and two "=".
bool is_key(std::string_view text) noexcept {
  if (text.size() != 24 || !text.ends_with("==")) return false;
  return text.substr(0, 22).find_first_not_of(alphabet) == std::string_view::npos;
}

std::string accept_value(std::string_view key) {
  std::string text(key);
  text += "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  return base64(wire::detail::sha1(text));
}

// --- the server's side ---

bool asks_for_websocket(const http1::request_head& head) noexcept {
  return head.fields().has_token("Upgrade", "websocket");
}

std::expected<std::string_view, errc> check_upgrade_request(
    const http1::request_head& head) noexcept {
  const http1::field_table& fields = head.fields();
  if (head.method() != http1::method::get || head.minor_version() < 1 ||
      !asks_for_websocket(head) || !fields.has_token("Connection", "upgrade")) {
    return std::unexpected(errc::bad_handshake);
  }
  if (fields.count("Sec-WebSocket-Version") != 1 ||
      fields.find("Sec-WebSocket-Version") != std::string_view("13")) {
    return std::unexpected(errc::bad_version);
  }
  const auto key = fields.find("Sec-WebSocket-Key");
  if (fields.count("Sec-WebSocket-Key") != 1 || !is_key(*key)) {
    return std::unexpected(errc::bad_key);
  }
  return *key;
}

std::string_view choose_subprotocol(const http1::field_table& fields,
                                    std::span<const std::string_view> supported) noexcept {
  for (const http1::field_view field : fields) {
    if (!http1::equals_ignoring_case(field.name, "Sec-WebSocket-Protocol")) continue;
    http1::list_elements offered(field.value);
    for (auto one = offered.next(); !one.empty(); one = offered.next()) {
      const auto found = std::ranges::find(supported, one);
      if (found != supported.end()) return *found;
    }
  }
  return {};
}

std::string joined_values(const http1::field_table& fields, std::string_view name) {
  return join(fields, name);
}

// --- the client's side ---

void add_offer(http1::fields& to, const client_offer& offer) {
  to.set("Connection", "Upgrade");
  to.set("Upgrade", "websocket");
  to.set("Sec-WebSocket-Version", "13");
  to.set("Sec-WebSocket-Key", offer.key);
  std::string subprotocols;
  for (const std::string_view one : offer.subprotocols) {
    if (!http1::is_token(one)) throw std::system_error(http1::errc::invalid_output, "subprotocol");
    if (!subprotocols.empty()) subprotocols += ", ";
    subprotocols += one;
  }
  if (!subprotocols.empty()) to.set("Sec-WebSocket-Protocol", subprotocols);
  if (offer.compression) {
    to.set("Sec-WebSocket-Extensions", write_deflate_offer(*offer.compression));
  }
}

std::expected<agreement, errc> check_upgrade_response(const http1::response_head& head,
                                                      const client_offer& offer) {
  return check_response(head.status(), head.fields(), offer);
}

std::expected<agreement, errc> check_upgrade_response(int status, const http1::fields& fields,
                                                      const client_offer& offer) {
  return check_response(status, fields, offer);
}

}  // namespace eddy::wire::websocket
