// Responses, as a client reads them: the mirror of http1_request_parser.hpp, as strict.
//
// A request is answered by any number of interim responses (1xx but 101) and one final one:
//
//   do { n = parser.parse(unread, request_method, head); ... } while (head.is_interim());
//
// The caller bounds the number of interim responses. Bytes that are left after the end of the final
// response's body were not asked for: the connection must not be used again, unless requests were
// pipelined and the bytes are the next response.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string_view>

#include <eddy/wire/http1_body.hpp>
#include <eddy/wire/http1_error.hpp>
#include <eddy/wire/http1_fields.hpp>
#include <eddy/wire/http1_limits.hpp>
#include <eddy/wire/http1_syntax.hpp>

namespace eddy::wire::http1 {

/// Views point into the bytes given to parse(); see request_head.
class response_head {
 public:
  /// 100 to 599.
  [[nodiscard]] int status() const noexcept { return status_; }
  /// As sent, possibly empty. It means nothing.
  [[nodiscard]] std::string_view reason() const noexcept {
    return {fields_.base_ + reason_.begin, reason_.size};
  }
  [[nodiscard]] int minor_version() const noexcept { return minor_version_; }
  [[nodiscard]] const field_table& fields() const noexcept { return fields_; }

  /// Another response to the same request follows: 1xx other than 101.
  [[nodiscard]] bool is_interim() const noexcept {
    return status_ >= 100 && status_ < 200 && status_ != 101;
  }
  /// The connection speaks another protocol from the next byte on: 101, or 2xx to CONNECT.
  [[nodiscard]] bool switches_protocol() const noexcept { return switches_protocol_; }

  /// How the body is delimited. `none` for HEAD, 1xx, 204, 304 and CONNECT's 2xx whatever the fields
  /// say; `until_close` if a body is possible and the fields do not say where it ends.
  [[nodiscard]] http1::framing framing() const noexcept { return framing_; }
  /// What Content-Length said; 0 if it was missing. For HEAD and 304 it describes a body that is not
  /// sent, so it can be other than 0 while framing() is `none`.
  [[nodiscard]] std::uint64_t content_length() const noexcept { return content_length_; }
  /// A decoder for the body that follows. `bounds` has to outlive it.
  [[nodiscard]] body_decoder body(const limits& bounds = default_limits) const;

  /// The connection may carry another request after this response. False also where the body ends
  /// with the connection, and for a 1xx or 204 that announces a body it may not have.
  [[nodiscard]] bool keep_alive() const noexcept { return keep_alive_; }

  /// `bytes` starts with the bytes that were parsed, unchanged but at another place.
  void rebase(std::string_view bytes) noexcept { fields_.base_ = bytes.data(); }

 private:
  friend class detail::head_access;

  std::uint16_t status_ = 0;
  http1::framing framing_ = framing::none;
  std::uint8_t minor_version_ = 1;
  bool keep_alive_ = true;
  bool switches_protocol_ = false;
  std::uint64_t content_length_ = 0;
  detail::text_range reason_;
  field_table fields_;
};

/// Incremental; one object reads the responses of a connection one after the other.
class response_parser {
 public:
  /// `bounds` has to outlive the parser.
  explicit response_parser(const limits& bounds = default_limits) noexcept : limits_(&bounds) {}

  /// As request_parser::parse. `request_method` is what the response answers: it decides whether a
  /// body follows. No empty line is skipped in front of a response.
  [[nodiscard]] std::expected<std::size_t, errc> parse(std::string_view bytes,
                                                       method request_method, response_head& head);

  /// True while part of a head has been seen: a peer that closes now broke off a response.
  [[nodiscard]] bool in_progress() const noexcept {
    return scan_.start_line_done || scan_.seen != 0;
  }

 private:
  const limits* limits_;
  detail::section_scan scan_;
};

}  // namespace eddy::wire::http1
