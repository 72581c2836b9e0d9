#include <eddy/wire/http1_request_parser.hpp>

#include "http1_bytes.hpp"
#include "http1_section.hpp"

#include <eddy/base/check.hpp>

namespace eddy::wire::http1 {
namespace detail {
namespace {

// What a start line may have besides its target: method, spaces, version and line end.
constexpr std::size_t start_line_slack = 64;

// What judge() gathers before it decides.
struct request_facts {
  framing_fields framing;
  connection_options connection;
  const field_slot* host = nullptr;
  const field_slot* upgrade = nullptr;
  bool expects = false;
};

std::expected<void, errc> take_expectation(std::string_view value) noexcept {
  list_elements list(value);
  for (auto e = list.next(); !e.empty(); e = list.next()) {
    if (!equals_ignoring_case(e, "100-continue")) return std::unexpected(errc::unknown_expectation);
  }
  return {};
}

std::expected<void, errc> take_field(const char* base, const field_slot& slot, int minor_version,
                                     request_facts& facts) {
  const std::string_view name(base + slot.name_begin, slot.name_size);
  const std::string_view value(base + slot.value_begin, slot.value_size);
  switch (name.size()) {
    case 4:
      if (matches(name, "host")) {
        if (facts.host != nullptr) return std::unexpected(errc::bad_host);
        facts.host = &slot;
      }
      break;
    case 6:
      // HTTP/1.0 knows no Expect, and a sender of it could not understand the answer.
      if (minor_version >= 1 && matches(name, "expect")) {
        facts.expects = true;
        return take_expectation(value);
      }
      break;
    case 7:
      if (facts.upgrade == nullptr && matches(name, "upgrade")) facts.upgrade = &slot;
      break;
    case 10:
      if (matches(name, "connection")) facts.connection.take(value);
      break;
    case 14:
      if (matches(name, "content-length")) return facts.framing.take_length(value);
      break;
    case 17:
      if (matches(name, "transfer-encoding")) {
        return facts.framing.take_coding(value, minor_version);
      }
      break;
    default: break;
  }
  return {};
}

text_range range_of(const char* base, std::string_view text) noexcept {
  if (text.empty()) return {};
  return {static_cast<std::uint32_t>(text.data() - base), static_cast<std::uint32_t>(text.size())};
}

}  // namespace

void head_access::reset(request_head& head, std::string_view bytes) noexcept {
  head.fields_.slots_.clear();
  head.fields_.base_ = bytes.data();
  head.method_token_ = head.target_ = head.path_ = head.query_ = {};
  head.authority_ = head.upgrade_ = {};
  head.path_is_stored_ = head.expects_continue_ = false;
}

std::expected<void, errc> head_access::read_start_line(request_head& head, std::string_view line,
                                                       std::uint32_t offset, const limits& bounds) {
  if (line.size() > bounds.max_target + start_line_slack) {
    return std::unexpected(errc::target_too_long);
  }
  const char* const begin = line.data();
  const char* p = begin;
  while (is(*p, token_byte)) ++p;
  if (p == begin) return std::unexpected(errc::bad_request_line);
  if (*p != ' ') return std::unexpected(errc::bad_method);
  const std::string_view token(begin, static_cast<std::size_t>(p - begin));

  const char* const target_begin = ++p;
  while (is(*p, target_byte)) ++p;
  const std::string_view target(target_begin, static_cast<std::size_t>(p - target_begin));
  if (target.empty()) return std::unexpected(errc::bad_request_line);
  if (*p == '\r' || *p == '\n') return std::unexpected(errc::bad_version);
  if (*p != ' ') return std::unexpected(errc::bad_target);
  if (target.size() > bounds.max_target) return std::unexpected(errc::target_too_long);

  std::string_view version = line.substr(static_cast<std::size_t>(p + 1 - begin));
  if (!version.ends_with("\r\n")) return std::unexpected(errc::bad_line_end);
  version.remove_suffix(2);
  const auto minor = read_version(version);
  if (!minor) return std::unexpected(minor.error());

  head.method_ = method_from(token);
  head.method_token_ = {offset, static_cast<std::uint32_t>(token.size())};
  head.target_ = {offset + static_cast<std::uint32_t>(target_begin - begin),
                  static_cast<std::uint32_t>(target.size())};
  head.minor_version_ = *minor;
  return {};
}

std::expected<void, errc> head_access::judge(request_head& head) {
  const char* const base = head.fields_.base_;
  request_facts facts;
  for (const field_slot& slot : head.fields_.slots_) {
    if (auto taken = take_field(base, slot, head.minor_version_, facts); !taken) return taken;
  }
  if (facts.framing.has_coding && facts.framing.has_length) {
    return std::unexpected(errc::framing_conflict);
  }
  head.framing_ = facts.framing.has_coding   ? framing::chunked
                  : facts.framing.has_length ? framing::length
                                             : framing::none;
  head.content_length_ = facts.framing.length;
  const bool has_body = facts.framing.has_coding || facts.framing.length != 0;
  head.expects_continue_ = facts.expects && has_body;
  head.keep_alive_ = facts.connection.persistent(head.minor_version_);
  if (facts.upgrade != nullptr && facts.connection.upgrade && head.minor_version_ >= 1) {
    head.upgrade_ = {facts.upgrade->value_begin, facts.upgrade->value_size};
  }

  const auto parts = parse_target(head.text(head.target_), head.method_, head.path_storage_);
  if (!parts) return std::unexpected(parts.error());
  head.form_ = parts->form;
  head.path_is_stored_ = !parts->path.empty() && parts->path.data() == head.path_storage_.data();
  if (!head.path_is_stored_) head.path_ = range_of(base, parts->path);
  head.query_ = range_of(base, parts->query.value_or(std::string_view()));

  // An authority in the target replaces Host (RFC 9112 section 3.2.2), which still has to be there
  // and to be well-formed or empty.
  const bool in_target = !parts->authority.empty();
  if (facts.host == nullptr && head.minor_version_ >= 1) return std::unexpected(errc::missing_host);
  if (facts.host != nullptr) {
    const text_range host{facts.host->value_begin, facts.host->value_size};
    const bool may_be_empty = in_target && host.size == 0;
    if (!may_be_empty && !is_authority(head.text(host))) return std::unexpected(errc::bad_host);
    head.authority_ = host;
  }
  if (in_target) head.authority_ = range_of(base, parts->authority);
  return {};
}

}  // namespace detail

body_decoder request_head::body(const limits& bounds) const {
  return body_decoder(framing_, content_length_, bounds);
}

std::expected<std::size_t, errc> request_parser::parse(std::string_view bytes, request_head& head) {
  using detail::head_access;
  check(bytes.size() >= std::size_t{scan_.position} + scan_.seen,
        "request_parser::parse was not given the bytes of the last call again");
  const bool fresh = !in_progress();
  if (fresh) {
    head_access::reset(head, bytes);
  } else {
    head.rebase(bytes);
  }
  const bool all_seen = bytes.size() >= limits_->max_head;
  bytes = bytes.substr(0, limits_->max_head);

  while (!scan_.start_line_done) {
    std::size_t size = 0;
    if (!detail::find_line(bytes, scan_, size)) {
      const std::string_view partial = bytes.substr(scan_.position);
      if (partial.size() >= limits_->max_target + detail::start_line_slack) {
        return std::unexpected(errc::target_too_long);
      }
      // Not worth waiting for: another protocol, such as a TLS handshake on a plain port.
      if (!partial.empty() && partial[0] != '\r' && !detail::is(partial[0], detail::token_byte)) {
        return std::unexpected(errc::bad_request_line);
      }
      if (all_seen) return std::unexpected(errc::head_too_large);
      return std::size_t{0};
    }
    const std::string_view line = bytes.substr(scan_.position, size);
    const std::uint32_t offset = scan_.position;
    scan_.position += static_cast<std::uint32_t>(size);
    scan_.seen = 0;
    if (line == "\r\n" && !scan_.empty_line_taken) {
      scan_.empty_line_taken = true;
      continue;
    }
    if (auto read = head_access::read_start_line(head, line, offset, *limits_); !read) {
      return std::unexpected(read.error());
    }
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
  if (auto judged = head_access::judge(head); !judged) return std::unexpected(judged.error());
  return consumed;
}

}  // namespace eddy::wire::http1
