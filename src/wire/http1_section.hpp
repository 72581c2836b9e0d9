// Lines of a head or trailer section, read incrementally. Shared by both parsers and the decoder.
#pragma once

#include <cstdint>
#include <cstring>
#include <expected>
#include <string_view>
#include <vector>

#include <eddy/wire/http1_error.hpp>
#include <eddy/wire/http1_fields.hpp>
#include <eddy/wire/http1_limits.hpp>
#include <eddy/wire/http1_request_parser.hpp>
#include <eddy/wire/http1_response_parser.hpp>

namespace eddy::wire::http1::detail {

// What the codec's own sources may touch of the public value types.
class head_access {
 public:
  [[nodiscard]] static std::vector<field_slot>& slots(field_table& table) noexcept {
    return table.slots_;
  }
  static void attach(field_table& table, std::string_view bytes) noexcept {
    table.base_ = bytes.data();
  }
  [[nodiscard]] static field_table& fields(request_head& head) noexcept { return head.fields_; }
  [[nodiscard]] static field_table& fields(response_head& head) noexcept { return head.fields_; }

  static void reset(request_head& head, std::string_view bytes) noexcept;
  static void reset(response_head& head, std::string_view bytes) noexcept;
  // Parses the start line, which is complete in `line` (CRLF included) and starts at `offset`.
  [[nodiscard]] static std::expected<void, errc> read_start_line(request_head& head,
                                                                 std::string_view line,
                                                                 std::uint32_t offset,
                                                                 const limits& bounds);
  [[nodiscard]] static std::expected<void, errc> read_start_line(response_head& head,
                                                                 std::string_view line,
                                                                 std::uint32_t offset);
  // Decides from the fields what the head means, once all of them are there.
  [[nodiscard]] static std::expected<void, errc> judge(request_head& head);
  [[nodiscard]] static std::expected<void, errc> judge(response_head& head, method answers);
};

// True when the line at `scan.position` is complete in `bytes`; `line_size` then counts it with its
// LF. Bytes looked at once are not looked at again.
[[nodiscard]] inline bool find_line(std::string_view bytes, section_scan& scan,
                                    std::size_t& line_size) noexcept {
  const std::size_t from = std::size_t{scan.position} + scan.seen;
  if (from < bytes.size()) {
    const char* begin = bytes.data() + from;
    if (const void* found = std::memchr(begin, '\n', bytes.size() - from)) {
      line_size = scan.seen + static_cast<std::size_t>(static_cast<const char*>(found) - begin) + 1;
      return true;
    }
  }
  scan.seen = static_cast<std::uint32_t>(bytes.size() - scan.position);
  return false;
}

// Reads field lines from `scan.position` on. True when the empty line that ends the section has
// been taken; scan.position is then behind it. `bytes` must not be longer than the section may be.
// Errors: of fields, and `too_many` when there are more than `max_fields`.
[[nodiscard]] std::expected<bool, errc> read_fields(std::string_view bytes, section_scan& scan,
                                                    std::vector<field_slot>& slots,
                                                    std::uint32_t max_fields, errc too_many);

// What the framing fields of a head say, gathered line by line.
struct framing_fields {
  bool has_length = false;
  bool has_coding = false;
  std::uint64_t length = 0;

  [[nodiscard]] std::expected<void, errc> take_length(std::string_view value) noexcept;
  [[nodiscard]] std::expected<void, errc> take_coding(std::string_view value,
                                                      int minor_version) noexcept;
};

// What Connection fields say, gathered line by line.
struct connection_options {
  bool close = false;
  bool keep_alive = false;
  bool upgrade = false;
  bool unreadable = false;

  void take(std::string_view value) noexcept;
  [[nodiscard]] bool persistent(int minor_version) const noexcept {
    return !close && !unreadable && (minor_version >= 1 || keep_alive);
  }
};

// "HTTP/1.0" or "HTTP/1.1" at the start of `text`; gives the minor version.
[[nodiscard]] std::expected<std::uint8_t, errc> read_version(std::string_view text) noexcept;

}  // namespace eddy::wire::http1::detail
