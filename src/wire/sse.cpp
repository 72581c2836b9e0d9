#include <eddy/wire/sse.hpp>

#include <charconv>
#include <utility>

#include <eddy/base/error.hpp>

namespace eddy::wire::sse {
namespace {

constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";
constexpr std::string_view line_ends = "\r\n";

class sse_category final : public error_category_base {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "eddy.sse"; }
  [[nodiscard]] std::string message(int code) const override {
    return static_cast<errc>(code) == errc::event_too_big ? "event too big"
                                                          : "text that cannot be sent as an event";
  }
  [[nodiscard]] condition condition_for(int code) const noexcept override {
    return static_cast<errc>(code) == errc::invalid_output ? condition::invalid_input
                                                           : condition::failed;
  }
};

/// Takes the first line off `text`, which may be the last without a line end.
std::string_view take_line(std::string_view& text) noexcept {
  const std::size_t end = text.find_first_of(line_ends);
  const std::string_view line = text.substr(0, end);
  if (end == std::string_view::npos) {
    text = {};
    return line;
  }
  const bool both = text[end] == '\r' && text.substr(end + 1).starts_with('\n');
  text.remove_prefix(end + (both ? 2 : 1));
  return line;
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ").append(value).push_back('\n');
}

// One field per line; a line end at the end of the text is an empty last line.
void append_lines(std::string& out, std::string_view name, std::string_view text) {
  bool more = true;
  while (more) {
    more = text.find_first_of(line_ends) != std::string_view::npos;
    append_field(out, name, take_line(text));
  }
}

bool is_one_line(std::string_view text) noexcept {
  return text.find_first_of(line_ends) == std::string_view::npos;
}

}  // namespace

const std::error_category& category() noexcept {
  static const sse_category instance;
  return instance;
}

std::error_code make_error_code(errc code) noexcept { return {static_cast<int>(code), category()}; }

std::expected<void, errc> write_event(std::string& out, const outgoing_event& event) {
  if (!is_one_line(event.type) || !is_one_line(event.id) ||
      event.id.find('\0') != std::string_view::npos) {
    return std::unexpected(errc::invalid_output);
  }
  if (!event.type.empty()) append_field(out, "event", event.type);
  if (!event.id.empty()) append_field(out, "id", event.id);
  if (event.retry) append_field(out, "retry", std::to_string(event.retry->count()));
  append_lines(out, "data", event.data);
  out.push_back('\n');
  return {};
}

void write_comment(std::string& out, std::string_view text) {
  append_lines(out, "", text);
  out.push_back('\n');
}

// --- parsing ---

void parser::restart() noexcept {
  at_start_ = true;
  after_return_ = false;
  line_.clear();
  type_.clear();
  data_.clear();
  id_ = last_id_;
}

std::expected<parser::parsed, errc> parser::parse(std::string_view bytes) {
  std::size_t at = 0;
  while (at < bytes.size()) {
    if (std::exchange(after_return_, false) && bytes[at] == '\n') {
      ++at;
      continue;
    }
    const std::size_t end = bytes.find_first_of(line_ends, at);
    line_.append(bytes.substr(at, end - at));
    if (line_.size() > limit_) return std::unexpected(errc::event_too_big);
    if (end == std::string_view::npos) break;
    at = end + 1;
    after_return_ = bytes[end] == '\r';
    const auto complete = end_line();
    if (!complete) return std::unexpected(complete.error());
    if (*complete) return parsed{at, true};
  }
  return parsed{bytes.size(), false};
}

std::expected<bool, errc> parser::end_line() {
  const std::string whole = std::exchange(line_, {});
  std::string_view line(whole);
  if (std::exchange(at_start_, false) && line.starts_with(byte_order_mark)) {
    line.remove_prefix(byte_order_mark.size());
  }
  if (line.empty()) return dispatch();
  const std::size_t colon = line.find(':');
  if (colon == 0) return false;  // a comment
  std::string_view value;
  if (colon != std::string_view::npos) value = line.substr(colon + 1);
  if (value.starts_with(' ')) value.remove_prefix(1);
  take_field(line.substr(0, colon), value);
  if (data_.size() > limit_ + 1) return std::unexpected(errc::event_too_big);
  return false;
}

void parser::take_field(std::string_view name, std::string_view value) {
  if (name == "event") {
    type_ = value;
  } else if (name == "data") {
    data_.append(value).push_back('\n');
  } else if (name == "id") {
    if (value.find('\0') == std::string_view::npos) id_ = value;
  } else if (name == "retry") {
    std::uint32_t milliseconds = 0;
    const char* end = value.data() + value.size();
    const auto read = std::from_chars(value.data(), end, milliseconds);
    if (read.ec == std::errc() && read.ptr == end) retry_ = std::chrono::milliseconds(milliseconds);
  }
}

bool parser::dispatch() {
  last_id_ = id_;
  if (data_.empty()) {
    type_.clear();
    return false;
  }
  data_.pop_back();
  event_.type = type_.empty() ? "message" : std::exchange(type_, {});
  event_.data = std::exchange(data_, {});
  event_.id = last_id_;
  return true;
}

}  // namespace eddy::wire::sse
