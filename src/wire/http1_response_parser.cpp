#include <eddy/wire/http1_response_parser.hpp>

#include "http1_bytes.hpp"
#include "http1_section.hpp"

#include <eddy/base/check.hpp>

namespace eddy::wire::http1 {
namespace detail {

void head_access::reset(response_head& head, std::string_view bytes) noexcept {
  head.fields_.slots_.clear();
  head.fields_.base_ = bytes.data();
}

std::expected<void, errc> head_access::read_start_line(response_head& head, std::string_view line,
                                                       std::uint32_t offset) {
  if (line[0] != 'H') return std::unexpected(errc::bad_status_line);
  if (!line.ends_with("\r\n")) return std::unexpected(errc::bad_line_end);
  line.remove_suffix(2);
  const auto minor = read_version(line.substr(0, line.find(' ')));
  if (!minor) return std::unexpected(minor.error());
  // "HTTP/1.1 200 " is the shortest: the second space stands even without a reason.
  const std::string_view rest = line.substr(8);
  if (rest.size() < 5 || rest[0] != ' ' || rest[4] != ' ') {
    return std::unexpected(errc::bad_status_line);
  }
  int status = 0;
  for (char c : rest.substr(1, 3)) {
    if (!is_digit(c)) return std::unexpected(errc::bad_status_line);
    status = status * 10 + (c - '0');
  }
  if (status < 100 || status > 599) return std::unexpected(errc::bad_status_line);
  const std::string_view reason = rest.substr(5);
  if (!is_value_text(reason)) return std::unexpected(errc::bad_status_line);
  head.status_ = static_cast<std::uint16_t>(status);
  head.minor_version_ = *minor;
  head.reason_ = {offset + 13, static_cast<std::uint32_t>(reason.size())};
  return {};
}

std::expected<void, errc> head_access::judge(response_head& head, method answers) {
  const char* const base = head.fields_.base_;
  framing_fields framing_found;
  connection_options connection;
  for (const field_slot& slot : head.fields_.slots_) {
    const std::string_view name(base + slot.name_begin, slot.name_size);
    const std::string_view value(base + slot.value_begin, slot.value_size);
    std::expected<void, errc> taken;
    if (matches(name, "connection")) {
      connection.take(value);
    } else if (matches(name, "content-length")) {
      taken = framing_found.take_length(value);
    } else if (matches(name, "transfer-encoding")) {
      taken = framing_found.take_coding(value, head.minor_version_);
    }
    if (!taken) return taken;
  }
  if (framing_found.has_coding && framing_found.has_length) {
    return std::unexpected(errc::framing_conflict);
  }
  const bool success = head.status_ >= 200 && head.status_ < 300;
  const bool tunnel = answers == method::connect && success;
  head.switches_protocol_ = tunnel || head.status_ == 101;
  head.content_length_ = framing_found.length;
  head.keep_alive_ = connection.persistent(head.minor_version_);

  if (is_bodiless(head.status_) || answers == method::head || tunnel) {
    head.framing_ = framing::none;
    // Somebody between may believe in a body that a 1xx or 204 announces.
    const bool announced = framing_found.has_coding || framing_found.length != 0;
    if (announced && is_bodiless(head.status_) && head.status_ != 304) head.keep_alive_ = false;
  } else if (framing_found.has_coding) {
    head.framing_ = framing::chunked;
  } else if (framing_found.has_length) {
    head.framing_ = framing::length;
  } else {
    head.framing_ = framing::until_close;
    head.keep_alive_ = false;
  }
  return {};
}

}  // namespace detail

body_decoder response_head::body(const limits& bounds) const {
  return body_decoder(framing_, content_length_, bounds);
}

std::expected<std::size_t, errc> response_parser::parse(std::string_view bytes,
                                                        method request_method,
                                                        response_head& head) {
  using detail::head_access;
  check(bytes.size() >= std::size_t{scan_.position} + scan_.seen,
        "response_parser::parse was not given the bytes of the last call again");
  if (!in_progress()) {
    head_access::reset(head, bytes);
  } else {
    head.rebase(bytes);
  }
  const bool all_seen = bytes.size() >= limits_->max_head;
  bytes = bytes.substr(0, limits_->max_head);

  if (!scan_.start_line_done) {
    std::size_t size = 0;
    if (!detail::find_line(bytes, scan_, size)) {
      if (!bytes.empty() && bytes[0] != 'H') return std::unexpected(errc::bad_status_line);
      if (all_seen) return std::unexpected(errc::head_too_large);
      return std::size_t{0};
    }
    if (auto read = head_access::read_start_line(head, bytes.substr(0, size), 0); !read) {
      return std::unexpected(read.error());
    }
    scan_.position = static_cast<std::uint32_t>(size);
    scan_.seen = 0;
    scan_.start_line_done = true;
  }

  const auto complete =
      detail::read_fields(bytes, scan_, head_access::slots(head_access::fields(head)),
                          limits_->max_fields, errc::too_many_fields);
  if (!complete) return std::unexpected(complete.error());
  if (!*complete) {
    if (all_seen) return std::unexpected(errc::head_too_large);
    return std::size_t{0};
  }
  const std::size_t consumed = scan_.position;
  scan_ = {};
  if (auto judged = head_access::judge(head, request_method); !judged) {
    return std::unexpected(judged.error());
  }
  return consumed;
}

}  // namespace eddy::wire::http1
