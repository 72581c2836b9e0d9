#include "conditions.hpp"

#include "field_words.hpp"

#include <optional>

#include <eddy/wire/http1_date.hpp>
#include <eddy/wire/http1_syntax.hpp>

namespace eddy::web::detail {
namespace {

enum class comparison : std::uint8_t { weak, strong };

bool matches(std::string_view given, std::string_view current, comparison how) noexcept {
  const bool weak = given.starts_with("W/") || current.starts_with("W/");
  if (weak && how == comparison::strong) return false;
  if (given.starts_with("W/")) given.remove_prefix(2);
  if (current.starts_with("W/")) current.remove_prefix(2);
  return given == current;
}

bool lists(const std::string& field, std::string_view current, comparison how) noexcept {
  if (wire::http1::trim(field) == "*") return true;
  wire::http1::list_elements all(field);
  for (auto one = all.next(); !one.empty(); one = all.next()) {
    if (matches(one, current, how)) return true;
  }
  return false;
}

std::optional<std::chrono::sys_seconds> date_of(const http::field_table& fields,
                                                std::string_view name,
                                                std::chrono::sys_seconds now) {
  const auto text = fields.find(name);
  return text ? wire::http1::parse_date(*text, now) : std::nullopt;
}

}  // namespace

outcome evaluate(const http::field_table& fields, const validators& current,
                 std::chrono::sys_seconds now) {
  if (fields.contains("If-Match")) {
    if (!lists(joined(fields, "If-Match"), current.etag, comparison::strong))
      return outcome::failed;
  } else if (const auto limit = date_of(fields, "If-Unmodified-Since", now)) {
    if (current.modified > *limit) return outcome::failed;
  }
  if (fields.contains("If-None-Match")) {
    const bool same = lists(joined(fields, "If-None-Match"), current.etag, comparison::weak);
    return same ? outcome::not_modified : outcome::proceed;
  }
  const auto since = date_of(fields, "If-Modified-Since", now);
  return since && current.modified <= *since ? outcome::not_modified : outcome::proceed;
}

bool range_counts(const http::field_table& fields, const validators& current,
                  std::chrono::sys_seconds now) {
  const auto condition = fields.find("If-Range");
  if (!condition) return true;
  if (condition->starts_with('"') || condition->starts_with("W/"))
    return matches(*condition, current.etag, comparison::strong);
  // A date is strong only if it is not so recent that a second change could share it.
  const bool strong = now - current.modified >= std::chrono::seconds(2);
  const auto date = wire::http1::parse_date(*condition, now);
  return date && *date == current.modified && strong;
}

}  // namespace eddy::web::detail
