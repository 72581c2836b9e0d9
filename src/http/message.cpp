#include <eddy/http/message.hpp>

#include <algorithm>

namespace eddy::http {
namespace {

namespace http1 = wire::http1;

// The value of a parameter at the front of `rest`, which is shortened: a token or a quoted string, raw.
std::optional<std::string_view> take_value(std::string_view& rest) noexcept {
  std::size_t size = 0;
  if (rest.starts_with('"')) {
    for (size = 1; size < rest.size() && rest[size] != '"'; ++size) {
      if (rest[size] == '\\') ++size;
    }
    if (size >= rest.size()) return std::nullopt;
    ++size;
  } else {
    size = std::min(rest.find(';'), rest.size());
    while (size > 0 && (rest[size - 1] == ' ' || rest[size - 1] == '\t')) --size;
    if (!http1::is_token(rest.substr(0, size))) return std::nullopt;
  }
  const std::string_view value = rest.substr(0, size);
  rest = http1::trim(rest.substr(size));
  return value;
}

struct parameter_view {
  std::string_view name;
  std::string_view value;
};

// The next parameter of ";"-separated `rest`; an empty name at the end, nullopt where it is malformed.
std::optional<parameter_view> take_parameter(std::string_view& rest) noexcept {
  rest = http1::trim(rest);
  while (rest.starts_with(';')) rest = http1::trim(rest.substr(1));
  if (rest.empty()) return parameter_view{};
  const std::size_t equals = rest.find('=');
  if (equals == std::string_view::npos) return std::nullopt;
  const std::string_view name = rest.substr(0, equals);
  if (!http1::is_token(name)) return std::nullopt;
  rest.remove_prefix(equals + 1);
  const auto value = take_value(rest);
  if (!value || (!rest.empty() && !rest.starts_with(';'))) return std::nullopt;
  return parameter_view{name, *value};
}

std::string unquoted(std::string_view value) {
  if (!value.starts_with('"')) return std::string(value);
  std::string text;
  for (std::size_t i = 1; i + 1 < value.size(); ++i) {
    if (value[i] == '\\') ++i;
    text.push_back(value[i]);
  }
  return text;
}

}  // namespace

std::optional<media_type> media_type::parse(std::string_view text) noexcept {
  const std::size_t end = std::min(text.find(';'), text.size());
  const std::string_view essence = http1::trim(text.substr(0, end));
  const std::size_t slash = essence.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  media_type parsed;
  parsed.type_ = essence.substr(0, slash);
  parsed.subtype_ = essence.substr(slash + 1);
  parsed.parameters_ = text.substr(end);
  if (!http1::is_token(parsed.type_) || !http1::is_token(parsed.subtype_)) return std::nullopt;
  for (std::string_view rest = parsed.parameters_;;) {
    const auto found = take_parameter(rest);
    if (!found) return std::nullopt;
    if (found->name.empty()) return parsed;
  }
}

bool media_type::is(std::string_view type, std::string_view subtype) const noexcept {
  return http1::equals_ignoring_case(type_, type) && http1::equals_ignoring_case(subtype_, subtype);
}

bool media_type::is_json() const noexcept {
  constexpr std::string_view suffix = "+json";
  if (is("application", "json")) return true;
  return subtype_.size() > suffix.size() &&
         http1::equals_ignoring_case(subtype_.substr(subtype_.size() - suffix.size()), suffix);
}

std::optional<std::string> media_type::parameter(std::string_view name) const {
  for (std::string_view rest = parameters_;;) {
    const auto found = take_parameter(rest);
    if (!found || found->name.empty()) return std::nullopt;
    if (http1::equals_ignoring_case(found->name, name)) return unquoted(found->value);
  }
}

}  // namespace eddy::http
