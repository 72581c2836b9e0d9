// permessage-deflate (RFC 7692): compressing and decompressing messages, and agreeing on how.
//
// A side's context is zlib's memory of earlier messages. With context takeover it lives as long as the connection:
// about 256 KiB for compressing with a window of 15 bits, 40 KiB for decompressing. Without, it lives as long as a
// message. Either comes into being with the first message that needs it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <eddy/wire/websocket_error.hpp>

struct z_stream_s;

namespace eddy::wire::websocket {

/// What both sides have agreed on. The words are those of RFC 7692 section 7.1.
struct deflate_parameters {
  bool server_no_context_takeover = false;
  bool client_no_context_takeover = false;
  std::uint8_t server_max_window_bits = 15;  ///< 8 to 15
  std::uint8_t client_max_window_bits = 15;
  friend bool operator==(const deflate_parameters&, const deflate_parameters&) = default;
};

/// The client's offer: `wanted`, and that it would also take a smaller window for itself.
[[nodiscard]] std::string write_deflate_offer(const deflate_parameters& wanted);

/// What the server makes of the extensions a client offers.
struct deflate_answer {
  deflate_parameters agreed;
  std::string text;  ///< the value of Sec-WebSocket-Extensions in the response
};
/// The first offer of permessage-deflate that can be accepted; nullopt if there is none. `offers` is the value of
/// Sec-WebSocket-Extensions (several lines joined by commas). Parameters that are unknown, repeated or out of range
/// decline an offer. What `wanted` asks of the server's side always holds; of the client's side as far as the offer
/// allows. Error: bad_extension, for a malformed list.
[[nodiscard]] std::expected<std::optional<deflate_answer>, errc> answer_deflate_offer(
    std::string_view offers, const deflate_parameters& wanted);

/// What the client makes of the server's answer to `offered`; nullopt: no compression. Error: bad_extension, for
/// whatever was not offered.
[[nodiscard]] std::expected<std::optional<deflate_parameters>, errc> read_deflate_answer(
    std::string_view answer, const deflate_parameters& offered);

namespace detail {
struct deflate_end {
  void operator()(z_stream_s* stream) const noexcept;
};
struct inflate_end {
  void operator()(z_stream_s* stream) const noexcept;
};
}  // namespace detail

struct deflater_options {
  std::uint8_t window_bits = 15;  ///< 8 to 15
  bool keep_context = true;
  int level = 6;         ///< 1, fastest, to 9, smallest
  int memory_level = 8;  ///< 1 to 9
};

/// Compresses messages. Move-only.
class deflater {
 public:
  explicit deflater(deflater_options options) noexcept : options_(options) {}

  /// Appends the compressed form of one whole message. Throws std::bad_alloc.
  void compress(std::span<const std::byte> message, std::string& out);
  /// Whether it holds memory between messages.
  [[nodiscard]] bool has_context() const noexcept { return stream_ != nullptr; }

 private:
  deflater_options options_;
  std::unique_ptr<z_stream_s, detail::deflate_end> stream_;
};

struct inflater_options {
  std::uint8_t window_bits = 15;
  bool keep_context = true;
};

/// Decompresses messages, piece by piece: no input, however it was made, needs more memory than a window and one piece.
/// Move-only.
class inflater {
 public:
  static constexpr std::size_t piece_size = 16 * 1024;

  struct piece {
    std::span<const std::byte> output;  ///< valid until the next call; may be empty
    std::size_t consumed = 0;           ///< bytes of the input that are done with
  };

  explicit inflater(inflater_options options) noexcept : options_(options) {}

  /// Takes some of `input`, a part of a message, and gives what it means. To be called until all of it is consumed.
  /// Throws std::bad_alloc. Error: bad_compressed_data.
  [[nodiscard]] std::expected<piece, errc> decompress(std::span<const std::byte> input);
  /// After a message's last byte: gives what is left of it. To be called until the output is empty; then the message is
  /// over, and the memory has been given back but for a context that is kept.
  [[nodiscard]] std::expected<piece, errc> finish();

  [[nodiscard]] bool has_context() const noexcept { return stream_ != nullptr; }

 private:
  void prepare();

  inflater_options options_;
  std::unique_ptr<z_stream_s, detail::inflate_end> stream_;
  std::unique_ptr<std::byte[]> output_;
  std::uint8_t tail_given_ = 0;  // bytes of the tail that the sender left out
};

}  // namespace eddy::wire::websocket
