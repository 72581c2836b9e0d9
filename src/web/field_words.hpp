// What several middlewares do with fields.
#pragma once

#include <string>
#include <string_view>

#include <eddy/http/content_coding.hpp>
#include <eddy/http/response.hpp>

namespace eddy::web::detail {

/// Lists `name` in Vary, unless it is there already.
void add_vary(http::response& made, std::string_view name);

/// All lines of a list field as one.
[[nodiscard]] std::string joined(const http::field_table& fields, std::string_view name);

/// What an Accept-Encoding field prefers (RFC 9110 section 12.5.3).
class coding_preferences {
 public:
  explicit coding_preferences(std::string_view accept_encoding) noexcept;
  /// 0 to 1000; 0: not acceptable.
  [[nodiscard]] int quality(http::content_coding coding) const noexcept;
  /// Whether that coding is acceptable, and not less liked than none where the field names "identity".
  [[nodiscard]] bool likes(http::content_coding coding) const noexcept;

 private:
  static constexpr std::size_t codings = 5;
  static constexpr int unset = -1;
  int qualities_[codings] = {unset, unset, unset, unset, unset};
  int others_ = unset;  // "*"
  bool given_ = false;
};

/// Whether texts of this media type become smaller by coding.
[[nodiscard]] bool is_compressible(std::string_view content_type) noexcept;

/// `text` as a quoted-string, for parameters of fields.
[[nodiscard]] std::string quoted(std::string_view text);

}  // namespace eddy::web::detail
