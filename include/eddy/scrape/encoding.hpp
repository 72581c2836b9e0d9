// Text of unknown encoding, as web pages have it, to UTF-8.
//
//   const std::string charset = eddy::scrape::detect_encoding(body, content_type);
//   const std::string text = eddy::scrape::to_utf8(body, charset);
//
// Labels are those of the WHATWG Encoding standard, section 4.2: "latin1" and "iso-8859-1" mean windows-1252, as in
// every browser. Pure functions, usable on any thread.
#pragma once

#include <string>
#include <string_view>

namespace eddy::scrape {

/// The encoding of a page: by its byte order mark; by the charset of its Content-Type; by the `<meta>` or the XML
/// declaration in its first 1024 bytes; else utf-8 if it is that, windows-1252 if not. Labels nobody knows are passed
/// over. Gives a name that to_utf8 knows.
[[nodiscard]] std::string detect_encoding(std::string_view bytes,
                                          std::string_view content_type = {});

/// The standard's name, in lower case, of a label ("UTF8", "Latin1"); empty for one that is not known.
[[nodiscard]] std::string_view encoding_of_label(std::string_view label);

/// `bytes` in UTF-8, without a byte order mark. What is no character becomes U+FFFD: the result is always valid UTF-8.
/// `encoding` is a label; one that is not known throws errc::unsupported.
[[nodiscard]] std::string to_utf8(std::string_view bytes, std::string_view encoding);

}  // namespace eddy::scrape
