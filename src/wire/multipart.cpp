#include <eddy/wire/multipart.hpp>

#include "http1_bytes.hpp"

#include <algorithm>

#include <eddy/base/error.hpp>
#include <eddy/wire/http1_syntax.hpp>

namespace eddy::wire::multipart {
namespace {

constexpr std::size_t longest_boundary = 70;
constexpr std::size_t most_padding = 64;  // blanks behind a boundary
constexpr std::string_view line_end = "\r\n";

class multipart_category final : public error_category_base {
 public:
  const char* name() const noexcept override { return "eddy.multipart"; }
  std::string message(int code) const override {
    switch (static_cast<errc>(code)) {
      case errc::bad_boundary: return "the boundary is not one";
      case errc::bad_delimiter: return "a boundary is followed by other text";
      case errc::bad_header: return "a malformed part header";
      case errc::header_too_large: return "a part's header is too large";
      case errc::preamble_too_large: return "no boundary where the first one should be";
      case errc::too_many_parts: return "too many parts";
      case errc::incomplete: return "the body ends before its closing boundary";
    }
    return "unknown multipart error";
  }
  condition condition_for(int) const noexcept override { return condition::invalid_input; }
};

/// How many of the last bytes of `input` may be the beginning of `wanted`.
std::size_t possible_begin(std::string_view input, std::string_view wanted) noexcept {
  std::size_t size = std::min(input.size(), wanted.size() - 1);
  while (size > 0 && input.substr(input.size() - size) != wanted.substr(0, size)) --size;
  return size;
}

}  // namespace

const std::error_category& category() noexcept {
  static const multipart_category only;
  return only;
}

std::error_code make_error_code(errc code) noexcept { return {static_cast<int>(code), category()}; }

parser::parser(std::string_view boundary, const limits& bounds)
    : delimiter_("\r\n--"), limits_(bounds) {
  delimiter_ += boundary;
  if (!is_boundary(boundary)) {
    state_ = state::failed;
    failure_ = errc::bad_boundary;
  }
}

bool parser::is_boundary(std::string_view text) noexcept {
  constexpr std::string_view further = "'()+_,-./:=? ";
  if (text.empty() || text.size() > longest_boundary || text.back() == ' ') return false;
  return std::ranges::all_of(text, [&](char c) {
    const bool alphanumeric =
        http1::detail::is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return alphanumeric || further.find(c) != std::string_view::npos;
  });
}

std::size_t parser::most_unconsumed() const noexcept {
  return std::max(limits_.header_size + line_end.size(),
                  delimiter_.size() + most_padding + line_end.size());
}

std::unexpected<errc> parser::fail(errc why) noexcept {
  state_ = state::failed;
  failure_ = why;
  return std::unexpected(why);
}

std::expected<parser::event, errc> parser::next(std::string_view input) {
  switch (state_) {
    case state::preamble: return next_in_preamble(input);
    case state::delimiter: return next_in_delimiter(input);
    case state::headers: return next_in_headers(input);
    case state::body: return next_in_body(input);
    case state::ended: return event{kind::end, input.size(), {}};
    case state::failed: break;
  }
  return std::unexpected(failure_);
}

// The first boundary may stand at the very beginning, without a line end before it.
std::expected<parser::event, errc> parser::next_in_preamble(std::string_view input) {
  const std::string_view whole(delimiter_);
  if (at_start_) {
    const std::string_view short_form = whole.substr(line_end.size());
    const std::size_t known = std::min(input.size(), short_form.size());
    if (input.substr(0, known) == short_form.substr(0, known)) {
      if (known < short_form.size()) return event{};
      state_ = state::delimiter;
      return event{kind::more, known, {}};
    }
  }
  at_start_ = false;
  const std::size_t found = input.find(whole);
  if (found != std::string_view::npos) {
    if (preamble_ + found > limits_.header_size) return fail(errc::preamble_too_large);
    state_ = state::delimiter;
    return event{kind::more, found + whole.size(), {}};
  }
  const std::size_t passed = input.size() - possible_begin(input, whole);
  preamble_ += passed;
  if (preamble_ > limits_.header_size) return fail(errc::preamble_too_large);
  return event{kind::more, passed, {}};
}

// Behind a boundary. The end of the part before it is told first, and consumes nothing.
std::expected<parser::event, errc> parser::next_in_delimiter(std::string_view input) {
  if (in_part_) {
    in_part_ = false;
    return event{kind::part_end, 0, {}};
  }
  if (input.starts_with("--")) {
    state_ = state::ended;
    return event{kind::end, 2, {}};
  }
  std::size_t blanks = 0;
  while (blanks < input.size() && http1::detail::is_blank(input[blanks])) ++blanks;
  if (blanks > most_padding) return fail(errc::bad_delimiter);
  const std::string_view rest = input.substr(blanks);
  if (rest.empty() || rest == "\r" || (rest == "-" && blanks == 0)) return event{};
  if (!rest.starts_with(line_end)) return fail(errc::bad_delimiter);
  if (parts_ == limits_.parts) return fail(errc::too_many_parts);
  ++parts_;
  state_ = state::headers;
  return event{kind::more, blanks + line_end.size(), {}};
}

std::expected<parser::event, errc> parser::next_in_headers(std::string_view input) {
  const bool none = input.starts_with(line_end);
  const std::size_t found = none ? 0 : input.find("\r\n\r\n");
  if (found == std::string_view::npos) {
    if (input.size() > limits_.header_size) return fail(errc::header_too_large);
    return event{};
  }
  if (found > limits_.header_size) return fail(errc::header_too_large);
  if (const auto failed = read_headers(input.substr(0, found))) return fail(*failed);
  state_ = state::body;
  in_part_ = true;
  // The empty line's end stays: the data may be empty, and a boundary begins with a line end.
  return event{kind::part_begin, none ? 0 : found + line_end.size(), {}};
}

std::optional<errc> parser::read_headers(std::string_view block) {
  headers_.clear();
  at_start_ = true;  // of the data
  while (!block.empty()) {
    const std::size_t end = std::min(block.find(line_end), block.size());
    const std::string_view line = block.substr(0, end);
    block.remove_prefix(std::min(end + line_end.size(), block.size()));
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) return errc::bad_header;
    const std::string_view value = http1::trim(line.substr(colon + 1));
    if (headers_.size() == limits_.header_fields) return errc::header_too_large;
    if (!headers_.try_add(line.substr(0, colon), value)) return errc::bad_header;
  }
  return std::nullopt;
}

std::expected<parser::event, errc> parser::next_in_body(std::string_view input) {
  const std::string_view whole(delimiter_);
  if (at_start_) {
    // Behind the header stands the empty line's end, which may be the boundary's own.
    if (input.size() < whole.size() && whole.starts_with(input)) return event{};
    at_start_ = false;
    if (!input.starts_with(whole)) return event{kind::more, line_end.size(), {}};
  }
  const std::size_t found = input.find(whole);
  if (found == 0) {
    state_ = state::delimiter;
    return event{kind::more, whole.size(), {}};
  }
  if (found != std::string_view::npos) return event{kind::data, found, input.substr(0, found)};
  const std::size_t passed = input.size() - possible_begin(input, whole);
  if (passed == 0) return event{};
  return event{kind::data, passed, input.substr(0, passed)};
}

std::expected<void, errc> parser::finish() const noexcept {
  if (state_ == state::failed) return std::unexpected(failure_);
  if (state_ != state::ended) return std::unexpected(errc::incomplete);
  return {};
}

}  // namespace eddy::wire::multipart
