// multipart bodies (RFC 2046 section 5.1, RFC 7578), bytes in, events out.
//
//   parser p(boundary);
//   while (true) {
//     auto event = p.next(unread);               // views into `unread`
//     ...
//     unread.remove_prefix(event->consumed);
//   }
//
// Strict where readers differ: lines end in CRLF; what follows a boundary is "--", or blanks and CRLF, and anything
// else is refused, so that no part can be hidden in another one's data; header fields are not folded and hold no
// control byte. No I/O, no copies but of the header fields. One object, one body, one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include <eddy/wire/http1_fields.hpp>

namespace eddy::wire::multipart {

enum class errc {
  bad_boundary = 1,    ///< not 1 to 70 of the allowed characters
  bad_delimiter,       ///< something else than "--" or a line end follows a boundary
  bad_header,          ///< a header line that is not "name: value", or a bare line end
  header_too_large,    ///< limits::header_size or header_fields
  preamble_too_large,  ///< text before the first boundary, beyond limits::header_size
  too_many_parts,
  incomplete,  ///< the body ended before its closing boundary
};
[[nodiscard]] const std::error_category& category() noexcept;
[[nodiscard]] std::error_code make_error_code(errc code) noexcept;

struct limits {
  std::size_t parts = 1000;
  std::size_t header_size = 8 * 1024;  ///< bytes of a part's header
  std::size_t header_fields = 16;
};

class parser {
 public:
  enum class kind : std::uint8_t {
    more,        ///< call again with what is left; if nothing was consumed, more input is needed
    part_begin,  ///< headers() has the new part's fields
    data,        ///< `data` belongs to the current part
    part_end,
    end,  ///< the closing boundary; what follows (the epilogue) is not looked at
  };
  struct event {
    kind what = kind::more;
    std::size_t consumed = 0;
    std::string_view data;
  };

  /// `boundary` as the media type's parameter gives it. See ready().
  explicit parser(std::string_view boundary, const limits& bounds = {});

  [[nodiscard]] static bool is_boundary(std::string_view text) noexcept;

  /// Looks at `input`, which begins behind what was consumed before. What `more` leaves unconsumed is less than
  /// most_unconsumed(). After an error the parser stays in it; after `end` it consumes everything.
  [[nodiscard]] std::expected<event, errc> next(std::string_view input);
  /// Called when there is no more input: errc::incomplete unless the closing boundary has come.
  [[nodiscard]] std::expected<void, errc> finish() const noexcept;

  [[nodiscard]] const http1::fields& headers() const noexcept { return headers_; }
  [[nodiscard]] std::size_t parts() const noexcept { return parts_; }
  /// How much memory a caller has to have for input.
  [[nodiscard]] std::size_t most_unconsumed() const noexcept;

 private:
  enum class state : std::uint8_t { preamble, delimiter, headers, body, ended, failed };

  std::expected<event, errc> next_in_preamble(std::string_view input);
  std::expected<event, errc> next_in_delimiter(std::string_view input);
  std::expected<event, errc> next_in_headers(std::string_view input);
  std::expected<event, errc> next_in_body(std::string_view input);
  std::unexpected<errc> fail(errc why) noexcept;
  std::optional<errc> read_headers(std::string_view block);

  std::string delimiter_;  // CRLF "--" boundary
  limits limits_;
  http1::fields headers_;
  std::size_t parts_ = 0;
  std::size_t preamble_ = 0;
  state state_ = state::preamble;
  bool at_start_ = true;
  bool in_part_ = false;
  errc failure_{};
};

/// Content-Disposition of a part (RFC 7578 section 4.2) or of a response (RFC 6266).
struct disposition {
  std::string type;  ///< "form-data", as written
  std::optional<std::string> name;
  /// As the sender named it: no path of this machine. Of "filename*" the decoded form wins (RFC 6266).
  std::optional<std::string> filename;
};
/// nullopt: not well-formed, or a parameter given twice. "%22", "%0D" and "%0A", by which browsers escape names, become
/// the characters they stand for.
[[nodiscard]] std::optional<disposition> parse_disposition(std::string_view value);

}  // namespace eddy::wire::multipart

template <>
struct std::is_error_code_enum<eddy::wire::multipart::errc> : std::true_type {};
