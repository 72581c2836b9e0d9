#include <eddy/wire/http1_body.hpp>

#include "http1_bytes.hpp"
#include "http1_section.hpp"

#include <algorithm>
#include <string>

#include <eddy/wire/http1_writer.hpp>

namespace eddy::wire::http1 {
namespace detail {

struct trailer_section {
  std::string bytes;
  section_scan scan;
  field_table table;
  std::size_t judged = 0;  // fields known to be allowed
  bool complete = false;
};

void trailer_deleter::operator()(trailer_section* section) const noexcept { delete section; }

}  // namespace detail

namespace {

constexpr std::uint8_t max_size_digits = 16;

// RFC 9110 section 5.6.4: what may stand in a quoted string without a backslash.
bool is_quoted_text(unsigned char byte) noexcept {
  return detail::is(static_cast<char>(byte), detail::value_byte) && byte != '"' && byte != '\\';
}

}  // namespace

body_decoder::body_decoder(framing kind, std::uint64_t content_length,
                           const limits& bounds) noexcept
    : limits_(&bounds) {
  switch (kind) {
    case framing::none: break;
    case framing::length:
      remaining_ = content_length;
      state_ = content_length == 0 ? state::done : state::sized_data;
      break;
    case framing::chunked: state_ = state::size_first; break;
    case framing::until_close: state_ = state::data_until_close; break;
  }
}

body_decoder::event body_decoder::take_data(std::string_view bytes, std::size_t offset) {
  const std::string_view rest = bytes.substr(offset);
  if (state_ == state::data_until_close) return {event_kind::data, bytes.size(), rest};
  const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(rest.size(), remaining_));
  remaining_ -= size;
  if (remaining_ == 0) {
    state_ = state_ == state::sized_data ? state::done : state::data_return;
  }
  return {event_kind::data, offset + size, rest.substr(0, size)};
}

std::expected<body_decoder::event, errc> body_decoder::next(std::string_view bytes) {
  std::size_t i = 0;
  for (;;) {
    if (state_ == state::done) return event{event_kind::end, i, {}};
    if (i == bytes.size()) return event{event_kind::need_more, i, {}};
    const auto byte = static_cast<unsigned char>(bytes[i]);
    switch (state_) {
      case state::sized_data:
      case state::data_until_close:
      case state::chunk_data: return take_data(bytes, i);
      case state::data_return:
        if (byte != '\r') return std::unexpected(errc::bad_chunk_end);
        state_ = state::data_line_feed;
        break;
      case state::data_line_feed:
        if (byte != '\n') return std::unexpected(errc::bad_chunk_end);
        state_ = state::size_first;
        break;
      case state::trailers: return take_trailers(bytes, i);
      case state::trailers_line_feed:
        if (byte != '\n') return std::unexpected(errc::bad_line_end);
        state_ = state::done;
        break;
      case state::size_first:
      case state::size_digits:
      case state::size_line_feed:
        if (auto taken = on_size_byte(byte); !taken) return std::unexpected(taken.error());
        break;
      default:
        if (auto taken = on_extension_byte(byte); !taken) return std::unexpected(taken.error());
        break;
    }
    ++i;
  }
}

std::expected<void, errc> body_decoder::on_size_byte(unsigned char byte) {
  if (state_ == state::size_line_feed) {
    if (byte != '\n') return std::unexpected(errc::bad_line_end);
    state_ = remaining_ == 0 ? state::trailers : state::chunk_data;
    return {};
  }
  const int digit = detail::hex_value(static_cast<char>(byte));
  if (digit >= 0) {
    if (state_ == state::size_first) {
      size_digits_ = 0;
      remaining_ = 0;
      state_ = state::size_digits;
    }
    if (++size_digits_ > max_size_digits) return std::unexpected(errc::bad_chunk_size);
    remaining_ = remaining_ * 16 + static_cast<std::uint64_t>(digit);
    return {};
  }
  if (state_ == state::size_first) return std::unexpected(errc::bad_chunk_size);
  if (byte == '\r') {
    state_ = state::size_line_feed;
    return {};
  }
  if (byte == '\n') return std::unexpected(errc::bad_line_end);
  if (byte != ';') return std::unexpected(errc::bad_chunk_size);
  extension_bytes_ = 0;
  state_ = state::extension_name_start;
  return count_extension_byte();
}

