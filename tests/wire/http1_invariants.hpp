// What has to hold for any bytes at all. Each check returns a description of the breach, or nothing.
// Used by the mutation tests and the fuzz targets.
#pragma once

#include "http1_transcript.hpp"

#include <string>
#include <string_view>

#include <eddy/wire/http1.hpp>

namespace eddy::wire::http1::test {

// A path that a router or file server gets: absolute, without dot segments, control characters and
// backslashes.
[[nodiscard]] inline std::string check_path(std::string_view path) {
  if (path == "*") return {};
  if (!path.starts_with('/')) return "path is not absolute";
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f || c == '\\') return "path holds a byte that is refused";
  }
  std::string_view rest = path.substr(1);
  while (true) {
    const std::size_t slash = rest.find('/');
    const std::string_view segment = rest.substr(0, slash);
    if (segment == "." || segment == "..") return "path holds a dot segment";
    if (slash == std::string_view::npos) return {};
    rest.remove_prefix(slash + 1);
  }
}

[[nodiscard]] inline std::string check_target(std::string_view text, method m) {
  std::string storage;
  const auto parts = parse_target(text, m, storage);
  if (!parts) return parts.error() == errc::bad_target ? "" : "unexpected error";
  if (m == method::connect) {
    if (parts->form != target_form::authority || !parts->path.empty()) return "CONNECT with a path";
    return is_authority(parts->authority) ? "" : "accepted a bad authority";
  }
  if (parts->path == "*" && m != method::options) return "asterisk without OPTIONS";
  if (!parts->authority.empty() && !is_authority(parts->authority))
    return "accepted a bad authority";
  query_parameters parameters(parts->query.value_or(std::string_view()));
  while (const auto parameter = parameters.next()) {
    std::string decoded;
    if (!decode_percent(parameter->name, plus_sign::space, decoded) ||
        !decode_percent(parameter->value, plus_sign::space, decoded)) {
      return "accepted a bad escape in the query";
    }
    if (decoded.find('\0') != std::string::npos) return "accepted NUL in the query";
  }
  return check_path(parts->path);
}

// One head at the front of `bytes`, if there is one: written again, it has to mean the same.
[[nodiscard]] inline std::string check_request_head(std::string_view bytes) {
  request_parser parser;
  request_head head;
  const auto size = parser.parse(bytes, head);
  if (!size || *size == 0) return {};
  if (*size > bytes.size()) return "consumed more than there was";
  if (head.framing() == framing::until_close) return "request until close";
  if (head.framing() == framing::chunked &&
      (head.fields().contains("content-length") || head.minor_version() == 0)) {
    return "accepted a framing conflict";
  }
  if (head.method() != method::connect) {
    if (auto breach = check_path(head.path()); !breach.empty()) return breach;
  }
  if (head.minor_version() == 1 && !is_authority(head.authority())) return "no authority";

  fields copy(head.fields());
  copy.remove("content-length");
  copy.remove("transfer-encoding");
  // Ignored in HTTP/1.0; the writer writes HTTP/1.1.
  if (head.minor_version() == 0) copy.remove("expect");
  copy.set("host", head.authority().empty() ? "h" : head.authority());
  const request_line line{head.method_token(), head.target(), head.keep_alive()};
  if (head.method() == method::trace) return {};
  std::string out;
  if (!write_request_head(out, line, copy, {head.framing(), head.content_length()})) {
    return "cannot write what was read";
  }
  // Host, a line that says close, and spaces behind colons may have come in.
  limits roomy;
  roomy.max_head *= 2;
  roomy.max_fields += 2;
  request_parser second(roomy);
  request_head again;
  if (second.parse(out, again) != out.size()) return "cannot read what was written";
  const bool same = again.path() == head.path() && again.framing() == head.framing() &&
                    again.content_length() == head.content_length() &&
                    again.method_token() == head.method_token() && again.query() == head.query();
  return same ? "" : "written head means something else";
}

[[nodiscard]] inline std::string check_requests(std::string_view bytes, std::size_t piece) {
  const auto whole = read_requests(bytes);
  if (read_requests(bytes, piece) != whole) return "another verdict in pieces";
  if (read_requests(bytes, 1) != whole) return "another verdict byte by byte";
  return check_request_head(bytes);
}

[[nodiscard]] inline std::string check_responses(std::string_view bytes, std::size_t piece,
                                                 method m) {
  const auto whole = read_responses(bytes, 0, {m});
  if (read_responses(bytes, piece, {m}) != whole) return "another verdict in pieces";
  if (read_responses(bytes, 1, {m}) != whole) return "another verdict byte by byte";
  response_parser parser;
  response_head head;
  const auto size = parser.parse(bytes, m, head);
  if (!size || *size == 0) return {};
  if (head.status() < 100 || head.status() > 599) return "status out of range";
  if ((m == method::head || is_bodiless(head.status())) && head.framing() != framing::none) {
    return "body where none may be";
  }
  if (head.framing() == framing::until_close && head.keep_alive()) return "kept an open-ended body";
  return {};
}

}  // namespace eddy::wire::http1::test
