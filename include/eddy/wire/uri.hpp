// References to URIs (RFC 3986, section 5), resolved as text: nothing is decoded, so "%2F" stays what it is.
//
//   resolve_reference("http://example.org/a/b?x", "../c%2Fd")   // "http://example.org/c%2Fd"
//
// Pure functions, usable on any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace eddy::wire {

/// The byte, 0 to 255, that the escape at `text[at]` stands for: "%" and two hexadecimal digits in any case
/// (section 2.1); -1 if there is none.
[[nodiscard]] int escaped_byte(std::string_view text, std::size_t at) noexcept;

/// Appends `byte` as "%XX".
void append_escape(std::string& out, char byte);

/// What `reference` means on the page `base`, an absolute URI (section 5.2.2, strict). Neither is checked: what is no
/// URI gives none.
[[nodiscard]] std::string resolve_reference(std::string_view base, std::string_view reference);

/// `reference` with what cannot stand in a URI's path, query or fragment percent-encoded: blanks, quotes, bytes beyond
/// ASCII, a "%" that escapes nothing. So browsers read what is no URI. The scheme and authority stay as they are.
[[nodiscard]] std::string escape_stray(std::string_view reference);

/// A path that begins with "/" without "." and ".." (section 5.2.4), also where they are written "%2e"; any other path
/// as it is.
[[nodiscard]] std::string remove_dot_segments(std::string_view path);

}  // namespace eddy::wire
