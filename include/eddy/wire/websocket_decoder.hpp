// websocket::decoder: bytes of a connection in, messages and control frames out. No I/O.
//
//   auto event = decoder.next(received);          // unmasks in place
//   if (!event) fail(close_code_for(event.error()));
//   ... event->payload ...
//   received = received.subspan(event->consumed);
//
// Rules are enforced with the first byte that breaks them: a header's before its payload has come, UTF-8 with the first
// wrong byte, limits when a length announces more.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <limits>
#include <optional>
#include <span>

#include <eddy/wire/utf8.hpp>
#include <eddy/wire/websocket_deflate.hpp>
#include <eddy/wire/websocket_error.hpp>
#include <eddy/wire/websocket_frame.hpp>

namespace eddy::wire::websocket {

enum class message_kind : std::uint8_t { text, binary };

struct decoder_limits {
  static constexpr std::uint64_t none = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t frame = 1024 * 1024;    ///< bytes of a frame's payload
  std::uint64_t message = 1024 * 1024;  ///< bytes of a message, decompressed
};

/// For one connection, from the first byte after the handshake on. After an error every call gives that error.
class decoder {
 public:
  enum class event_kind : std::uint8_t {
    need_more,  ///< nothing to tell yet; give what is left again, with more bytes behind it
    data,       ///< a piece of a message
    ping,
    pong,
    close  ///< the last: nothing may be decoded behind it
  };

  struct event {
    event_kind kind = event_kind::need_more;
    message_kind message = message_kind::text;  ///< of data
    bool begins = false;                        ///< the piece is its message's first
    bool ends = false;                          ///< it is its last; both: the message is whole
    std::uint16_t close_code = 0;               ///< of close: no_status if there is none
    /// Of data, ping and pong their bytes, of close the reason. A view into the input or into the decoder, valid until
    /// the next call.
    std::span<const std::byte> payload = {};
    std::size_t consumed = 0;  ///< bytes of the input that are done with, even for need_more
  };

  /// `compression`: for the peer's messages, if permessage-deflate was agreed on.
  decoder(role own_role, decoder_limits limits,
          std::optional<inflater_options> compression = std::nullopt) noexcept;

  /// The next event in `input`: what earlier calls did not consume, unchanged, and what came behind it. A control frame
  /// is told when it is complete, so up to 139 bytes have to fit.
  [[nodiscard]] std::expected<event, errc> next(std::span<std::byte> input);

  /// Whether a message has begun and not ended.
  [[nodiscard]] bool in_message() const noexcept { return message_open_; }

 private:
  struct header {
    opcode code = opcode::text;
    bool final = false;
    bool compressed = false;
    masking_key mask{};
    std::uint64_t length = 0;
    std::size_t size = 0;  // of the header itself; 0: not complete
  };

  [[nodiscard]] std::expected<header, errc> read_header(std::span<const std::byte> input) const;
  [[nodiscard]] std::optional<errc> check_opcode(unsigned first) const noexcept;
  [[nodiscard]] std::expected<event, errc> control(const header& head, std::span<std::byte> input);
  [[nodiscard]] std::optional<errc> begin_frame(const header& head) noexcept;
  [[nodiscard]] std::expected<event, errc> data(std::span<std::byte> input, std::size_t used);
  [[nodiscard]] std::expected<event, errc> plain(std::span<std::byte> available, std::size_t used);
  [[nodiscard]] std::expected<event, errc> inflated(std::span<std::byte> available,
                                                    std::size_t used);
  [[nodiscard]] std::expected<event, errc> deliver(std::span<const std::byte> bytes, bool ends,
                                                   std::size_t used);
  void unmask(std::span<std::byte> payload) noexcept;
  [[nodiscard]] std::unexpected<errc> fail(errc code) noexcept;

  role role_;
  bool in_frame_ = false;      // within a data frame's payload
  bool message_open_ = false;  // between a message's first frame and its last one's end
  bool begun_ = false;         // the message's first piece has been told
  bool final_ = false;         // the frame is its message's last
  bool compressed_ = false;    // the message
  message_kind kind_ = message_kind::text;
  masking_key mask_{};
  utf8_validator utf8_;
  std::uint64_t frame_length_ = 0;
  std::uint64_t frame_done_ = 0;      // bytes of its payload that were consumed
  std::uint64_t frame_unmasked_ = 0;  // bytes of it that were unmasked, perhaps more
  std::uint64_t message_size_ =
      0;  // bytes of the message that were told, or announced if not compressed
  decoder_limits limits_;
  std::optional<inflater> inflater_;
  std::optional<errc> failure_;
};

}  // namespace eddy::wire::websocket
