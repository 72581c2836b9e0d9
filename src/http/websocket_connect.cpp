// The client's side of a WebSocket: connecting and the handshake.
#include "client_url.hpp"
#include "websocket_core.hpp"

#include <array>
#include <utility>

#include <eddy/base/error.hpp>
#include <eddy/coro/timeout.hpp>
#include <eddy/http/client.hpp>
#include <eddy/io/stream.hpp>
#include <eddy/net/tcp.hpp>
#include <eddy/tls/connect.hpp>
#include <eddy/wire/http1_response_parser.hpp>
#include <eddy/wire/http1_writer.hpp>

namespace eddy::http {
namespace {

namespace ws = wire::websocket;

/// ws and wss URLs differ from http and https ones by their names only (RFC 6455 section 3). Others stay as they are.
std::string http_form_of(std::string_view url) {
  const std::size_t colon = url.find(':');
  const std::string_view scheme = url.substr(0, colon);
  const bool secure = wire::http1::equals_ignoring_case(scheme, "wss");
  const bool plain = wire::http1::equals_ignoring_case(scheme, "ws");
  if (colon == std::string_view::npos || (!secure && !plain)) return std::string(url);
  return (secure ? "https" : "http") + std::string(url.substr(colon));
}

detail::client_url parse_url(std::string_view url) {
  const std::string text = http_form_of(url);
  if (text == url) throw error(errc::invalid_input, "the scheme of the URL is neither ws nor wss");
  return detail::client_url::parse(text);
}

std::string random_key() {
  random_source& random = coro::scheduler::require().random();
  std::array<std::byte, 16> bytes{};
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random() >> 56);
  return ws::make_key(bytes);
}

ws::client_offer offer_of(const websocket_connect_options& options, std::string_view key) {
  ws::client_offer offer;
  offer.key = key;
  offer.subprotocols = options.subprotocols;
  if (options.connection.compress) offer.compression = options.connection.deflate;
  return offer;
}

void add_fields(http::fields& to, const ws::client_offer& offer,
                const websocket_connect_options& options) {
  if (!options.origin.empty()) to.set("Origin", options.origin);
  if (options.fields != nullptr) {
    for (const field_view each : *options.fields) to.add(each.name, each.value);
  }
  ws::add_offer(to, offer);
}

std::string request_head(const detail::client_url& to, const ws::client_offer& offer,
                         const websocket_connect_options& options) {
  http::fields fields;
  fields.set("Host", to.authority);
  add_fields(fields, offer, options);
  wire::http1::request_line line;
  line.method = to_string(method::get);
  line.target = to.target;
  std::string head;
  const auto written =
      wire::http1::write_request_head(head, line, fields, wire::http1::body_size::none());
  if (!written) throw error(written.error(), "WebSocket handshake");
  return head;
}

[[noreturn]] void throw_refused(std::error_code why, int status) {
  throw websocket_error(why, "handshake answered " + std::to_string(status), 0, {});
}

websocket make_websocket(io::any_stream stream, const ws::agreement& agreed,
                         const websocket_connect_options& options, std::string_view early) {
  detail::websocket_setup setup;
  setup.own_role = ws::role::client;
  setup.options = options.connection;
  setup.deflate = agreed.compression;
  setup.subprotocol = agreed.subprotocol;
  auto owned = std::make_unique<io::any_stream>(std::move(stream));
  return websocket(
      std::make_unique<detail::websocket_core>(std::move(owned), std::move(setup), early));
}

/// Reads a final head to the front of `unread`; gives its size.
task<std::size_t> read_head(io::any_stream& stream, std::string& unread,
                            wire::http1::response_head& head) {
  wire::http1::response_parser parser;
  constexpr std::size_t step = 1024;
  for (;;) {
    const auto size = parser.parse(unread, method::get, head);
    if (!size) throw error(size.error(), "WebSocket handshake");
    if (*size > 0 && !head.is_interim()) co_return *size;
    if (*size > 0) {
      unread.erase(0, *size);
      continue;
    }
    const std::size_t before = unread.size();
    unread.resize(before + step);
    const auto room = std::as_writable_bytes(std::span(unread)).subspan(before);
    const std::size_t count = co_await stream.read_some(room);
    unread.resize(before + count);
    if (count == 0) throw error(wire::http1::errc::incomplete_message, "WebSocket handshake");
  }
}

task<websocket> shake_hands(io::any_stream stream, const detail::client_url& to,
                            const websocket_connect_options& options) {
  const std::string key = random_key();
  const ws::client_offer offer = offer_of(options, key);
  const std::string request = request_head(to, offer, options);
  co_await io::write_all(stream, request);

  std::string unread;
  wire::http1::response_head head;
  const std::size_t size = co_await read_head(stream, unread, head);
  const auto agreed = ws::check_upgrade_response(head, offer);
  if (!agreed) throw_refused(agreed.error(), head.status());
  co_return make_websocket(std::move(stream), *agreed, options,
                           std::string_view(unread).substr(size));
}

task<io::any_stream> connect_securely(const detail::client_url& to, const tls::context* context) {
  tls::context chosen = context != nullptr ? *context : tls::context::client();
  co_return io::any_stream(co_await tls::connect(to.host, to.port, std::move(chosen)));
}

task<io::any_stream> connect_plainly(const detail::client_url& to) {
  co_return io::any_stream(co_await net::tcp_stream::connect(to.host, to.port));
}

task<websocket> connect(detail::client_url to, websocket_connect_options options) {
  auto connecting = to.secure ? connect_securely(to, options.tls) : connect_plainly(to);
  io::any_stream stream = co_await std::move(connecting);
  co_return co_await shake_hands(std::move(stream), to, options);
}

}  // namespace

task<websocket> websocket_connect(std::string url, websocket_connect_options options) {
  detail::client_url to = parse_url(url);
  auto connecting = connect(std::move(to), options);
  co_return co_await with_timeout(options.timeout, std::move(connecting));
}

task<websocket> websocket_connect(io::any_stream stream, std::string url,
                                  websocket_connect_options options) {
  const detail::client_url to = parse_url(url);
  auto shaking = shake_hands(std::move(stream), to, options);
  co_return co_await with_timeout(options.timeout, std::move(shaking));
}

task<websocket> websocket_connect(client& through, std::string url,
                                  websocket_connect_options options) {
  const std::string key = random_key();
  const ws::client_offer offer = offer_of(options, key);
  request_spec spec("GET", http_form_of(url));
  add_fields(spec.fields, offer, options);
  spec.timeouts.total = options.timeout;
  auto asking = through.upgrade(std::move(spec), "websocket");
  client_upgrade made = co_await std::move(asking);
  const int status = made.response.status();
  const auto agreed = ws::check_upgrade_response(status, made.response.fields(), offer);
  if (!agreed) throw_refused(agreed.error(), status);
  if (!made.stream) throw_refused(ws::errc::bad_handshake, status);
  co_return make_websocket(std::move(*made.stream), *agreed, options, {});
}

}  // namespace eddy::http
