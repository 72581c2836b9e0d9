// One coding, behind content_decoder and content_encoder.
#pragma once

#include <cstddef>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <eddy/http/content_coding.hpp>

namespace eddy::http {

class content_decoder::implementation {
 public:
  implementation() = default;
  implementation(const implementation&) = delete;
  implementation& operator=(const implementation&) = delete;
  virtual ~implementation() = default;

  /// One call of the library. Neither consumed nor produced: it needs more of what was empty, or both.
  virtual std::expected<step, std::error_code> decode(std::span<const std::byte> in,
                                                      std::span<std::byte> out) = 0;
  /// Whether the input so far ends where the data end.
  [[nodiscard]] virtual bool whole() const noexcept = 0;
};

class content_encoder::implementation {
 public:
  enum class mode : std::uint8_t { more, flush, finish };

  implementation() = default;
  implementation(const implementation&) = delete;
  implementation& operator=(const implementation&) = delete;
  virtual ~implementation() = default;

  /// Consumes all of `piece`, appends what comes of it.
  virtual void run(std::string_view piece, mode how, std::string& out) = 0;
};

namespace detail {

/// Throws errc::unsupported for a coding that is not in this build.
[[nodiscard]] std::unique_ptr<content_decoder::implementation> make_decoder(
    content_coding coding, const decoder_limits& limits);
[[nodiscard]] std::unique_ptr<content_encoder::implementation> make_encoder(
    content_coding coding, std::optional<int> level);

// One source per library: content_coding_zlib.cpp, _brotli.cpp, _zstd.cpp.
[[nodiscard]] std::unique_ptr<content_decoder::implementation> make_zlib_decoder(bool gzip);
[[nodiscard]] std::unique_ptr<content_encoder::implementation> make_zlib_encoder(bool gzip,
                                                                                 int level);
[[nodiscard]] std::unique_ptr<content_decoder::implementation> make_brotli_decoder();
[[nodiscard]] std::unique_ptr<content_encoder::implementation> make_brotli_encoder(int level);
[[nodiscard]] std::unique_ptr<content_decoder::implementation> make_zstd_decoder(int window_log);
[[nodiscard]] std::unique_ptr<content_encoder::implementation> make_zstd_encoder(int level);

}  // namespace detail
}  // namespace eddy::http
