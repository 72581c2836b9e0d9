// Message bodies (RFC 9112 sections 6 and 7): finds the data in the bytes after a head and the
// place where the message ends. Data is never copied or collected.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <string_view>

#include <eddy/wire/http1_error.hpp>
#include <eddy/wire/http1_fields.hpp>
#include <eddy/wire/http1_limits.hpp>

namespace eddy::wire::http1 {

enum class framing : std::uint8_t {
  none,        ///< the message ends with its head
  length,      ///< exactly Content-Length bytes
  chunked,     ///< chunks, then perhaps trailers
  until_close  ///< responses only: until the server closes
};

namespace detail {

struct trailer_section;

struct trailer_deleter {
  void operator()(trailer_section* section) const noexcept;
};

}  // namespace detail

/// Chunked bodies are read strictly: a size is 1*HEXDIG (at most 16) followed at once by CRLF or
/// by ";"; whitespace is accepted only behind the first ";"; an extension needs a name ("5;" alone
/// is refused). Well-formed extensions are ignored within their limits.
///
/// Trailers are kept apart from the head's fields and never merged. A trailer that would change
/// framing, routing, authentication, or how the message is processed (Content-Length, Host,
/// Authorization, Cookie, Cache-Control, Content-Type, ... the list is in the source) refuses the
/// message.
class body_decoder {
 public:
  enum class event_kind : std::uint8_t {
    need_more,  ///< all bytes were taken, the message goes on
    data,       ///< a piece of the body; call again with the rest
    end         ///< the message is over; what is left belongs to the next one
  };

  struct event {
    event_kind kind = event_kind::need_more;
    std::size_t consumed = 0;  ///< take so many bytes from the front, the data among them
    std::string_view data;     ///< view into the bytes given; not empty if kind is data, else empty
  };

  /// No body: finished from the start.
  body_decoder() noexcept = default;
  /// `content_length` counts for framing::length only. `bounds` has to outlive the decoder.
  explicit body_decoder(framing kind, std::uint64_t content_length = 0,
                        const limits& bounds = default_limits) noexcept;

  /// The next event in `bytes`, which starts after everything consumed so far. An empty input gives
  /// `end` if the message is over and `need_more` otherwise. After `end`, `end` again.
  /// Errors: bad_chunk_size, bad_chunk_extension, chunk_extension_too_long, bad_chunk_end,
  /// bad_line_end, trailers_too_large, forbidden_trailer, or a field error inside the trailers.
  /// After an error neither the decoder nor the connection is of further use.
  [[nodiscard]] std::expected<event, errc> next(std::string_view bytes);

  /// The peer has closed its side. An end for until_close; error incomplete_message if something is
  /// missing.
  [[nodiscard]] std::expected<void, errc> finish() noexcept;

  /// True when the whole message has been consumed. After the last data of a body with a length this
  /// is true already, before the `end` event.
  [[nodiscard]] bool finished() const noexcept { return state_ == state::done; }

  /// What is still to come of a body with a length, or of the current chunk.
  [[nodiscard]] std::uint64_t remaining() const noexcept { return remaining_; }

  /// Complete after `end`, empty before; lives as long as the decoder.
  [[nodiscard]] const field_table& trailers() const noexcept;

 private:
  enum class state : std::uint8_t {
    done,
    sized_data,
    data_until_close,
    size_first,
    size_digits,
    extension_name_start,
    extension_name,
    extension_after_name,
    extension_value_start,
    extension_token,
    extension_quoted,
    extension_escape,
    extension_after_value,
    size_line_feed,
    chunk_data,
    data_return,
    data_line_feed,
    trailers,
    trailers_line_feed
  };

  [[nodiscard]] event take_data(std::string_view bytes, std::size_t offset);
  [[nodiscard]] std::expected<void, errc> on_size_byte(unsigned char byte);
  [[nodiscard]] std::expected<void, errc> on_extension_byte(unsigned char byte);
  [[nodiscard]] std::expected<void, errc> count_extension_byte() noexcept;
  [[nodiscard]] std::expected<event, errc> take_trailers(std::string_view bytes,
                                                         std::size_t offset);

  state state_ = state::done;
  std::uint8_t size_digits_ = 0;
  std::uint32_t extension_bytes_ = 0;
  std::uint32_t extension_bytes_total_ = 0;
  std::uint64_t remaining_ = 0;
  const limits* limits_ = &default_limits;
  std::unique_ptr<detail::trailer_section, detail::trailer_deleter> trailers_;
};

}  // namespace eddy::wire::http1
