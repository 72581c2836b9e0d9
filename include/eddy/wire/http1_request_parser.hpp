// Requests, as a server reads them: bytes in, one judged head out.
//
//   http1::request_parser parser;      // per connection, 24 bytes
//   http1::request_head head;          // reusable; one per request in progress is enough
//   auto n = parser.parse(unread, head);
//   if (!n)          answer suggested_status(n.error()) and close
//   else if (*n == 0) read more, keep all of `unread`
//   else             drop *n bytes; the body follows: head.body()
//
// A head that comes out has passed every rule of RFC 9112 that decides where a message ends and
// whom it is for; what two readers could understand differently is refused rather than repaired.
// The verdict does not depend on how the bytes were cut into reads, and the work is linear in them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include <eddy/wire/http1_body.hpp>
#include <eddy/wire/http1_error.hpp>
#include <eddy/wire/http1_fields.hpp>
#include <eddy/wire/http1_limits.hpp>
#include <eddy/wire/http1_syntax.hpp>
#include <eddy/wire/http1_target.hpp>

namespace eddy::wire::http1 {

/// Views point into the bytes given to parse(), which have to stay where they are while the head is
/// used; a caller that moves them says so with rebase().
class request_head {
 public:
  [[nodiscard]] http1::method method() const noexcept { return method_; }
  /// The method as sent, also where method() is `unknown`.
  [[nodiscard]] std::string_view method_token() const noexcept { return text(method_token_); }

  /// The request-target as sent, for logs.
  [[nodiscard]] std::string_view target() const noexcept { return text(target_); }
  [[nodiscard]] target_form form() const noexcept { return form_; }
  /// Decoded and normalised; see http1_target.hpp for the rules and the forms without a path.
  [[nodiscard]] std::string_view path() const noexcept {
    return path_is_stored_ ? std::string_view(path_storage_) : text(path_);
  }
  /// Raw, without "?"; empty if there is none.
  [[nodiscard]] std::string_view query() const noexcept { return text(query_); }

  /// Whom the request is for, as "host" or "host:port": the authority of the target where it has
  /// one, else the Host field. Empty only in HTTP/1.0 without Host.
  [[nodiscard]] std::string_view authority() const noexcept { return text(authority_); }

  /// 0 or 1, of HTTP/1.x.
  [[nodiscard]] int minor_version() const noexcept { return minor_version_; }
  [[nodiscard]] const field_table& fields() const noexcept { return fields_; }

  /// How the body is delimited: `none`, `length` or `chunked`.
  [[nodiscard]] http1::framing framing() const noexcept { return framing_; }
  /// The announced length; 0 unless framing() is `length`.
  [[nodiscard]] std::uint64_t content_length() const noexcept { return content_length_; }
  /// A decoder for the body that follows. `bounds` has to outlive it.
  [[nodiscard]] body_decoder body(const limits& bounds = default_limits) const;

  /// Whether the client wants another exchange on this connection. "close" counts in any position
  /// and case; so does a Connection field with anything that is not a token, to be safe. After a
  /// request with `false` nothing more may be served.
  [[nodiscard]] bool keep_alive() const noexcept { return keep_alive_; }
  /// The client waits for "100 Continue" (or a final status) before it sends its body: send it
  /// before reading the body, unless some of the body is there already.
  /// Never true without a body or in HTTP/1.0.
  [[nodiscard]] bool expects_continue() const noexcept { return expects_continue_; }
  /// The first Upgrade field's value if Connection lists "upgrade" (HTTP/1.1 only), else empty.
  [[nodiscard]] std::string_view upgrade() const noexcept { return text(upgrade_); }

  /// `bytes` starts with the bytes that were parsed, unchanged but at another place.
  void rebase(std::string_view bytes) noexcept { fields_.base_ = bytes.data(); }

 private:
  friend class detail::head_access;

  [[nodiscard]] std::string_view text(detail::text_range range) const noexcept {
    return {fields_.base_ + range.begin, range.size};
  }

  http1::method method_ = method::unknown;
  target_form form_ = target_form::origin;
  http1::framing framing_ = framing::none;
  std::uint8_t minor_version_ = 1;
  bool keep_alive_ = true;
  bool expects_continue_ = false;
  bool path_is_stored_ = false;
  std::uint64_t content_length_ = 0;
  detail::text_range method_token_;
  detail::text_range target_;
  detail::text_range path_;
  detail::text_range query_;
  detail::text_range authority_;
  detail::text_range upgrade_;
  field_table fields_;
  std::string path_storage_;
};

/// Incremental; one object reads the requests of a connection one after the other.
class request_parser {
 public:
  /// `bounds` has to outlive the parser.
  explicit request_parser(const limits& bounds = default_limits) noexcept : limits_(&bounds) {}

  /// `bytes` starts with the first byte of the request and, from call to call, holds everything not
  /// yet consumed; it may lie elsewhere each time, and `head` has to be the same object until the
  /// head is complete. One empty line before the request is skipped.
  /// Returns the length of the head when it is complete, and is ready for the next one then; 0 while
  /// more bytes are needed. After an error the parser and the connection are of no further use.
  /// Giving fewer bytes than last time stops the program.
  [[nodiscard]] std::expected<std::size_t, errc> parse(std::string_view bytes, request_head& head);

  /// True while part of a head has been seen: a peer that closes now broke off a request.
  [[nodiscard]] bool in_progress() const noexcept {
    return scan_.start_line_done || scan_.seen != 0;
  }

 private:
  const limits* limits_;
  detail::section_scan scan_;
};

}  // namespace eddy::wire::http1
