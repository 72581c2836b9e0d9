// Boost.Beast as a second opinion: what we accept, Beast has to read the same way. (It accepts more than we do, which
// is why it is not the parser.) Used by the tests and the fuzz target.
#pragma once

#include "http1_plain.hpp"

#include <string>
#include <string_view>

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

namespace eddy::wire::http1::test {

/// Gives `parser` all of `bytes` and then the end of the stream. The reason when it refuses.
template <class Parser>
[[nodiscard]] boost::beast::error_code feed_beast(Parser& parser, std::string_view bytes) {
  parser.header_limit(64 * 1024);
  parser.body_limit(boost::none);
  parser.eager(true);
  boost::beast::error_code error;
  while (!error && !bytes.empty() && !parser.is_done()) {
    const auto room = boost::asio::buffer(bytes.data(), bytes.size());
    const std::size_t used = parser.put(room, error);
    bytes.remove_prefix(used);
  }
  if (!error && !parser.is_done()) parser.put_eof(error);
  return error;
}

/// What is known to differ. Beast heeds Proxy-Connection, which is no field for whoever answers (RFC 9112 appendix
/// C.2.2), and refuses a Connection field that is no list of tokens, behind which we close (RFC 9112 section 9.3). It
/// refuses blanks between a chunk extension and its CRLF, which are read away here as whitespace that means nothing
/// (RFC 9110 section 5.6.3); extensions are ignored in any case.
[[nodiscard]] inline bool differs_as_known(const plain_message& ours,
                                           boost::beast::error_code refusal) {
  if (ours.has_field("proxy-connection")) return true;
  if (refusal == boost::beast::http::error::bad_chunk_extension) return true;
  return refusal == boost::beast::http::error::bad_value && ours.has_odd_connection();
}

template <class Parser>
[[nodiscard]] std::string compare_with_beast(const plain_message& ours, std::string_view bytes,
                                             std::string (*start_of)(const Parser&)) {
  Parser parser;
  // Beast does not skip the one empty line that RFC 9112 section 2.2 allows.
  const auto refusal = feed_beast(parser, bytes.substr(bytes.starts_with("\r\n") ? 2 : 0));
  if (differs_as_known(ours, refusal)) return {};
  if (refusal) return "Beast refuses (" + refusal.message() + ") what we read as\n" + ours.text();
  plain_message theirs;
  theirs.start = start_of(parser) + (parser.get().version() == 11 ? " 1.1" : " 1.0");
  theirs.keep_alive = ours.means_keep_alive() ? parser.keep_alive() : ours.keep_alive;
  for (const auto& field : parser.get()) theirs.add_field(field.name_string(), field.value());
  theirs.body = parser.get().body();
  if (ours.text() == theirs.text()) return {};
  return "we read\n" + ours.text() + "\nand Beast\n" + theirs.text();
}

/// A description of what Beast sees in another way, or nothing.
[[nodiscard]] inline std::string compare_request_with_beast(std::string_view bytes) {
  using theirs = boost::beast::http::request_parser<boost::beast::http::string_body>;
  const auto ours = read_plain_request(bytes);
  if (!ours) return {};
  return compare_with_beast<theirs>(*ours, bytes, [](const theirs& read) {
    return std::string(read.get().method_string()) + " " + std::string(read.get().target());
  });
}

[[nodiscard]] inline std::string compare_response_with_beast(std::string_view bytes) {
  using theirs = boost::beast::http::response_parser<boost::beast::http::string_body>;
  const auto ours = read_plain_response(bytes);
  if (!ours) return {};
  return compare_with_beast<theirs>(
      *ours, bytes, [](const theirs& read) { return std::to_string(read.get().result_int()); });
}

}  // namespace eddy::wire::http1::test
