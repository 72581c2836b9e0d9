#include "http2_fields.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <eddy/wire/http1_syntax.hpp>

namespace eddy::http::detail {
namespace {

namespace http1 = wire::http1;

// Fields that mean something to one connection of HTTP/1.1 only (RFC 9113 section 8.2.2).
bool concerns_the_connection(std::string_view name) noexcept {
  constexpr std::array<std::string_view, 5> names{"connection", "keep-alive", "proxy-connection",
                                                  "transfer-encoding", "upgrade"};
  return std::ranges::find(names, name) != names.end();
}

bool is_visible(std::string_view text) noexcept {
  return std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f; });
}

bool has_upper_case(std::string_view name) noexcept {
  return std::ranges::any_of(name, [](char c) { return c >= 'A' && c <= 'Z'; });
}

// The pseudo-field's place, which is taken once.
bool put_once(std::string& place, std::string_view value) {
  if (!place.empty() || value.empty()) return false;
  place = value;
  return true;
}

}  // namespace

// --- what comes in ---

void http2_incoming_head::begin(part kind) noexcept {
  kind_ = kind;
  verdict_ = verdict::fine;
  started_ = kind == part::trailers;
  size_ = 0;
  for (auto* each : {&method_, &scheme_, &authority_, &path_, &status_, &cookie_, &text_}) {
    each->clear();
  }
}

void http2_incoming_head::take(std::string_view name, std::string_view value) {
  constexpr std::size_t overhead = 32;
  size_ += name.size() + value.size() + overhead;
  if (verdict_ != verdict::fine) return;
  if (size_ > std::size_t{bounds_->max_head} + bounds_->max_fields * overhead) {
    verdict_ = verdict::too_large;
  } else if (name.starts_with(':')) {
    take_pseudo(name, value);
  } else {
    take_field(name, value);
  }
}

void http2_incoming_head::take_pseudo(std::string_view name, std::string_view value) {
  bool taken = false;
  if (started_ || !is_visible(value)) {
    taken = false;  // behind a field, or not to be written in a start line
  } else if (kind_ == part::response) {
    taken = name == ":status" && put_once(status_, value);
  } else if (name == ":method") {
    taken = put_once(method_, value);
  } else if (name == ":scheme") {
    taken = put_once(scheme_, value);
  } else if (name == ":authority") {
    taken = put_once(authority_, value);
  } else if (name == ":path") {
    taken = put_once(path_, value);
  }
  if (!taken) verdict_ = verdict::malformed;
}

void http2_incoming_head::take_field(std::string_view name, std::string_view value) {
  start_line();
  const bool valid = http1::is_token(name) && !has_upper_case(name) && http1::is_field_value(value);
  const bool allowed = !concerns_the_connection(name) && (name != "te" || value == "trailers");
  if (!valid || !allowed) {
    verdict_ = verdict::malformed;
  } else if (kind_ == part::request && name == "cookie") {
    if (!cookie_.empty()) cookie_.append("; ");
    cookie_.append(value);
  } else if (kind_ == part::request && name == "host" && !authority_.empty()) {
    // Two names for one thing have to agree.
    if (!http1::equals_ignoring_case(value, authority_)) verdict_ = verdict::malformed;
  } else {
    append(name, value);
  }
}

void http2_incoming_head::start_line() {
  if (std::exchange(started_, true)) return;
  if (kind_ == part::response) {
    if (status_.size() != 3) verdict_ = verdict::malformed;
    text_.append("HTTP/1.1 ").append(status_).append(" \r\n");
    return;
  }
  const bool connects = method_ == "CONNECT";
  const bool complete = connects ? path_.empty() && scheme_.empty() && !authority_.empty()
                                 : !path_.empty() && (scheme_ == "http" || scheme_ == "https");
  if (!http1::is_token(method_) || !complete) verdict_ = verdict::malformed;
  text_.append(method_).append(" ").append(connects ? authority_ : path_).append(" HTTP/1.1\r\n");
  if (!authority_.empty()) append("host", authority_);
}

void http2_incoming_head::append(std::string_view name, std::string_view value) {
  text_.append(name).append(": ").append(value).append("\r\n");
}

http2_incoming_head::verdict http2_incoming_head::finish() {
  if (verdict_ == verdict::too_large) return verdict_;
  start_line();
  if (!cookie_.empty()) append("cookie", cookie_);
  text_.append("\r\n");
  return verdict_;
}

// --- what goes out ---

void http2_outgoing_head::add(std::string_view name, std::string_view value) {
  // nghttp2 copies both, and does not write to them.
  const auto bytes = [](std::string_view text) {
    return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));
  };
  nghttp2_nv one{};
  one.name = bytes(name);
  one.namelen = name.size();
  one.value = bytes(value);
  one.valuelen = value.size();
  fields_.push_back(one);
}

void http2_outgoing_head::pseudo(std::string_view name, std::string_view value) {
  add(name, value);
}

std::string_view http2_outgoing_head::lines(std::span<char> text) {
  std::string_view host;
  std::string_view rest(text.data(), text.size());
  std::size_t at = 0;
  while (!rest.empty()) {
    const std::size_t end = rest.find("\r\n");
    const std::size_t colon = rest.find(": ");
    for (char& c : text.subspan(at, colon)) {
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    const std::string_view name = rest.substr(0, colon);
    const std::string_view value = rest.substr(colon + 2, end - colon - 2);
    if (name == "host") {
      host = value;
    } else if (!concerns_the_connection(name)) {
      add(name, value);
    }
    at += end + 2;
    rest.remove_prefix(end + 2);
  }
  return host;
}

}  // namespace eddy::http::detail
