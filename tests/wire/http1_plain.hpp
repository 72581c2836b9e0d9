// The first message of a stream in one form, whoever reads it: so that our parsers can be compared with others.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <eddy/wire/http1.hpp>

namespace eddy::wire::http1::test {

/// What two parsers have to agree on. Names of fields count in lower case; trailers are among the fields, and the
/// fields are sorted, because other parsers keep them so.
struct plain_message {
  std::string start;  // "GET /path 1.1" or "200 1.1"
  bool keep_alive = true;
  std::vector<std::string> fields;  // "name: value"
  std::string body;

  void add_field(std::string_view name, std::string_view value) {
    std::string line;
    for (const char c : name) line += c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
    fields.push_back(line.append(": ").append(value));
  }

  [[nodiscard]] bool has_field(std::string_view name) const {
    return std::ranges::any_of(
        fields, [name](std::string_view line) { return line.substr(0, line.find(':')) == name; });
  }

  /// Whether some Connection field is no list of tokens.
  [[nodiscard]] bool has_odd_connection() const {
    static constexpr std::string_view name = "connection: ";
    return std::ranges::any_of(fields, [](std::string_view line) {
      if (!line.starts_with(name)) return false;
      list_elements list(line.substr(name.size()));
      std::string_view element = list.next();
      while (is_token(element)) element = list.next();
      return !element.empty();
    });
  }

  /// Whether another parser has to see `keep_alive` the same way. Not behind 101, where the connection speaks another
  /// protocol. Not where we close to be safe: behind 1xx and 204 that announce a body, which they must not (RFC 9110
  /// section 8.6, RFC 9112 section 6.1), and behind a Connection field that says who knows what (RFC 9112 section 9.3).
  [[nodiscard]] bool means_keep_alive() const {
    if (start.starts_with("101 ") || has_odd_connection()) return false;
    const bool bodiless = start.starts_with("1") || start.starts_with("204 ");
    return !bodiless || !(has_field("content-length") || has_field("transfer-encoding"));
  }

  /// One text: equal texts are equal messages.
  [[nodiscard]] std::string text() const {
    std::vector<std::string> lines = fields;
    std::ranges::sort(lines);
    std::string out = start + (keep_alive ? " keep\n" : " close\n");
    for (const auto& line : lines) out.append(line) += '\n';
    return out.append("\n").append(body);
  }
};

/// Reads the body behind a head into `message`. False unless the message is complete and right.
[[nodiscard]] inline bool read_plain_body(body_decoder decoder, std::string_view rest,
                                          plain_message& message) {
  while (!decoder.finished()) {
    const auto event = decoder.next(rest);
    if (!event) return false;
    message.body += event->data;
    rest.remove_prefix(event->consumed);
    if (event->kind == body_decoder::event_kind::need_more) return decoder.finish().has_value();
  }
  for (const auto field : decoder.trailers()) message.add_field(field.name, field.value);
  return true;
}

/// The first request as we read it; nothing when it is refused or not complete.
[[nodiscard]] inline std::optional<plain_message> read_plain_request(std::string_view bytes) {
  request_parser parser;
  request_head head;
  const auto size = parser.parse(bytes, head);
  if (!size || *size == 0) return std::nullopt;
  plain_message message;
  message.start.append(head.method_token()).append(" ").append(head.target());
  message.start.append(head.minor_version() == 1 ? " 1.1" : " 1.0");
  message.keep_alive = head.keep_alive();
  for (const auto field : head.fields()) message.add_field(field.name, field.value);
  if (!read_plain_body(head.body(), bytes.substr(*size), message)) return std::nullopt;
  return message;
}

/// The first response as we read it, an answer to GET behind which the server closes.
[[nodiscard]] inline std::optional<plain_message> read_plain_response(std::string_view bytes) {
  response_parser parser;
  response_head head;
  const auto size = parser.parse(bytes, method::get, head);
  if (!size || *size == 0) return std::nullopt;
  plain_message message;
  message.start = std::to_string(head.status()) + (head.minor_version() == 1 ? " 1.1" : " 1.0");
  message.keep_alive = head.keep_alive();
  for (const auto field : head.fields()) message.add_field(field.name, field.value);
  if (!read_plain_body(head.body(), bytes.substr(*size), message)) return std::nullopt;
  return message;
}

}  // namespace eddy::wire::http1::test
