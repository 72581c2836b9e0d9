// Server-sent events (WHATWG HTML, section 9.2) as bytes: writing events, and parsing a stream of them. No I/O.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace eddy::wire::sse {

/// Category "eddy.sse"; equals condition::failed, invalid_output condition::invalid_input.
enum class errc : std::uint8_t {
  event_too_big = 1,  ///< a line, or an event's data, beyond the limit
  invalid_output      ///< a line end in a type or an id, or NUL in an id
};

[[nodiscard]] const std::error_category& category() noexcept;
[[nodiscard]] std::error_code make_error_code(errc code) noexcept;

/// An event as it is sent. Empty fields are left out.
struct outgoing_event {
  std::string_view data = {};  ///< any lines
  std::string_view type = {};
  std::string_view id = {};
  std::optional<std::chrono::milliseconds> retry =
      std::nullopt;  ///< how long to wait before reconnecting
};

/// Appends an event. Error: invalid_output, and nothing was appended.
[[nodiscard]] std::expected<void, errc> write_event(std::string& out, const outgoing_event& event);
/// Appends a comment, which keeps a connection alive and means nothing. Each line of `text` becomes one.
void write_comment(std::string& out, std::string_view text = {});

/// An event as it was received. Texts are bytes; nothing is decoded.
struct incoming_event {
  std::string type;  ///< "message" if the sender named none
  std::string data;
  std::string id;  ///< the last id of the stream so far
};

/// Parses one stream. Line ends may be CR, LF or CRLF; a byte order mark at the front is dropped; what has not ended
/// with the stream is not an event.
class parser {
 public:
  struct parsed {
    std::size_t consumed = 0;  ///< bytes that are done with
    bool complete = false;     ///< event() is one, until the next call
  };

  /// `limit`: most bytes of a line and of an event's data.
  explicit parser(std::size_t limit = 1024 * 1024) noexcept : limit_(limit) {}

  /// Goes through `bytes`, which follow those that were consumed before, up to the end of the first event.
  [[nodiscard]] std::expected<parsed, errc> parse(std::string_view bytes);
  [[nodiscard]] incoming_event& event() noexcept { return event_; }

  /// For Last-Event-ID at the next connection.
  [[nodiscard]] const std::string& last_id() const noexcept { return last_id_; }
  void set_last_id(std::string id) { last_id_ = id_ = std::move(id); }
  /// What the stream last asked for, if it did.
  [[nodiscard]] std::optional<std::chrono::milliseconds> retry() const noexcept { return retry_; }

  /// A new stream begins; last_id() and retry() stay.
  void restart() noexcept;

 private:
  [[nodiscard]] std::expected<bool, errc> end_line();
  void take_field(std::string_view name, std::string_view value);
  [[nodiscard]] bool dispatch();

  std::size_t limit_;
  bool at_start_ = true;       // a byte order mark may come
  bool after_return_ = false;  // an LF here belongs to the CR before it
  std::string line_;
  std::string type_;
  std::string data_;
  std::string id_;
  std::string last_id_;
  std::optional<std::chrono::milliseconds> retry_;
  incoming_event event_;
};

}  // namespace eddy::wire::sse

template <>
struct std::is_error_code_enum<eddy::wire::sse::errc> : std::true_type {};
