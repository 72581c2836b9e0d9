#include "field_words.hpp"

#include <algorithm>
#include <array>

#include <eddy/http/message.hpp>
#include <eddy/wire/http1_syntax.hpp>

namespace eddy::web::detail {

using wire::http1::equals_ignoring_case;
using wire::http1::list_contains;
using wire::http1::list_elements;
using wire::http1::trim;

void add_vary(http::response& made, std::string_view name) {
  std::string all;
  for (const http::field_view field : made.fields()) {
    if (!equals_ignoring_case(field.name, "Vary")) continue;
    if (list_contains(field.value, "*") || list_contains(field.value, name)) return;
    if (!all.empty()) all += ", ";
    all += field.value;
  }
  if (!all.empty()) all += ", ";
  made.set("Vary", all.append(name));
}

std::string joined(const http::field_table& fields, std::string_view name) {
  std::string all;
  for (const http::field_view field : fields) {
    if (!equals_ignoring_case(field.name, name)) continue;
    if (!all.empty()) all += ", ";
    all += field.value;
  }
  return all;
}

namespace {

/// The weight of "; q=0.5" in thousandths; 1000 without one, 0 for what is malformed.
int weight_of(std::string_view parameters) noexcept {
  for (;;) {
    parameters = trim(parameters);
    if (parameters.empty()) return 1000;
    if (parameters.front() != ';') return 0;
    parameters = trim(parameters.substr(1));
    const std::size_t end = std::min(parameters.find(';'), parameters.size());
    const std::string_view one = trim(parameters.substr(0, end));
    parameters.remove_prefix(end);
    if (one.size() < 3 || (one[0] != 'q' && one[0] != 'Q') || one[1] != '=') continue;
    int value = 0;
    int scale = 1000;
    for (std::size_t i = 2; i < one.size(); ++i) {
      if (i == 3 && one[i] == '.') continue;
      if (one[i] < '0' || one[i] > '9' || scale == 0) return 0;
      value += (one[i] - '0') * scale;
      scale /= 10;
    }
    return std::min(value, 1000);
  }
}

}  // namespace

coding_preferences::coding_preferences(std::string_view accept_encoding) noexcept {
  list_elements all(accept_encoding);
  for (auto one = all.next(); !one.empty(); one = all.next()) {
    given_ = true;
    const std::size_t end = std::min(one.find(';'), one.size());
    const std::string_view name = trim(one.substr(0, end));
    const int weight = weight_of(one.substr(end));
    if (name == "*") {
      others_ = weight;
    } else if (const auto coding = http::content_coding_from(name)) {
      qualities_[static_cast<std::size_t>(*coding)] = weight;
    }
  }
}

int coding_preferences::quality(http::content_coding coding) const noexcept {
  const int own = qualities_[static_cast<std::size_t>(coding)];
  if (own != unset) return own;
  if (coding == http::content_coding::identity) return others_ == 0 ? 0 : 1000;
  // Without the field anything may be sent, but what was not asked for is seldom wanted.
  return given_ && others_ != unset ? others_ : 0;
}

bool coding_preferences::likes(http::content_coding coding) const noexcept {
  const int own = quality(coding);
  return own > 0 && own >= qualities_[static_cast<std::size_t>(http::content_coding::identity)];
}

bool is_compressible(std::string_view content_type) noexcept {
  const auto type = http::media_type::parse(content_type);
  if (!type) return false;
  const std::string_view sub = type->subtype();
  if (equals_ignoring_case(type->type(), "text")) return true;
  if (type->is_json() || type->is("image", "svg+xml") || type->is("image", "bmp")) return true;
  if (sub.size() > 4 && equals_ignoring_case(sub.substr(sub.size() - 4), "+xml")) return true;
  constexpr std::array<std::string_view, 9> others = {
      "javascript", "xml",     "wasm",     "x-javascript",         "manifest+json",
      "ld+json",    "graphql", "x-ndjson", "x-www-form-urlencoded"};
  if (!equals_ignoring_case(type->type(), "application")) return false;
  return std::ranges::any_of(others,
                             [&](std::string_view one) { return equals_ignoring_case(sub, one); });
}

std::string quoted(std::string_view text) {
  std::string made = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') made += '\\';
    made += c;
  }
  return made + '"';
}

}  // namespace eddy::web::detail
