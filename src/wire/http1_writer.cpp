#include <eddy/wire/http1_writer.hpp>

#include "http1_bytes.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include <eddy/wire/http1_target.hpp>

namespace eddy::wire::http1 {
namespace {

// Fields a recipient acts on before the body, or that say where the message goes or ends; a trailer
// of that name could only be a mistake or an attack (RFC 9110 section 6.5.1).
constexpr auto forbidden_trailers = std::to_array<std::string_view>({
    // framing and the connection
    "connection",
    "content-length",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    // routing
    "forwarded",
    "host",
    "location",
    "max-forwards",
    "via",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-real-ip",
    // authentication and sessions
    "authorization",
    "cookie",
    "proxy-authenticate",
    "proxy-authorization",
    "set-cookie",
    "www-authenticate",
    // how the message is to be processed
    "age",
    "cache-control",
    "content-encoding",
    "content-range",
    "content-type",
    "date",
    "expect",
    "expires",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "pragma",
    "range",
    "retry-after",
    "vary",
});

void append_number(std::string& out, std::uint64_t value, int base) {
  std::array<char, 20> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value, base).ptr;
  out.append(digits.data(), static_cast<std::size_t>(end - digits.data()));
}

void append_content_length(std::string& out, std::uint64_t length) {
  out.append("Content-Length: ");
  append_number(out, length, 10);
  out.append("\r\n");
}

void append_framing(std::string& out, body_size body) {
  if (body.kind == framing::length) append_content_length(out, body.length);
  if (body.kind == framing::chunked) out.append("Transfer-Encoding: chunked\r\n");
}

// Room for a head of about that size, growing geometrically over many messages.
void make_room(std::string& out, std::size_t bytes) {
  const std::size_t needed = out.size() + bytes;
  if (needed > out.capacity()) out.reserve(std::max(needed, 2 * out.capacity()));
}

bool has_framing_field(const fields& headers) noexcept {
  return std::ranges::any_of(headers.begin(), headers.end(), [](field_view field) {
    return detail::matches(field.name, "content-length") ||
           detail::matches(field.name, "transfer-encoding");
  });
}

// What is said about the body, and what body there is.
struct response_body {
  body_size announced;
  framing sent = framing::none;
};

response_body plan_body(const response_line& line, body_size body) noexcept {
  const bool tunnel = line.answers == method::connect && line.status >= 200 && line.status < 300;
  const bool interim = line.status < 200;
  if (interim || line.status == 204 || tunnel) return {};
  if (line.status == 205) return {body_size::sized(0), framing::none};
  if (body.kind == framing::chunked && line.peer_minor_version == 0)
    body = body_size::until_close();
  if (line.answers == method::head || line.status == 304) return {body, framing::none};
  if (body.kind == framing::none) body = body_size::sized(0);
  return {body, body.kind == framing::length && body.length == 0 ? framing::none : body.kind};
}

}  // namespace

bool is_forbidden_trailer(std::string_view name) noexcept {
  return std::ranges::any_of(forbidden_trailers, [name](std::string_view forbidden) {
    return detail::matches(name, forbidden);
  });
}

std::expected<void, errc> write_request_head(std::string& out, const request_line& line,
                                             const fields& headers, body_size body) {
  const bool target_ok = !line.target.empty() && detail::all(line.target, detail::target_byte) &&
                         line.target.find('#') == std::string_view::npos;
  if (!is_token(line.method) || !target_ok) return std::unexpected(errc::invalid_output);
  const bool may_have_body = line.method != "TRACE" || body.kind == framing::none;
  if (body.kind == framing::until_close || !may_have_body)
    return std::unexpected(errc::body_not_allowed);
  if (has_framing_field(headers)) return std::unexpected(errc::framing_field);
  const auto host = headers.find("host");
  if (!host) return std::unexpected(errc::missing_host);
  if (headers.count("host") != 1 || !is_authority(*host)) return std::unexpected(errc::bad_host);

  constexpr std::size_t own_lines = 96;
  make_room(out, line.method.size() + line.target.size() + headers.wire_form().size() + own_lines);
  out.append(line.method).append(" ").append(line.target).append(" HTTP/1.1\r\n");
  out.append(headers.wire_form());
  append_framing(out, body);
  if (!line.keep_alive && !headers.has_token("connection", "close")) {
    out.append("Connection: close\r\n");
  }
  out.append("\r\n");
  return {};
}

std::expected<response_plan, errc> write_response_head(std::string& out, const response_line& line,
                                                       const fields& headers, body_size body) {
  const std::string_view reason = line.reason.empty() ? reason_phrase(line.status) : line.reason;
  if (line.status < 100 || line.status > 599 || !detail::all(reason, detail::value_byte) ||
      !is_field_value(line.date)) {
    return std::unexpected(errc::invalid_output);
  }
  if (has_framing_field(headers)) return std::unexpected(errc::framing_field);

  const response_body planned = plan_body(line, body);
  const bool interim = line.status < 200;
  const bool asks_close = headers.has_token("connection", "close");
  response_plan plan;
  plan.body = planned.sent;
  plan.keep_alive = line.keep_alive && !asks_close && planned.sent != framing::until_close;

  constexpr std::size_t own_lines = 160;
  make_room(out, reason.size() + line.date.size() + headers.wire_form().size() + own_lines);
  out.append("HTTP/1.1 ");
  append_number(out, static_cast<std::uint64_t>(line.status), 10);
  out.append(" ").append(reason).append("\r\n");
  if (!interim && !line.date.empty() && !headers.contains("date")) {
    out.append("Date: ").append(line.date).append("\r\n");
  }
  out.append(headers.wire_form());
  append_framing(out, planned.announced);
  if (!interim && !plan.keep_alive && !asks_close) out.append("Connection: close\r\n");
  if (!interim && plan.keep_alive && line.peer_minor_version == 0) {
    out.append("Connection: keep-alive\r\n");
  }
  out.append("\r\n");
  return plan;
}

void write_chunk(std::string& out, std::string_view data) {
  if (data.empty()) return;
  make_room(out, data.size() + 20);
  write_chunk_header(out, data.size());
  out.append(data).append(chunk_end);
}

void write_chunk_header(std::string& out, std::uint64_t size) {
  append_number(out, size, 16);
  out.append("\r\n");
}

std::expected<void, errc> write_last_chunk(std::string& out, const fields& trailers) {
  for (const field_view field : trailers) {
    if (is_forbidden_trailer(field.name)) return std::unexpected(errc::forbidden_trailer);
  }
  out.append("0\r\n").append(trailers.wire_form()).append("\r\n");
  return {};
}

}  // namespace eddy::wire::http1