std::expected<void, errc> body_decoder::count_extension_byte() noexcept {
  if (++extension_bytes_ > limits_->max_chunk_extension ||
      ++extension_bytes_total_ > limits_->max_chunk_extensions_total) {
    return std::unexpected(errc::chunk_extension_too_long);
  }
  return {};
}

// The grammar: *( ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ] BWS ) CRLF
std::expected<void, errc> body_decoder::on_extension_byte(unsigned char byte) {
  const char c = static_cast<char>(byte);
  const bool token = detail::is(c, detail::token_byte);
  const bool blank = detail::is_blank(c);
  const auto refused = std::unexpected(errc::bad_chunk_extension);
  switch (state_) {
    case state::extension_name_start:
      if (token)
        state_ = state::extension_name;
      else if (!blank)
        return refused;
      break;
    case state::extension_value_start:
      if (token)
        state_ = state::extension_token;
      else if (byte == '"')
        state_ = state::extension_quoted;
      else if (!blank)
        return refused;
      break;
    case state::extension_quoted:
      if (byte == '"')
        state_ = state::extension_after_value;
      else if (byte == '\\')
        state_ = state::extension_escape;
      else if (!is_quoted_text(byte))
        return refused;
      break;
    case state::extension_escape:
      if (!detail::is(c, detail::value_byte)) return refused;
      state_ = state::extension_quoted;
      break;
    default: {
      // Behind a name or a value: more of it, or what may follow.
      const bool in_name = state_ == state::extension_name;
      const bool in_value = state_ == state::extension_token;
      const bool after_name = in_name || state_ == state::extension_after_name;
      if (token && (in_name || in_value)) break;
      if (byte == '\r') {
        state_ = state::size_line_feed;
        return {};
      }
      if (byte == ';')
        state_ = state::extension_name_start;
      else if (byte == '=' && after_name)
        state_ = state::extension_value_start;
      else if (blank)
        state_ = after_name ? state::extension_after_name : state::extension_after_value;
      else
        return refused;
      break;
    }
  }
  return count_extension_byte();
}

std::expected<body_decoder::event, errc> body_decoder::take_trailers(std::string_view bytes,
                                                                     std::size_t offset) {
  if (trailers_ == nullptr) {
    if (bytes[offset] == '\r') {
      state_ = state::trailers_line_feed;
      auto rest = next(bytes.substr(offset + 1));
      if (rest) rest->consumed += offset + 1;
      return rest;
    }
    trailers_.reset(new detail::trailer_section);
  }
  detail::trailer_section& section = *trailers_;
  const std::size_t before = section.bytes.size();
  section.bytes.append(bytes.substr(offset, limits_->max_trailers - before));

  auto& slots = detail::head_access::slots(section.table);
  const auto complete = detail::read_fields(section.bytes, section.scan, slots,
                                            limits_->max_trailer_fields, errc::trailers_too_large);
  detail::head_access::attach(section.table, section.bytes);
  // Before the error of a later line: the verdict does not depend on how the bytes were cut.
  for (; section.judged < section.table.size(); ++section.judged) {
    if (is_forbidden_trailer(section.table[section.judged].name)) {
      return std::unexpected(errc::forbidden_trailer);
    }
  }
  if (!complete) return std::unexpected(complete.error());
  if (!*complete) {
    if (section.bytes.size() >= limits_->max_trailers) {
      return std::unexpected(errc::trailers_too_large);
    }
    return event{event_kind::need_more, bytes.size(), {}};
  }
  section.complete = true;
  state_ = state::done;
  return event{event_kind::end, offset + section.scan.position - before, {}};
}

std::expected<void, errc> body_decoder::finish() noexcept {
  if (state_ == state::data_until_close) state_ = state::done;
  if (state_ != state::done) return std::unexpected(errc::incomplete_message);
  return {};
}

const field_table& body_decoder::trailers() const noexcept {
  static const field_table none;
  return trailers_ != nullptr && trailers_->complete ? trailers_->table : none;
}

}  // namespace eddy::wire::http1
