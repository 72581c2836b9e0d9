// Bodies of forms: application/x-www-form-urlencoded and multipart/form-data (RFC 7578).
//
//   eddy::http::multipart_form form;
//   form.add("title", "notes").add_file("upload", "notes.txt", "text/plain", text);
//   eddy::http::request_spec post("POST", url);
//   form.apply(post);
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <eddy/http/request_spec.hpp>

namespace eddy::http {

/// "a=1&b=two+words", as browsers encode it (WHATWG URL, section 5.2).
[[nodiscard]] std::string encode_form(
    const std::vector<std::pair<std::string, std::string>>& pairs);

/// A value: the parts of a body. Names and file names may hold any bytes; quotes and line ends are escaped as browsers
/// do it. The boundary comes from the loop's random source, so that no content can hold it but by chance.
class multipart_form {
 public:
  multipart_form& add(std::string_view name, std::string value);
  multipart_form& add_file(std::string_view name, std::string_view file_name, std::string_view type,
                           std::string content);
  /// A part that is made while it is sent.
  multipart_form& add_stream(std::string_view name, std::string_view file_name,
                             std::string_view type, streamed_body content);

  /// Makes this the body of `request`, streamed part by part: with a length if all parts have one, repeatable if all
  /// streamed parts are. Called on a loop. A content type that cannot stand in a field throws.
  void apply(request_spec& request) const;

 private:
  struct part {
    std::string head;  // its fields with their empty line
    std::string text;
    std::optional<streamed_body> stream;  // in place of text
  };
  multipart_form& add_part(std::string head, std::string text, std::optional<streamed_body> stream);

  std::vector<std::shared_ptr<const part>> parts_;
};

}  // namespace eddy::http
