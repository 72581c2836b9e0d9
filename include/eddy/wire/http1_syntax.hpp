// Words and characters of HTTP (RFC 9110 sections 5.6, 9 and 15): methods, reason phrases, tokens,
// comma-separated lists. Everything here is pure and allocates nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace eddy::wire::http1 {

/// `unknown` is any other valid token; the head keeps its text. Method names are case-sensitive.
enum class method : std::uint8_t {
  unknown,
  get,
  head,
  post,
  put,
  delete_,
  connect,
  options,
  trace,
  patch
};

[[nodiscard]] method method_from(std::string_view token) noexcept;

/// Empty for `unknown`.
[[nodiscard]] std::string_view to_string(method m) noexcept;

/// The IANA reason phrase; empty for a status without one.
[[nodiscard]] std::string_view reason_phrase(int status) noexcept;

/// True for a status whose responses end with their head: 1xx, 204 and 304.
[[nodiscard]] constexpr bool is_bodiless(int status) noexcept {
  return (status >= 100 && status < 200) || status == 204 || status == 304;
}

/// One or more tchar.
[[nodiscard]] bool is_token(std::string_view text) noexcept;

/// No control bytes except HTAB, and no whitespace at either end: what a field value may be.
/// Bytes from 0x80 on (obs-text) are allowed; their meaning is the application's.
[[nodiscard]] bool is_field_value(std::string_view text) noexcept;

/// Equal but for the case of ASCII letters.
[[nodiscard]] bool equals_ignoring_case(std::string_view a, std::string_view b) noexcept;

/// Without SP and HTAB at both ends.
[[nodiscard]] std::string_view trim(std::string_view text) noexcept;

/// Walks the elements of a comma-separated list field: `while (auto e = list.next(); !e.empty())`.
/// Empty elements are skipped, as RFC 9110 section 5.6.1.2 asks; a comma inside a quoted string does
/// not separate. Elements are trimmed views into the value.
class list_elements {
 public:
  explicit list_elements(std::string_view value) noexcept : rest_(value) {}

  /// The next element, or an empty view at the end.
  [[nodiscard]] std::string_view next() noexcept;

 private:
  std::string_view rest_;
};

/// True if a comma-separated list has `token` as an element, in any case.
[[nodiscard]] bool list_contains(std::string_view value, std::string_view token) noexcept;

}  // namespace eddy::wire::http1
