// Heads of HTTP/2 messages in the shape of HTTP/1.1, and back (RFC 9113 section 8). No I/O.
//
// What comes in is written as a head of HTTP/1.1 and read by its parser, so that both versions have one gate: the same
// limits, the same judgement of targets, authorities and fields. What goes out is written by the HTTP/1.1 writer, which
// decides about bodies, and then taken apart into fields. Only what differs between the versions stands here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <nghttp2/nghttp2.h>

#include <eddy/wire/http1_limits.hpp>

namespace eddy::http::detail {

/// The fields of one incoming head or trailer section, in the order in which they arrive.
class http2_incoming_head {
 public:
  enum class part : std::uint8_t { request, response, trailers };
  enum class verdict : std::uint8_t {
    fine,
    malformed,  ///< RFC 9113 section 8.1.1: a stream error
    too_large   ///< beyond the limits; what came later was not kept
  };

  /// `bounds` has to outlive it.
  explicit http2_incoming_head(const wire::http1::limits& bounds) noexcept : bounds_(&bounds) {}

  /// Starts anew.
  void begin(part kind) noexcept;
  void take(std::string_view name, std::string_view value);
  /// All fields have come. If the verdict is fine, text() is the head: a request's or response's with its start line,
  /// and for trailers the field lines and the empty line. It still has to pass the parser.
  [[nodiscard]] verdict finish();
  [[nodiscard]] std::string& text() noexcept { return text_; }
  /// ":scheme"; kept by requests.
  [[nodiscard]] std::string_view scheme() const noexcept { return scheme_; }
  /// What all fields so far would take: names, values and 32 bytes for each (RFC 9113 section 6.5.2), also those that
  /// were not kept.
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

 private:
  void take_pseudo(std::string_view name, std::string_view value);
  void take_field(std::string_view name, std::string_view value);
  void start_line();
  void append(std::string_view name, std::string_view value);

  const wire::http1::limits* bounds_;
  part kind_ = part::request;
  verdict verdict_ = verdict::fine;
  bool started_ = false;  // the start line is written
  std::size_t size_ = 0;
  std::string method_;
  std::string scheme_;
  std::string authority_;
  std::string path_;
  std::string status_;
  std::string cookie_;  // crumbs, joined (RFC 9113 section 8.2.3)
  std::string text_;
};

/// The fields of an outgoing head, as nghttp2 takes them. Views into `text` and the pseudo-fields given.
class http2_outgoing_head {
 public:
  /// A pseudo-field; before lines(). `name` and `value` have to stay.
  void pseudo(std::string_view name, std::string_view value);
  /// Adds the field lines of `text` ("Name: value" CRLF each); names become lower case in place. What concerns only the
  /// connection is left out, and of a request Host, which is given back: it is the authority.
  std::string_view lines(std::span<char> text);

  [[nodiscard]] const std::vector<nghttp2_nv>& fields() const noexcept { return fields_; }
  void clear() noexcept { fields_.clear(); }

 private:
  void add(std::string_view name, std::string_view value);

  std::vector<nghttp2_nv> fields_;
};

}  // namespace eddy::http::detail
