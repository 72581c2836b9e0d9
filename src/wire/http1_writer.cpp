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

constexpr std::size_t most_digits = 20;

char* write_number(char* at, std::uint64_t value, int base) noexcept {
  return std::to_chars(at, at + most_digits, value, base).ptr;
}

// Room for at least so much more, growing geometrically over many messages.
void make_room(std::string& out, std::size_t bytes) {
  const std::size_t needed = out.size() + bytes;
  if (needed > out.capacity()) out.reserve(std::max(needed, 2 * out.capacity()));
}

/// Writes pieces one behind the other where there is room for them.
class head_writer {
 public:
  explicit head_writer(char* at) noexcept : at_(at) {}

  head_writer& add(std::string_view text) noexcept {
    at_ += text.copy(at_, text.size());
    return *this;
  }
  head_writer& add(std::uint64_t number) noexcept {
    at_ = write_number(at_, number, 10);
    return *this;
  }
  head_writer& add(body_size body) noexcept {
    if (body.kind == framing::length) add("Content-Length: ").add(body.length).add("\r\n");
    if (body.kind == framing::chunked) add("Transfer-Encoding: chunked\r\n");
    return *this;
  }
  [[nodiscard]] char* end() const noexcept { return at_; }

 private:
  char* at_;
};

/// Appends what `write(head_writer&)` writes: at most `most` bytes.
template <class Write>
void append_head(std::string& out, std::size_t most, Write write) {
  make_room(out, most);
  const std::size_t before = out.size();
  out.resize_and_overwrite(before + most, [&](char* bytes, std::size_t) {
    head_writer to(bytes + before);
    write(to);
    return static_cast<std::size_t>(to.end() - bytes);
  });
}

// More than all that a head has beside method, target, reason, date and the caller's fields.
constexpr std::size_t own_text = 160;

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

  const bool says_close = !line.keep_alive && !headers.has_token("connection", "close");
  const std::size_t given = line.method.size() + line.target.size() + headers.wire_form().size();
  append_head(out, given + own_text, [&](head_writer& to) {
    to.add(line.method).add(" ").add(line.target).add(" HTTP/1.1\r\n");
    to.add(headers.wire_form()).add(body);
    if (says_close) to.add("Connection: close\r\n");
    to.add("\r\n");
  });
  return {};
}

std::expected<response_plan, errc> write_response_head(std::string& out, const response_line& line,
                                                       const fields& headers, body_size body) {
  const std::string_view reason = line.reason.empty() ? reason_phrase(line.status) : line.reason;
  if (line.status < 100 || line.status > 599 || !detail::is_value_text(reason) ||
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

  const bool dated = !interim && !line.date.empty() && !headers.contains("date");
  const std::size_t given = reason.size() + line.date.size() + headers.wire_form().size();
  append_head(out, given + own_text, [&](head_writer& to) {
    to.add("HTTP/1.1 ").add(static_cast<std::uint64_t>(line.status)).add(" ").add(reason);
    to.add("\r\n");
    if (dated) to.add("Date: ").add(line.date).add("\r\n");
    to.add(headers.wire_form()).add(planned.announced);
    if (!interim && !plan.keep_alive && !asks_close) to.add("Connection: close\r\n");
    if (!interim && plan.keep_alive && line.peer_minor_version == 0) {
      to.add("Connection: keep-alive\r\n");
    }
    to.add("\r\n");
  });
  return plan;
}

void write_chunk(std::string& out, std::string_view data) {
  if (data.empty()) return;
  make_room(out, data.size() + 20);
  write_chunk_header(out, data.size());
  out.append(data).append(chunk_end);
}

void write_chunk_header(std::string& out, std::uint64_t size) {
  std::array<char, most_digits> digits;
  out.append(digits.data(), write_number(digits.data(), size, 16)).append("\r\n");
}

std::expected<void, errc> write_last_chunk(std::string& out, const fields& trailers) {
  for (const field_view field : trailers) {
    if (is_forbidden_trailer(field.name)) return std::unexpected(errc::forbidden_trailer);
  }
  out.append("0\r\n").append(trailers.wire_form()).append("\r\n");
  return {};
}

}  // namespace eddy::wire::http1
