// Content codings (RFC 9110 section 8.4): gzip, deflate, br and zstd as pure streaming codecs, for both sides.
//
//   eddy::http::content_decoder decoder(eddy::http::content_coding::gzip);
//   auto step = decoder.decode(input, room);   // consumes some, produces some
//
//   eddy::http::content_encoder encoder(eddy::http::content_coding::br);
//   encoder.encode(piece, out);                // appends what there is
//   encoder.finish(out);
//
// No I/O and no co_await. An object belongs to whoever uses it; different ones on different threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

namespace eddy::http {

enum class content_coding : std::uint8_t { identity, gzip, deflate, br, zstd };

/// The name in Content-Encoding and Accept-Encoding.
[[nodiscard]] std::string_view to_string(content_coding coding) noexcept;
/// The coding of that name, in any case, also "x-gzip"; empty is identity. nullopt: unknown.
[[nodiscard]] std::optional<content_coding> content_coding_from(std::string_view name) noexcept;
/// Whether this build can decode and encode it: brotli and zstd are options of the build.
[[nodiscard]] bool is_available(content_coding coding) noexcept;
/// What a client accepts that decodes everything available: "gzip, deflate, br, zstd".
[[nodiscard]] std::string_view accepted_codings() noexcept;

/// Why coded data cannot be decoded. Equal to condition::invalid_input.
enum class coding_errc {
  bad_data = 1,      ///< not of this coding, or damaged
  incomplete,        ///< the input ended before the data did
  ratio_exceeded,    ///< more output per input than the limit: a bomb
  trailing_data,     ///< bytes behind the end of the data
  window_too_large,  ///< needs more memory than the limit
};
[[nodiscard]] std::error_code make_error_code(coding_errc code) noexcept;

struct decoder_limits {
  /// Most bytes of output per byte of input, once there is more than `ratio_from` of output. Zero: no limit.
  std::size_t max_ratio = 500;
  std::size_t ratio_from = 1 << 20;
  /// Memory for zstd's window, as a power of two; RFC 9659 allows no more. The others have at most 16 MiB.
  int max_window_log = 23;
};

/// Takes coded bytes, gives plain ones. Memory is bounded by the coding's window. Move-only.
class content_decoder {
 public:
  /// identity copies. A coding that is not available throws errc::unsupported.
  explicit content_decoder(content_coding coding, const decoder_limits& limits = {});
  content_decoder(content_decoder&&) noexcept;
  content_decoder& operator=(content_decoder&&) noexcept;
  ~content_decoder();

  struct step {
    std::size_t consumed = 0;  ///< bytes of `in`
    std::size_t produced = 0;  ///< bytes of `out`
  };
  /// Goes on until `in` is consumed or `out` is full; with an empty `in` it gives output that is held back still. After
  /// an error the decoder is of no further use.
  /// Several gzip members or zstd frames in a row are one text.
  [[nodiscard]] std::expected<step, std::error_code> decode(std::span<const std::byte> in,
                                                            std::span<std::byte> out);
  /// Called when there is no more input and decode() produced nothing: coding_errc::incomplete unless the data are
  /// whole. No input at all is whole and empty.
  [[nodiscard]] std::expected<void, std::error_code> finish() const noexcept;

  class implementation;

 private:
  std::unique_ptr<implementation> implementation_;
  decoder_limits limits_;
  std::uint64_t in_total_ = 0;
  std::uint64_t out_total_ = 0;
};

/// All of `text`, decoded; more than `max_size` bytes give std::errc::value_too_large.
[[nodiscard]] std::expected<std::string, std::error_code> decode_whole(
    content_coding coding, std::string_view text, std::size_t max_size,
    const decoder_limits& limits = {});

/// Takes plain bytes, appends coded ones. Move-only.
class content_encoder {
 public:
  /// `level` is the coding's own, within its range; unset: one for content made while it is sent (gzip 5, br 4,
  /// zstd 3). identity copies. A coding that is not available throws errc::unsupported.
  explicit content_encoder(content_coding coding, std::optional<int> level = std::nullopt);
  content_encoder(content_encoder&&) noexcept;
  content_encoder& operator=(content_encoder&&) noexcept;
  ~content_encoder();

  /// Appends what is ready of the coded form; often nothing. Throws std::bad_alloc only.
  void encode(std::string_view piece, std::string& out);
  /// Appends everything so far, so that the other side can decode it now: for events and slow streams.
  void flush(std::string& out);
  /// Appends the rest and the end. Nothing may follow.
  void finish(std::string& out);

  class implementation;

 private:
  std::unique_ptr<implementation> implementation_;
};

/// All of `text`, encoded.
[[nodiscard]] std::string encode_whole(content_coding coding, std::string_view text,
                                       std::optional<int> level = std::nullopt);

}  // namespace eddy::http

template <>
struct std::is_error_code_enum<eddy::http::coding_errc> : std::true_type {};
