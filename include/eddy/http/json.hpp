// JSON bodies, with Boost.JSON: parsing with bounds, errors that say where.
#pragma once

#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>

#include <boost/json/value.hpp>

namespace eddy::http {

/// Bounds on what a text may make the parser build. The size is bounded by the body's own limit.
struct json_limits {
  std::size_t max_depth = 32;  ///< nested arrays and objects
};

/// A text that is not JSON, or exceeds a limit. The server answers it with 400.
class json_error : public std::runtime_error {
 public:
  json_error(const std::string& reason, std::size_t offset);
  /// The byte at which reading stopped.
  [[nodiscard]] std::size_t offset() const noexcept { return offset_; }

 private:
  std::size_t offset_;
};

/// Strict JSON (RFC 8259): UTF-8, no comments, no trailing commas, nothing behind the value. Throws json_error.
[[nodiscard]] boost::json::value parse_json(std::string_view text, json_limits limits = {});

/// Appends `value` to `out`, without spaces. Doubles as the shortest text that reads back as the same number;
/// infinities and not-a-number as null.
void append_json(std::string& out, const boost::json::value& value);
[[nodiscard]] std::string to_json(const boost::json::value& value);

/// Appends `text` as a JSON string, in quotes. What is not UTF-8 is replaced.
void append_json_string(std::string& out, std::string_view text);

}  // namespace eddy::http
